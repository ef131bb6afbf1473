"""Find the cheapest annealing schedule whose probability of collapse is below a target, and say how sure that is.

The cost of a schedule is its duration, the time that is spent before beta = 1. The search is sequential; its result is
confirmed on random starts that had no part in it. Where no schedule helps, what does is looked for in the same way.
"""

import argparse
import sys
from typing import TYPE_CHECKING, Any

from vicollapse.commands import common
from vicollapse.cores import available_threads

if TYPE_CHECKING:
    from vicollapse.recommend.recommendation import Recommendation


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add = parser.add_argument
    add("--dimension", type=int, required=True, help="dimension d of the space")
    add("--separation", type=float, required=True, help="half the distance of the modes, |mu|")
    add("--init-scale", type=float, default=0.1, help="standard deviation of the starts per coordinate (%(default)s)")
    add("--weights", default="softmax", help="fixed, softmax, fisher_rao or wasserstein_fisher_rao (%(default)s)")
    add("--target", type=float, default=0.05, help="probability of collapse that must not be reached (%(default)s)")
    add("--confidence", type=float, default=0.95, help="that it is not reached (%(default)s)")
    add("--max-duration", type=float, metavar="TIME", help="longest ramp (half of --t-end)")
    add("--forms", metavar="FORM,...", help="of the ramp (linear_temperature,geometric,linear)")
    add("--t-end", type=float, default=1e4, help="time of observation (%(default)s)")
    add("--imbalance", type=float, default=0.0, help="h = log(pi_+/pi_-)/2 (%(default)s)")
    add("--initial-law", default="isotropic", help="law of the starts (%(default)s)")
    add("--seed", type=int, default=1, help="of the random starts (%(default)s)")
    add("--threads", type=common.positive, default=available_threads(), metavar="N", help="threads (%(default)s)")
    common.add_json(parser)


def run(options: argparse.Namespace) -> None:
    """Search and print."""
    from vicollapse.api.recommend import recommend_annealing

    given = {k: v for k, v in vars(options).items() if k not in ("run", "json", "forms")}
    if options.forms:
        given["forms"] = [form.strip() for form in options.forms.split(",")]
    result = recommend_annealing(report=_report, **given)
    if options.json:
        common.print_json(result.as_dict())
        return
    print(_question(options))
    print(_answer(result))
    print()
    common.print_table(("schedule", "probability", "interval", "trajectories", ""), _rows(result))
    print()
    for line in (*_costs(result), *result.reasons):
        print(f"- {line}")


def _report(text: str) -> None:
    if sys.stderr.isatty():
        print(f"vicollapse: {text}", file=sys.stderr, flush=True)


def _question(options: argparse.Namespace) -> str:
    return (
        f"{options.weights} weights, d = {options.dimension}, |mu| = {options.separation:g}, "
        f"init scale {options.init_scale:g} ({options.initial_law}): the cheapest annealing such that "
        f"a mode is lost by t = {options.t_end:g} with probability below {options.target:g}"
    )


def _answer(result: "Recommendation") -> str:
    low, high = result.interval
    sure = f"probability {result.probability:.4f}, below {high:.4f} with {100 * result.confidence:g}% confidence"
    if result.status == "plain":
        return f"recommended: no annealing ({sure})"
    if result.status == "schedule":
        return f"recommended: --annealing {_text(result.annealing)} ({sure})"
    return (
        f"no schedule can be recommended: the best one tried has probability {result.probability:.4f}, above {low:.4f}"
    )


def _text(annealing: dict[str, Any] | None) -> str:
    return (
        ",".join(f"{k}={v:g}" if k != "schedule" else f"{k}={v}" for k, v in annealing.items()) if annealing else "none"
    )


def _rows(result: "Recommendation") -> list[tuple[str, str, str, str, str]]:
    notes = [(result.plain, "without annealing")]
    notes += [(a, "confirmed" if a["confirmed"] else "failed") for a in result.attempts]
    notes += [(a, "seen in the search") for a in result.alternatives]
    return [
        (
            _text(row["annealing"]),
            f"{row['probability']:.4f}",
            "{:.4f} .. {:.4f}".format(*row["interval"]),
            str(row["trajectories"]),
            note,
        )
        for row, note in notes
    ]


def _costs(result: "Recommendation") -> list[str]:
    cost, spent = result.cost, result.trajectories
    lines = []
    if cost["relative"] and result.status == "schedule":
        lines.append(
            f"cost: a ramp of {cost['duration']:g}; both means are in place at t = {cost['settling_time']:g} "
            f"(in 9 of 10 runs that keep both modes), {cost['relative']:g} times the {cost['plain_settling_time']:g} "
            "without annealing"
        )
    elif result.status == "schedule":
        lines.append(f"cost: a ramp of {cost['duration']:g}")
    parts = ", ".join(f"{name} {n}" for name, n in spent.items() if n and name != "total")
    return [*lines, f"{spent['total']} trajectories: {parts}"]
