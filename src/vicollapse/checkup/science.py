"""A small study, on every rank, against the values that it must give."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, TypedDict, get_args

import numpy as np

from vicollapse import experiments
from vicollapse.checkup.findings import Finding, error, ok, places, warning
from vicollapse.checkup.setting import Setting
from vicollapse.experiments.gradient_flow_model import Weights
from vicollapse.sweep.points import blocks

REPLICATES, SEED = 512, 1
PLACES = ((2, 4.0, 1.0), (100, 6.0, 0.1), (100, 3.0, 1.0))
"""Dimension, separation, scale of the starts: all fates, in every geometry of the weights."""
EXACT, ROUNDED = 1e-9, 1e-4
"""Relative differences of sums: none that counts, and what another processor's rounding makes."""
MOST_MOVED = 2
"""Trajectories that may end elsewhere by rounding: those that start on the border of two fates."""
_COMPILING = 1500.0


class Values(TypedDict):
    """What became of the trajectories of a point: how many of each outcome, sums of the observables."""

    counts: dict[str, int]
    sums: dict[str, float]


Study = dict[str, Values]
"""Name of a point -> its values."""


@dataclass(frozen=True)
class Difference:
    """How far values are from the stored ones, at the worst point.

    Parameters
    ----------
    point : its name.
    moved : trajectories with another outcome.
    deviation : largest relative difference of a sum, less what the moved trajectories explain.
    """

    point: str
    moved: int
    deviation: float


def check(setting: Setting) -> Finding:
    """Run the study on every rank, and compare."""
    found = setting.ranks.everywhere(compute, seconds=_COMPILING)
    return judge(setting.team.hosts, [difference(stored(), study) for study in found])


def points() -> dict[str, dict[str, Any]]:
    """Name of a point -> its parameters."""
    return {
        f"{weights} d={d} separation={s:g} init_scale={i:g}": {
            "weights": weights, "dimension": d, "separation": s, "init_scale": i, "t_end": 1e3
        }
        for weights in get_args(Weights)
        for d, s, i in PLACES
    }  # fmt: skip


def compute(backend: str = "cpu") -> Study:
    """Simulate the study.

    Parameters
    ----------
    backend : of the experiment.
    """
    return {name: values(parameters, REPLICATES, backend) for name, parameters in points().items()}


def values(parameters: Mapping[str, Any], replicates: int, backend: str = "cpu") -> Values:
    """Simulate one point.

    Parameters
    ----------
    parameters : of the gradient flow.
    replicates : the first so many of the point.
    backend : of the experiment.
    """
    flow = experiments.get("gradient_flow")
    outcomes = flow.run(
        blocks(flow, flow.Parameters(**{**parameters, "recheck": 0.0}), replicates, SEED), backend=backend
    )
    counts = dict(zip(flow.outcomes, np.bincount(outcomes.outcome, minlength=len(flow.outcomes)).tolist(), strict=True))
    sums = {f"{name}[{i}]": float(column.sum())
            for name, array in outcomes.observables.items()
            for i, column in enumerate(np.reshape(array, (replicates, -1)).T)}  # fmt: skip
    return {"counts": counts, "sums": sums}


@cache
def stored() -> Study:
    """The values that the study must give."""
    return json.loads(files("vicollapse.checkup").joinpath("expected.json").read_text())


def difference(expected: Study, found: Study) -> Difference:
    """The worst point of a study.

    Parameters
    ----------
    expected, found : with the same points.
    """
    each = [_difference(name, values, found[name]) for name, values in expected.items()]
    return max(each, key=lambda d: (d.moved > MOST_MOVED, not d.deviation <= ROUNDED, d.moved, d.deviation))


def judge(hosts: Sequence[str], differences: Sequence[Difference]) -> Finding:
    """Say whether the results are right.

    Parameters
    ----------
    hosts, differences : by rank.
    """
    wrong = [rank for rank, d in enumerate(differences) if d.moved > MOST_MOVED or not d.deviation <= ROUNDED]
    inexact = [rank for rank, d in enumerate(differences) if d.moved or not d.deviation <= EXACT]
    if wrong:
        return error(
            f"{places(wrong, hosts)}: {_text(differences[wrong[0]])}",
            "results of this machine cannot be trusted: delete the kernel cache and check again; try the pinned "
            "versions of the libraries; report it if that does not help",
        )
    if inexact:
        return warning(
            f"{places(inexact, hosts)}: {_text(differences[inexact[0]])}",
            "the processor or the libraries round in another way: fine, but do not mix these machines with others "
            "where results must agree bit for bit",
        )
    return ok(f"{len(points())} points x {REPLICATES} trajectories as stored, on every rank")


def _difference(name: str, expected: Values, found: Values) -> Difference:
    moved = sum(abs(count - found["counts"][outcome]) for outcome, count in expected["counts"].items()) // 2
    # an observable is of order one: a trajectory that ends elsewhere may change a sum by so much
    off = [(abs(s - found["sums"][of]) - moved) / max(1.0, abs(s)) for of, s in expected["sums"].items()]
    largest = float(np.max([0.0, *off]))  # NaN stays NaN, and is no agreement
    return Difference(name, moved, largest)


def _text(d: Difference) -> str:
    moved = f"{d.moved} of {REPLICATES} trajectories end elsewhere"
    return f"{moved}, sums differ by {d.deviation:.1e} beyond that ({d.point})"
