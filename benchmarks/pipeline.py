"""What the pipeline costs on top of the bare integration, and where the time of a run goes.

A study of about 1e7 trajectories, or, with `--study diagram`, of 3.7e6 in 9,216 cells, is run as
`snakemake --cores all` in a folder of its own, and the same trajectories are given to the integrator alone, on as many
threads. Small runs give the costs that do not grow: time = fixed + per_job * (jobs - 1) + per_trajectory *
trajectories, which is then evaluated for 1e8 trajectories in as many jobs as the product would plan. A third pass
simulates, aggregates and draws in this process with a stopwatch in each step.
"""

import math
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.util import cache_from_source, find_spec
from pathlib import Path
from typing import Any

import machine
from pipeline_split import START_UP, Stopwatch, bare_seconds, grouped, load, split

from vicollapse.cores import available_threads
from vicollapse.sweep.shards import plan_shards

ROOT = Path(__file__).parents[1]
CONFIG = """\
shard_minutes: {minutes}
studies:
  benchmark:
    experiment: gradient_flow
    weights: softmax
    {accuracy}
    axes:
      dimension: {{from: 2, to: 1024, num: {dimensions}, spacing: log}}
      separation: {{from: 0.5, to: 10, num: {side}}}
      init_scale: {{from: 0.01, to: 3, num: {side}, spacing: log}}
    t_end: 1.0e3
    replicates: {replicates}
    seed: {seed}
figures:
  diagram: {{kind: phase_diagram, studies: [benchmark]}}
"""
STUDIES = {
    "ten_million": {"dimensions": 10, "side": 20, "large": 2560, "small": 256},
    "diagram": {"dimensions": 4, "side": 48, "large": 400, "small": 100},  # 3.7 million, of a figure's resolution
}
QUICK = {"dimensions": 2, "side": 4, "large": 1024, "small": 256}
ACCURACY = {"default": "rtol: 1.0e-6", "fates": "fates_only: true"}
GOAL, TARGET, PIECES = 1e8, 0.15, 5
ONE_JOB = 1440  # minutes, the most that a config may ask for: the whole study is one job


def main() -> None:
    options = machine.options("pipeline", __doc__, _arguments)
    about = machine.describe() | {"bytecode": _has_bytecode()}
    size = QUICK if options.quick else STUDIES[options.study]
    size = size | {"accuracy": ACCURACY[options.accuracy]}
    rounds, threads = 1 if options.quick else options.rounds, available_threads()
    points = size["dimensions"] * size["side"] ** 2
    with tempfile.TemporaryDirectory(prefix="pipeline-") as folder:
        base = Path(folder)
        warm = _write(base / "warm", size | QUICK | {"side": 2}, 256, ONE_JOB)  # compiles, and brings files into memory
        _snakemake(warm)
        bare_seconds(warm, threads)
        seconds: dict[str, list[float]] = {name: [] for name in ("bare", "small", "pieces", "large")}
        for number in range(rounds):
            here = base / str(number)
            config = _write(here / "large", size, size["large"], ONE_JOB)
            seconds["bare"].append(bare_seconds(config, threads))
            seconds["large"].append(_snakemake(config))
            seconds["small"].append(_snakemake(_write(here / "small", size, size["small"], ONE_JOB)))
            minutes = load(here / "small" / "config.yaml").predicted_minutes / PIECES
            pieces = _write(here / "pieces", size, size["small"], minutes)
            seconds["pieces"].append(_snakemake(pieces))
            print(f"round {number + 1} of {rounds} done", flush=True)
        jobs = {"pieces": _jobs(pieces), "goal": _goal_jobs(base / "goal", size, points)}
        stopwatch = split(_write(base / "split", size, size["large"], ONE_JOB), threads)
        start_up = _start_up(warm)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    rest = medians["large"] - sum(stopwatch.seconds.values())
    stopwatch.seconds[START_UP] = rest
    model = _model(medians, points * size["small"], points * size["large"], jobs)
    _report(options, about, medians, seconds, model, stopwatch, start_up, threads, points * size["large"])


def _arguments(parser) -> None:
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--study", choices=STUDIES, default="ten_million", help="which study is run (%(default)s)")
    parser.add_argument("--accuracy", choices=ACCURACY, default="default", help="tolerance of the study (%(default)s)")


