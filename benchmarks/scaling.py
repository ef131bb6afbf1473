"""Two MPI ranks against one: the same shard, one thread per rank, files and merging included.

Interleaved rounds of one job on 1, 2, ... ranks (as many as there are cores). Two times are taken: of the whole job, as
a user waits for it (interpreter, MPI and kernels start up, which takes the same time on any number of ranks), and of
the work alone, from the first look at the shard to its finished file. A peer shows what the machine gives: as many
independent processes at once, each with its share of the trajectories and no word between them.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import machine

from vicollapse.cores import available_threads

HERE = Path(__file__).parent
LAUNCHER = str(Path(sys.executable).with_name("mpiexec"))
CONFIG = """\
shard_minutes: 1440
studies:
  scaling:
    experiment: gradient_flow
    weights: softmax
    axes:
      dimension: [2, 100]
      separation: {{from: 0.5, to: 10, num: 10}}
      init_scale: {{from: 0.01, to: 3, num: 10, spacing: log}}
    t_end: 1.0e3
    replicates: {replicates}
    seed: 1
"""
POINTS = 200
TARGET = 0.95
WAYS = ("ranks", "alone")
"""Ranks of one job; as many jobs of one rank."""


def main() -> None:
    options = machine.options("scaling", __doc__, lambda p: p.add_argument("--rounds", type=int, default=7))
    about, rounds = machine.describe(), 1 if options.quick else options.rounds
    replicates = 512 if options.quick else 8192
    counts = sorted({1, 2, available_threads()})
    job: dict[str, list[float]] = {}
    work: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory(prefix="scaling-") as folder:
        base = Path(folder)
        _run(base / "warm", 256, 1, 1)
        for number in range(rounds):
            for ranks in counts:
                for name in WAYS if ranks > 1 else WAYS[:1]:
                    jobs, each = (1, ranks) if name == "ranks" else (ranks, 1)
                    key = f"{ranks} {name}"
                    seconds, inside = _run(base / f"{number}-{key}", replicates // jobs, jobs, each)
                    job.setdefault(key, []).append(seconds)
                    work.setdefault(key, []).append(inside)
            print(f"round {number + 1} of {rounds} done", flush=True)
    rows = [_row(ranks, job, work) for ranks in counts]
    print(f"\n{POINTS * replicates:,} trajectories, median of {rounds} interleaved rounds; efficiency against 1 rank")
    heading = ("ranks", "s, job", "s, work", "efficiency, job", "efficiency, work", "the peer's, work", "target of two")
    machine.print_table(heading, [(*row.values(), TARGET) for row in rows])
    machine.store(options.output, options.quick, about, trajectories=POINTS * replicates, rounds=rounds, rows=rows,
                  job_seconds=job, work_seconds=work)  # fmt: skip


def _run(folder: Path, replicates: int, jobs: int, ranks: int) -> tuple[float, float]:
    """Seconds of the slowest of some jobs at once, and of the work in it."""
    started = time.perf_counter()
    running = [_start(folder / str(job), replicates, ranks) for job in range(jobs)]
    inside = [json.loads(process.communicate()[0]) for process in running]
    if any(process.returncode for process in running):
        raise SystemExit("a job failed; its message is above")
    return time.perf_counter() - started, max(inside)


def _start(folder: Path, replicates: int, ranks: int) -> subprocess.Popen:
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(CONFIG.format(replicates=replicates))
    command = [LAUNCHER, "-n", str(ranks), sys.executable, "-m", "mpi4py", str(HERE / "scaling_rank.py")]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True)


def _row(ranks: int, job: dict[str, list[float]], work: dict[str, list[float]]) -> dict:
    """Medians over the rounds of times, and of ratios within a round."""

    def efficiency(times: dict[str, list[float]], name: str) -> float:
        pairs = zip(times["1 ranks"], times[f"{ranks} {name}"], strict=True)
        return statistics.median(one / (ranks * many) for one, many in pairs)

    return {
        "ranks": ranks,
        "job_seconds": statistics.median(job[f"{ranks} ranks"]),
        "work_seconds": statistics.median(work[f"{ranks} ranks"]),
        "efficiency_job": efficiency(job, "ranks"),
        "efficiency_work": efficiency(work, "ranks"),
        "efficiency_alone": efficiency(work, "alone") if ranks > 1 else 1.0,
    }


if __name__ == "__main__":
    main()
