"""Memory and time of planning and aggregation as studies grow to 1e9 trajectories, at the same number of points.

The shards are written through the product's own code, but with made-up counts in place of the simulation (which would
take seven core-hours). What is measured is `vicollapse aggregate`, `vicollapse plan` and `snakemake --dry-run`, started
as a user does.
"""

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from unittest import mock

import machine
import numpy as np

from vicollapse import experiments
from vicollapse.experiments.base import BLOCK, Outcomes
from vicollapse.sweep import compute, reduce
from vicollapse.sweep.batches import sizes
from vicollapse.sweep.runner import simulate
from vicollapse.sweep.shards import plan_shards
from vicollapse.sweep.study import load

ROOT = Path(__file__).parents[1]
CONFIG = """\
studies:
  large:
    experiment: gradient_flow
    weights: softmax
    axes:
      dimension: [1, 2, 3, 10, 30, 100, 1000, 10000]
      separation: {{from: 0.25, to: 10, num: {side}}}
      init_scale: {{from: 0.01, to: 3, num: 100, spacing: log}}
    t_end: 1.0e4
    replicates: {replicates}
    seed: 1
"""
SIDE, REPLICATES = 118, {1e8: 1024, 3e8: 3072, 1e9: 10752}


def main() -> None:
    options = machine.options("aggregation", __doc__)
    about, rows = machine.describe(), []
    side, wanted = (2, {1e6: 768}) if options.quick else (SIDE, REPLICATES)
    for replicates in wanted.values():
        with tempfile.TemporaryDirectory(prefix="aggregation-") as folder:
            rows.append(_measure(Path(folder), side, replicates))
    heading = ("trajectories", "points", "shards", "disk, MB", "plan, s", "snakemake -n, s", "aggregate, s", "its MB")
    machine.print_table(heading, [tuple(row.values()) for row in rows])
    machine.store(options.output, options.quick, about, rows=rows)


def _measure(folder: Path, side: int, replicates: int) -> dict:
    path = folder / "config.yaml"
    path.write_text(CONFIG.format(side=side, replicates=replicates))
    program = str(Path(sys.executable).with_name("vicollapse"))
    workflow = [sys.executable, "-m", "snakemake", "--cores", "1", "--snakefile", str(ROOT / "Snakefile"),
                "--directory", str(folder), "--workflow-profile", str(ROOT / "profiles" / "default"),
                "--configfile", str(path), "-n", "--quiet"]  # fmt: skip
    plan, _ = _timed([program, "plan", "--config", str(path)], folder)
    dry, _ = _timed(workflow, folder)
    shards, disk = _made_up(path)
    seconds, megabytes = _timed([program, "aggregate", "--config", str(path), "--study", "large"], folder)
    points = 8 * side * 100
    return {"trajectories": points * replicates, "points": points, "shards": shards, "disk": disk / 1e6, "plan": plan,
            "dry_run": dry, "seconds": seconds, "megabytes": megabytes}  # fmt: skip


def _made_up(path: Path) -> tuple[int, int]:
    """Write every shard of the study with counts that nobody has simulated: number of files, bytes."""
    config = load(path)
    study, folder = config.study("large"), path.parent / "results" / "large"
    shards = plan_shards(study, folder, minutes=config.shard_minutes, register=True)
    with mock.patch.object(compute, "_reduced", made_up_counts()):
        for number, shard in enumerate(shards):
            simulate(shard, folder)
            print(f"\r{number + 1} of {len(shards)} shards made up", end="", flush=True)
    print()
    return len(shards), sum(file.stat().st_size for file in folder.glob("shards/*.h5"))


def made_up_counts():
    """A stand-in for `compute._reduced`: the same arrays for every batch of whole blocks."""
    experiment, rng = experiments.get("gradient_flow"), np.random.Generator(np.random.Philox(1))
    n = 64 * BLOCK
    outcomes = Outcomes(
        rng.integers(0, 3, n).astype(np.uint8),
        {name: rng.random(n) < 0.1 for name in experiment.flags},
        {o.name: rng.random((n, o.size) if o.dimension else n) for o in experiment.observables},
        {name: rng.integers(0, 99, n) for name in experiment.counters},
    )
    known = reduce.reduce(experiment, outcomes, np.full(64, BLOCK))

    def reduced(shard, experiment, batch, worker):
        blocks = len(sizes(shard, batch))
        return {name: np.resize(array, (blocks, *array.shape[1:])) for name, array in known.items()}

    return reduced


def _timed(command: list[str], folder: Path) -> tuple[float, float]:
    """Seconds, and the most megabytes of memory that any program so far has taken."""
    start = time.perf_counter()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}\n{done.stderr}")
    return time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e3


if __name__ == "__main__":
    main()