def _has_bytecode() -> bool:
    """Whether the environment holds compiled modules; without them every program takes twice as long to start."""
    spec = find_spec("snakemake")
    return bool(spec and spec.origin) and Path(cache_from_source(spec.origin)).exists()


def _write(folder: Path, size: dict[str, Any], replicates: int, minutes: float) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "config.yaml"
    path.write_text(CONFIG.format(**size, replicates=replicates, minutes=f"{minutes:.6e}", seed=1))
    return path


def _snakemake(config: Path) -> float:
    """Seconds of the whole workflow, as a user would run it."""
    command = [sys.executable, "-m", "snakemake", "--cores", "all", "--snakefile", str(ROOT / "Snakefile"),
               "--workflow-profile", str(ROOT / "profiles" / "default"), "--directory", str(config.parent),
               "--configfile", str(config)]  # fmt: skip
    start = time.perf_counter()
    done = subprocess.run(command, cwd=config.parent, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"the workflow failed:\n{done.stdout}\n{done.stderr}")
    return time.perf_counter() - start


def _jobs(config: Path) -> int:
    """How many simulation jobs the run had."""
    return len(list((config.parent / "results" / "benchmark" / "shards").glob("*.h5")))


def _goal_jobs(folder: Path, size: dict[str, Any], points: int) -> int:
    """How many the product would plan for the goal, with its own default size of a job."""
    config = load(_write(folder, size, math.ceil(GOAL / points), 5.0)).config
    return len(plan_shards(config.study("benchmark"), folder / "results" / "benchmark", minutes=config.shard_minutes))


def _start_up(config: Path) -> dict[str, float]:
    """Seconds of programs that have nothing to do: part of what the workflow costs once, or once per job."""
    program = str(Path(sys.executable).parent / "vicollapse")
    calls = {
        "`vicollapse --help`": [program, "--help"],
        "`vicollapse simulate`, all simulated already": [program, "simulate", "--config", str(config)],
    }
    result = {}
    for name, command in calls.items():
        start = time.perf_counter()
        subprocess.run(command, cwd=config.parent, capture_output=True, check=True)
        result[name] = time.perf_counter() - start
    start = time.perf_counter()
    _snakemake(config)
    return result | {"`snakemake`, all done already": time.perf_counter() - start}


def _model(seconds: dict[str, float], small: int, large: int, jobs: dict[str, int]) -> dict[str, Any]:
    slope = (seconds["large"] - seconds["small"]) / (large - small)
    fixed = seconds["small"] - slope * small
    per_job = max(0.0, (seconds["pieces"] - seconds["small"]) / max(1, jobs["pieces"] - 1))
    bare = seconds["bare"] / large
    at_goal = fixed + per_job * (jobs["goal"] - 1) + slope * GOAL
    return {
        "fixed_seconds": fixed,
        "seconds_per_job": per_job,
        "microseconds_per_trajectory": 1e6 * slope,
        "bare_microseconds_per_trajectory": 1e6 * bare,
        "overhead_measured": seconds["large"] / seconds["bare"] - 1,
        "goal_trajectories": GOAL,
        "goal_jobs": jobs["goal"],
        "goal_seconds": at_goal,
        "goal_overhead": at_goal / (bare * GOAL) - 1,
        "target": TARGET,
    }


def _report(options, about, medians, seconds, model, stopwatch: Stopwatch, start_up, threads: int, n: int) -> None:
    print(f"\n{n:,} trajectories on {threads} threads, seconds (median of the rounds)")
    machine.print_table(("run", "seconds"), list(medians.items()))
    print("\noverhead" + " (a smoke run is far too small for these numbers to mean anything)" * options.quick)
    machine.print_table(("quantity", "value"), list(model.items()))
    print("\nwhere the time goes: the steps timed in one process, the rest from the workflow")
    total, groups = sum(stopwatch.seconds.values()), grouped(stopwatch.seconds)
    for name, found in (("step", stopwatch.seconds), ("together", groups)):
        machine.print_table((name, "seconds", "share"), [(k, v, v / total) for k, v in found.items()])
        print()
    print("start-up of programs")
    machine.print_table(("program", "seconds"), list(start_up.items()))
    machine.store(options.output, options.quick, about, trajectories=n, threads=threads, seconds=seconds, model=model,
                  split=groups, steps=stopwatch.seconds, start_up=start_up)  # fmt: skip


if __name__ == "__main__":
    main()
