"""The answer, with all that it rests on."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from vicollapse.recommend import advice, reasons
from vicollapse.recommend.candidates import PLAIN, Candidate, Family
from vicollapse.recommend.confirm import Trial
from vicollapse.recommend.cost import TRAJECTORIES as SETTLING
from vicollapse.recommend.cost import cost
from vicollapse.recommend.effort import Effort
from vicollapse.recommend.evidence import Evidence
from vicollapse.recommend.find import Found, find
from vicollapse.recommend.methods import method_for
from vicollapse.recommend.search import Search
from vicollapse.recommend.simulation import Simulation


@dataclass(frozen=True)
class Recommendation:
    """The cheapest schedule, and how sure that is.

    Parameters
    ----------
    status : "schedule" (use `annealing`), "plain" (no annealing is needed), "none" (no schedule of the family helps, or
        none could be confirmed; see `advice`).
    annealing : the schedule, in the form that every other call takes; None unless the status is "schedule".
    probability : of losing a mode, from the confirming trajectories; for "none" that of the best schedule tried.
    interval : (low, high): each bound holds with `confidence`.
    confidence, target : as asked for; the upper bound is below the target unless the status is "none".
    cost : duration, settling_time, plain_settling_time (until both means are in place), relative (their ratio).
    plain : probability, interval and trajectories without annealing.
    attempts : the schedules that were tested on trajectories of their own, in order.
    alternatives : of each form the best that the search saw near this duration; not confirmed.
    advice : for "none" what else was tried (change, helps, annealing, probability, interval, trajectories).
    trajectories : of each part and in total.
    reasons : sentences.
    seed : of all starts.
    parameters : of the problem, defaults filled in, without annealing.
    """

    status: str
    annealing: dict[str, Any] | None
    probability: float
    interval: tuple[float, float]
    confidence: float
    target: float
    cost: dict[str, float | None]
    plain: dict[str, Any]
    attempts: list[dict[str, Any]]
    alternatives: list[dict[str, Any]]
    advice: list[dict[str, Any]]
    trajectories: dict[str, int]
    reasons: list[str]
    seed: int
    parameters: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        return asdict(self)


def recommend(
    simulation: Simulation, family: Family, effort: Effort, report: Callable[[str], Any] = lambda text: None
) -> Recommendation:
    """Search, confirm, and where no schedule helps look for what does.

    Parameters
    ----------
    simulation : of the problem.
    family : the schedules that may be recommended.
    effort : target, risk, and how many trajectories.
    report : is told of each phase.
    """
    found = find(method_for(simulation, effort), family, report)
    remedies = [] if found.last.confirmed else list(advice.remedies(simulation, family, effort, report))
    return _assembled(found, remedies, simulation, effort)


def _assembled(found: Found, remedies: list[advice.Remedy], simulation: Simulation, effort: Effort) -> Recommendation:
    last, parameters = found.last, simulation.parameters
    status = "none" if not last.confirmed else "schedule" if found.search else "plain"
    return Recommendation(
        status=status,
        annealing=last.candidate.annealing() if status == "schedule" else None,
        probability=last.probability,
        interval=last.interval,
        confidence=1 - effort.alpha,
        target=effort.target,
        cost=cost(simulation, last.candidate),
        plain=_shown(found.plain),
        attempts=[{**_shown(t), "confirmed": t.confirmed} for t in found.trials],
        alternatives=_alternatives(found.search, last.candidate),
        advice=[{"change": r.change, "helps": r.found.last.confirmed, **_shown(r.found.last)} for r in remedies],
        trajectories=_trajectories(found, remedies),
        reasons=reasons.reasons(found, parameters, effort.target)
        + [reasons.remedy(r, effort.target) for r in remedies],
        seed=simulation.seed,
        parameters=parameters,
    )


def _shown(t: Trial) -> dict[str, Any]:
    return {
        "annealing": t.candidate.annealing(),
        "probability": t.probability,
        "interval": t.interval,
        "trajectories": t.seen,
    }


def _alternatives(search: Search | None, chosen: Candidate) -> list[dict[str, Any]]:
    """Of each form what was seen nearest to the duration of the choice, and of these the best."""
    found: list[dict[str, Any]] = []
    if search is None:
        return found
    for form in search.family.forms:
        seen = [c for c in search.raced.seen if c.schedule == form]
        if seen:
            near = min(seen, key=lambda c: (abs(np.log(c.duration / chosen.duration)), search.raced.share(c)))
            found.append(_shown(_unconfirmed(search.raced, near)))
    return found


def _unconfirmed(evidence: Evidence, candidate: Candidate) -> Trial:
    """What the search saw, with an interval of two standard errors."""
    p, reach = evidence.share(candidate), 2 * evidence.error(candidate)
    return Trial(candidate, p, evidence.trajectories(candidate), False, (max(p - reach, 0.0), min(p + reach, 1.0)))


def _trajectories(found: Found, remedies: list[advice.Remedy]) -> dict[str, int]:
    parts = found.spent()
    parts["cost"] = SETTLING if found.last.candidate == PLAIN else 2 * SETTLING
    parts["advice"] = sum(r.spent for r in remedies)
    return {**parts, "total": sum(parts.values())}
