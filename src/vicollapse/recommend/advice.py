"""What helps when no schedule does: fixed weights, smaller starts, more time; each is searched and confirmed too."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from vicollapse.recommend.candidates import Family
from vicollapse.recommend.effort import Effort
from vicollapse.recommend.find import Found, find
from vicollapse.recommend.methods import method_for
from vicollapse.recommend.simulation import Simulation

_RATIO = 10**0.25
_RUNGS = 24  # smaller scales that are considered: down to a millionth
_LOOK = 300
_SHARE = 0.25  # of the usual trajectories: what helps need not be the cheapest
_LATEST = 1e5  # longest observation that is suggested
_LONGER = 10


@dataclass(frozen=True)
class Remedy:
    """A change of the problem, and what is found after it.

    Parameters
    ----------
    change : parameters -> new values.
    found : the recommendation for the changed problem; the change helps iff its last trial is confirmed.
    spent : trajectories.
    """

    change: dict[str, Any]
    found: Found
    spent: int


def remedies(
    simulation: Simulation, family: Family, effort: Effort, report: Callable[[str], Any] = lambda text: None
) -> list[Remedy]:
    """Changes of a problem that no schedule helps, each tried; also those that do not help.

    Parameters
    ----------
    simulation : of the problem.
    family : the schedules that were not enough.
    effort : target, risk and trajectories of each search.
    report : is told of each phase.
    """
    found, effort = [], replace(effort, share=_SHARE)
    for change, longest, looks in _changes(simulation, family, effort):
        report("trying " + ", ".join(f"{name} = {value}" for name, value in change.items()))
        answer = find(method_for(_changed(simulation, change), effort), replace(family, longest=longest), report)
        found.append(Remedy(change, answer, looks + sum(answer.spent().values())))
    return found


def _changed(simulation, change):
    return replace(simulation, parameters={**simulation.parameters, **change})


def _changes(simulation, family, effort):
    """Changes, the longest duration that goes with each, and what finding it took."""
    known = simulation.parameters
    if known["weights"] != "fixed":
        yield {"weights": "fixed"}, family.longest, 0
    scale, looks = smaller_scale(simulation, family, effort)
    if scale is not None:
        yield {"init_scale": scale}, family.longest, looks
    if known["t_end"] * _LONGER <= _LATEST:
        yield {"t_end": known["t_end"] * _LONGER}, family.longest * _LONGER, 0


def smaller_scale(simulation: Simulation, family: Family, effort: Effort) -> tuple[float | None, int]:
    """The largest initial scale for which one of the longest ramps looks good enough; None above a millionth.

    Returns
    -------
    scale, looks : the scale, and the trajectories that it took.
    """
    start, too_large, enough, looks = simulation.parameters["init_scale"], 0, _RUNGS + 1, 0
    longest = [family.guess(form, family.longest) for form in family.forms]
    while enough - too_large > 1:
        rung = (too_large + enough) // 2
        method = method_for(_changed(simulation, {"init_scale": _scale(start, rung)}), effort)
        evidence = method.evidence("scale")
        evidence.extend(longest, _LOOK)
        looks += evidence.spent
        too_large, enough = (
            (too_large, rung) if min(map(evidence.share, longest)) < method.aim(-1.0) else (rung, enough)
        )
    # one rung more, as the looks were short ones
    return (_scale(start, enough + 1) if enough <= _RUNGS else None), looks


def _scale(start, rung):
    return float(f"{start / _RATIO**rung:.2g}")
