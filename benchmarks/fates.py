"""How loose may a tolerance be if only the fates are wanted? Disagreement with rtol 1e-8, and what each costs."""

import single_thread  # noqa: F401

# isort: split

from typing import Any

import machine
import numpy as np
from problems import ProblemSet, classify, problem_set, statistics

CHOICES = [("GRK4T", 2e-2), ("GRK4T", 1e-2), ("GRK4T", 5e-3), ("GRK4T", 1e-3), ("Rodas5P", 1e-3), ("GRK4T", 1e-6)]
TIMES = (1e3, 1e4, 1e8)


def main() -> None:
    options = machine.options("fates", __doc__)
    about, problems = machine.describe(), problem_set(500 if options.quick else 20_000)
    rows = [row for t_end in TIMES for row in _rows(problems, t_end)]
    heading = ("t_end", "method", "rtol", "microseconds", "wrong fates", "of them collapsed for covered or back")
    machine.print_table(heading, [tuple(row.values()) for row in rows])
    machine.store(options.output, options.quick, about, trajectories=len(problems), rows=rows)


def _rows(problems: ProblemSet, t_end: float) -> list[dict[str, Any]]:
    truth = _fates(problems, problems.solve(t_end, rtol=1e-8).states)
    rows = []
    for method, rtol in CHOICES:
        problems[:1].solve(t_end, rtol=rtol, method=method)  # compiles or loads
        final, timing = machine.timed(lambda m=method, r=rtol: problems.solve(t_end, rtol=r, method=m).states)
        fates = _fates(problems, final)
        wrong = fates != truth
        rows.append(
            {
                "t_end": t_end,
                "method": method,
                "rtol": rtol,
                "microseconds": 1e6 * timing.cpu / len(problems),
                "wrong": int(wrong.sum()),
                "wrong_collapse": int((wrong & ((fates == 0) | (truth == 0))).sum()),
            }
        )
    return rows


def _fates(problems: ProblemSet, states: np.ndarray) -> np.ndarray:
    return classify(statistics(states, problems.separation), problems.separation)


if __name__ == "__main__":
    main()
