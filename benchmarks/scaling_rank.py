"""One rank of benchmarks/scaling.py: simulates the only shard of the config in this folder, prints the seconds."""

import time
from pathlib import Path

from vicollapse.ensemble.cpu import _compiled
from vicollapse.ensemble.solution import Problem
from vicollapse.ensemble.solve import default_method, default_terms
from vicollapse.experiments.flow_ensemble import EQUATIONS
from vicollapse.parallel.team import joined
from vicollapse.schedules import annealing
from vicollapse.sweep.runner import simulate
from vicollapse.sweep.shards import plan_shards
from vicollapse.sweep.study import load

with joined() as team:
    config = load(Path("config.yaml"))
    study, folder = config.study("scaling"), Path("results/scaling")
    (shard,) = plan_shards(study, folder, minutes=config.shard_minutes)
    _compiled(Problem(EQUATIONS, ("softmax", annealing(None).shape)), default_method(1e-6), default_terms(1e-6))
    team.meet()
    start = time.perf_counter()
    simulate(shard, folder, team=team, threads=1)
    team.meet()
    if team.is_first:
        print(time.perf_counter() - start)
