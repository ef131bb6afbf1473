"""What annealing costs: time per trajectory of every schedule over beta0 x duration, in units of the plain flow."""

import gc
import statistics
from collections.abc import Iterator

import machine
import numpy as np

from vicollapse import experiments
from vicollapse.experiments.base import BLOCK, Block
from vicollapse.experiments.gradient_flow import FATES_RTOL

TARGET = 2.0  # times the plain flow
BETA0 = (0.01, 0.05, 0.1, 0.5)
DURATIONS = (10.0, 100.0, 1000.0)
RATE = 0.1
POINT = {"dimension": 100, "separation": 6.0, "init_scale": 0.1, "t_end": 1e4, "recheck": 0.0}
_FLOW = experiments.get("gradient_flow")


def main() -> None:
    options = machine.options("annealing_cost", __doc__, lambda p: p.add_argument("--rounds", type=int, default=5))
    about, rounds = machine.describe(), 2 if options.quick else options.rounds
    number, rows = (1 if options.quick else 8) * BLOCK, []
    for weights in ("fixed", "softmax"):
        for fates_only in (False, True):
            how = {"weights": weights, "fates_only": fates_only}
            rows += _measure(how, number * (2 if fates_only else 1), rounds)
            _report(rows[-len(_cases()) :], how)
    worst = max(row["times_plain"] for row in rows)
    print(f"\nworst of all: {worst:.2f} times the plain flow (target: at most {TARGET:g})")
    machine.store(options.output, options.quick, about, trajectories=number, rounds=rounds, rtol=1e-6,
                  fates_rtol=FATES_RTOL, target=TARGET, worst=worst, point=POINT, rows=rows)  # fmt: skip


def _cases() -> dict[tuple, dict | None]:
    """(schedule, beta0, duration) -> annealing; those without an end are nearly there after `duration`."""
    return {("none", 1.0, 0.0): None} | {
        (name, beta0, duration): law
        for beta0 in BETA0
        for duration in DURATIONS
        for name, law in _laws(beta0, duration)
    }


def _laws(beta0: float, duration: float) -> Iterator[tuple[str, dict]]:
    for name in ("linear", "linear_temperature", "geometric"):
        yield name, {"schedule": name, "beta0": beta0, "duration": duration}
    yield "exponential", {"schedule": "exponential", "beta0": beta0, "time_constant": duration / 5}
    yield "adaptive", {"schedule": "adaptive", "beta0": beta0, "time_constant": duration / 10, "rate": RATE}


def _measure(how: dict, number: int, rounds: int) -> list[dict]:
    """One row for each case; every round takes all cases, each next to a plain one of its own."""
    cases = _cases()
    plain, *_ = blocks = [_blocks(how | {"annealing": law}, number) for law in cases.values()]
    counts = [_steps(_FLOW.run(b)) for b in blocks]  # compiles and loads
    seconds: list[list[float]] = [[] for _ in cases]
    ratios: list[list[float]] = [[] for _ in cases]
    gc.disable()
    for _ in range(rounds):
        for i, some in enumerate(blocks):
            before, it = (machine.timed(lambda b=b: _FLOW.run(b))[1].cpu for b in (plain, some))
            seconds[i].append(it)
            ratios[i].append(it / before)
    gc.enable()
    return [
        dict(zip(("schedule", "beta0", "duration"), case, strict=True))
        | how
        | {"microseconds": 1e6 * statistics.median(seconds[i]) / number, "times_plain": statistics.median(ratios[i])}
        | counts[i]
        for i, case in enumerate(cases)
    ]


def _blocks(parameters: dict, number: int) -> list[Block]:
    model = _FLOW.Parameters(**POINT, **parameters)
    return [Block(model, key) for key in range(number // BLOCK)]


def _steps(outcomes) -> dict:
    assert not (outcomes.outcome == _FLOW.outcomes.index("failed")).any()
    return {name: float(np.mean(outcomes.counters[name])) for name in ("steps_accepted", "steps_rejected")}


def _report(rows: list[dict], how: dict) -> None:
    """For each schedule the middle and the worst of beta0 x duration."""
    print(f"\n{how['weights']} weights, rtol {FATES_RTOL if how['fates_only'] else 1e-6:g}")
    table = []
    for name in dict.fromkeys(row["schedule"] for row in rows):
        of = sorted((row for row in rows if row["schedule"] == name), key=lambda row: row["times_plain"])
        middle, worst = of[len(of) // 2], of[-1]
        table.append((name, middle["microseconds"], middle["times_plain"], worst["times_plain"],
                      f"{worst['beta0']:g}, {worst['duration']:g}", worst["steps_accepted"],
                      worst["steps_rejected"]))  # fmt: skip
    heading = ("schedule", "us, middle", "times plain", "worst", "beta0, duration", "steps there", "rejected")
    machine.print_table(heading, table)


if __name__ == "__main__":
    main()
