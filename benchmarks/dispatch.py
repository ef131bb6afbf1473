"""What a batch costs beside its trajectories: taking it from the shared counter, writing its file, merging that.

The counter is measured with up to 64 ranks on this machine, far more than it has cores, so that the times of many ranks
contain the switching of the operating system, and are upper bounds. Twice: through shared memory, and through the
network, as between machines: MPI is told to ignore that the ranks share memory (MPICH only). `us a take`: ranks that do
nothing but take. `us beside work`: ranks that sleep after each item, as in a compiled kernel, and then take the next.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from unittest import mock

import machine
from aggregation import made_up_counts

from vicollapse.sweep import compute, shard_file
from vicollapse.sweep.batches import Limits
from vicollapse.sweep.runner import simulate
from vicollapse.sweep.shards import plan_shards
from vicollapse.sweep.study import load

HERE = Path(__file__).parent
LAUNCHER = str(Path(sys.executable).with_name("mpiexec"))
RANKS = (1, 2, 4, 8, 16, 32, 64)
WAYS = {"shared memory": {}, "network": {"MPIR_CVAR_NOLOCAL": "1"}}


def main() -> None:
    options = machine.options("dispatch", __doc__)
    about, rows = machine.describe(), []
    counts = RANKS[:3] if options.quick else RANKS
    items = 2_000 if options.quick else 20_000
    for way, environment in WAYS.items():
        for ranks in counts:
            busy = _measure(ranks, items, 0.0, environment)
            resting = _measure(ranks, 20 * ranks, 0.1, environment)
            rows.append({"way": way, "ranks": ranks, "takes_per_second": busy["takes_per_second"],
                         "microseconds": busy["median"], "beside_work_median": resting["median"],
                         "beside_work_99": resting["high"]})  # fmt: skip
            print(f"{way}, {ranks} ranks done", flush=True)
    files = _files(20 if options.quick else 1000)
    heading = ("counter in", "ranks", "takes/s, all", "us a take", "us beside work, median", "us beside work, 99 %")
    machine.print_table(heading, [tuple(row.values()) for row in rows])
    print("\nfiles of batches of 16 blocks (4096 trajectories), seconds for each")
    machine.print_table(("step", "median"), list(files.items()))
    machine.store(options.output, options.quick, about, rows=rows, files=files)


def _measure(ranks: int, items: int, pause: float, environment: dict[str, str]) -> dict[str, float]:
    command = [LAUNCHER, "-n", str(ranks), sys.executable, "-m", "mpi4py", str(HERE / "dispatch_rank.py")]
    done = subprocess.run(
        [*command, str(items), str(pause)], env={**os.environ, **environment}, capture_output=True, text=True
    )
    if done.returncode:
        raise SystemExit(f"{ranks} ranks failed:\n{done.stderr}")
    return json.loads(done.stdout)


CONFIG = """\
studies:
  files:
    experiment: gradient_flow
    axes: {separation: [1, 2]}
    replicates: REPLICATES
shard_minutes: 1440
"""
BLOCKS = 16


def _files(batches: int) -> dict[str, float]:
    """Seconds to write a part file, and to merge it, for batches of 16 blocks with made-up counts."""
    written: list[float] = []
    with tempfile.TemporaryDirectory(prefix="dispatch-") as name:
        path = Path(name) / "config.yaml"
        path.write_text(CONFIG.replace("REPLICATES", str(batches * BLOCKS * 256 // 2)))
        config = load(path)
        (shard,) = plan_shards(config.study("files"), Path(name), minutes=config.shard_minutes)
        merged = _stopwatch(shard_file.merge, merging := [])
        with (
            mock.patch.object(compute, "_reduced", made_up_counts()),
            mock.patch("vicollapse.sweep.runner.write_part", _stopwatch(compute.write_part, written)),
            mock.patch("vicollapse.sweep.runner.limits", return_value=Limits(BLOCKS * 256, 1e9, 1e12)),
            mock.patch.object(shard_file, "merge", merged),
        ):
            simulate(shard, Path(name))
    return {"write a part": statistics.median(written), "merge a part": merging[0] / len(written)}


def _stopwatch(call, seconds: list[float]):
    def timed(*arguments, **options):
        start = time.perf_counter()
        result = call(*arguments, **options)
        seconds.append(time.perf_counter() - start)
        return result

    return timed


if __name__ == "__main__":
    main()
