"""A stopwatch in the steps of a run: planning, initial law, integration, observables, files, aggregation, figures."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from vicollapse import experiments
from vicollapse.experiments import flow_ensemble
from vicollapse.figures import render
from vicollapse.figures.registry import parse_options
from vicollapse.sweep import compute, runner
from vicollapse.sweep.aggregate import aggregate
from vicollapse.sweep.plan import estimate
from vicollapse.sweep.points import point_blocks, points
from vicollapse.sweep.shards import plan_shards
from vicollapse.sweep.study import Config
from vicollapse.sweep.study import load as load_config

START_UP = "starting programs, imports, scheduling (the workflow's time less all others)"
GROUPS = {
    "start-up": (START_UP,),
    "planning": ("planning",),
    "integration": ("initial law", "integration", "observables and fates", "reduction"),
    "files": ("files, bookkeeping, waiting for the last thread", "aggregation"),
    "figures": ("figures",),
}
"""What a user waits for, and the steps that it consists of."""
CHUNK = 1024
"""Blocks of 256 trajectories per call of the integrator, in the bare measurement."""


class Stopwatch:
    """Seconds per step; the time of an inner step does not count for the outer one.

    Steps on other threads than the one that made the stopwatch count by their share of the wall time, as inner steps of
    what that thread is waiting in.

    Parameters
    ----------
    threads : that work side by side.
    """

    def __init__(self, threads: int = 1) -> None:
        self.seconds: dict[str, float] = {}
        self._threads, self._lock, self._own = threads, threading.Lock(), threading.local()
        self._own.inner = self._first = [0.0]

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time what is done inside."""
        inner = self._own.__dict__.setdefault("inner", [])
        inner.append(0.0)
        start = time.perf_counter()
        try:
            yield
        finally:
            took = time.perf_counter() - start
            self._add(name, took, took - inner.pop(), inner)

    def _add(self, name: str, took: float, own: float, inner: list[float]) -> None:
        share = 1.0 if self._own.inner is self._first else 1 / self._threads
        with self._lock:
            self.seconds[name] = self.seconds.get(name, 0.0) + share * own
            if inner:
                inner[-1] += took
            else:
                self._first[-1] += share * took

    def wrap(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, timed."""

        def timed(*arguments: Any, **options: Any) -> Any:
            with self.step(name):
                return function(*arguments, **options)

        return timed


def grouped(seconds: dict[str, float]) -> dict[str, float]:
    """Seconds of steps, added up to start-up, planning, integration, files and figures."""
    assert seconds.keys() <= {step for steps in GROUPS.values() for step in steps}, f"steps of no group: {seconds}"
    return {group: sum(seconds.get(step, 0.0) for step in steps) for group, steps in GROUPS.items()}


@dataclass(frozen=True)
class Loaded:
    """A config, and the core-minutes that the product predicts for its study, starting of programs left out."""

    config: Config
    predicted_minutes: float


def load(path: Path) -> Loaded:
    """Read a config with one study, `benchmark`."""
    config = load_config(path, parse_options)
    study = config.study("benchmark")
    plan, experiment = estimate(config, study), experiments.get(study.experiment)
    starting = plan.shards_total * experiment.start_up_seconds(points(study)[0].parameters)
    return Loaded(config, (plan.core_seconds - starting) / 60)


def bare_seconds(path: Path, threads: int) -> float:
    """Seconds in `ensemble.solve` alone for all trajectories of the study; their starts are drawn beside the clock."""
    study = load(path).config.study("benchmark")
    experiment, watch = experiments.get(study.experiment), Stopwatch()
    blocks = [b for p in points(study) for b in point_blocks(p.id, p.parameters, 0, study.replicates, study.seed)]
    with patch.object(flow_ensemble, "solve", watch.wrap("integration", flow_ensemble.solve)):
        for start in range(0, len(blocks), CHUNK):
            experiment.run(blocks[start : start + CHUNK], threads=threads)
    return watch.seconds["integration"]


def split(path: Path, threads: int) -> Stopwatch:
    """Simulate, aggregate and draw the study in this process, step by step."""
    watch, before = Stopwatch(threads), Path.cwd()
    os.chdir(path.parent)  # results and figures are relative to the folder of the run
    try:
        _run(path, threads, watch)
    finally:
        os.chdir(before)
    return watch


def _run(path: Path, threads: int, watch: Stopwatch) -> None:
    with watch.step("planning"):
        config = load_config(path, parse_options)
        study = config.study("benchmark")
        folder = config.results / study.name
        shards = plan_shards(study, folder, minutes=config.shard_minutes, register=True)
    experiment = type(experiments.get(study.experiment))
    timers = (
        patch.object(flow_ensemble, "_draw", watch.wrap("initial law", flow_ensemble._draw)),
        patch.object(flow_ensemble, "solve", watch.wrap("integration", flow_ensemble.solve)),
        patch.object(experiment, "run", watch.wrap("observables and fates", experiment.run)),
        patch.object(compute, "reduce", watch.wrap("reduction", compute.reduce)),
    )
    with timers[0], timers[1], timers[2], timers[3]:
        for shard in shards:
            with watch.step("files, bookkeeping, waiting for the last thread"):
                runner.simulate(shard, folder, threads=threads)
    with watch.step("aggregation"):
        aggregate(study, folder, shards)
    with watch.step("figures"):
        render(config, None)
