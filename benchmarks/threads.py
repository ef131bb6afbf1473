"""Two threads, and all of them, against one: the same 200,000 trajectories, bit for bit the same results."""

import statistics

import machine
import numpy as np
from problems import RTOL, problem_set

from vicollapse.cores import available_threads
from vicollapse.experiments.gradient_flow import FATES_RTOL

TARGET = 1.9  # of two threads


def main() -> None:
    options = machine.options("threads", __doc__, lambda p: p.add_argument("--rounds", type=int, default=7))
    about, rounds = machine.describe(), 3 if options.quick else options.rounds
    problems = problem_set(4_000 if options.quick else 200_000)
    counts = sorted({1, 2, available_threads()})
    rows = []
    for rtol in (RTOL, FATES_RTOL):
        problems[:1].solve(rtol=rtol)  # compiles and loads
        seconds = _measure(problems, rtol, counts, rounds)
        rows += [_row(rtol, threads, seconds, len(problems)) for threads in counts]
    print(f"\n{len(problems):,} trajectories, median of {rounds} interleaved rounds, {counts[-1]} cores to run on")
    heading = ("rtol", "threads", "us per trajectory", "speed-up", "target of two")
    machine.print_table(heading, [(f"{r['rtol']:g}", r["threads"], r["microseconds"], r["speed_up"], TARGET)
                                  for r in rows])  # fmt: skip
    machine.store(options.output, options.quick, about, trajectories=len(problems), rounds=rounds, rows=rows)


def _measure(problems, rtol: float, counts: list[int], rounds: int) -> dict[int, list[float]]:
    """threads -> seconds of every round; the results must not depend on the threads."""
    seconds: dict[int, list[float]] = {threads: [] for threads in counts}
    first = None
    for number in range(rounds):
        for threads in counts:
            solution, timing = machine.timed(lambda threads=threads: problems.solve(rtol=rtol, threads=threads))
            seconds[threads].append(timing.wall)
            first = solution.states if first is None else first
            assert np.array_equal(solution.states, first), f"{threads} threads change the result"
        print(f"rtol {rtol:g}: round {number + 1} of {rounds} done", flush=True)
    return seconds


def _row(rtol: float, threads: int, seconds: dict[int, list[float]], n: int) -> dict:
    """Speed-up: median over the rounds of (time on one thread) / (time on these), both of the same round."""
    return {
        "rtol": rtol,
        "threads": threads,
        "microseconds": 1e6 * statistics.median(seconds[threads]) / n,
        "speed_up": float(np.median(np.divide(seconds[1], seconds[threads]))),
        "rounds_seconds": seconds[threads],
    }


if __name__ == "__main__":
    main()
