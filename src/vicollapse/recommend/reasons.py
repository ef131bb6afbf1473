"""The answer in sentences: what was found, how sure it is, and why nothing helps where nothing does."""

import numpy as np

from vicollapse.recommend.advice import Remedy
from vicollapse.recommend.candidates import Candidate
from vicollapse.recommend.confirm import Trial
from vicollapse.recommend.find import Found
from vicollapse.recommend.search import Search

_NO_REPULSION = 1e-6


def describe(candidate: Candidate) -> str:
    """A schedule in words, and in the form that `--annealing` takes."""
    if candidate.duration == 0:
        return "no annealing"
    return f"schedule={candidate.schedule},beta0={candidate.beta0:g},duration={candidate.duration:g}"


def reasons(found: Found, parameters: dict, target: float) -> list[str]:
    """Why the answer is what it is, one sentence each.

    Parameters
    ----------
    found : of the problem.
    parameters : of the problem.
    target : probability that must not be reached.
    """
    if found.search is None:
        return [f"no annealing is needed: plain variational inference is below the target already{_cannot(parameters)}"]
    text = [f"plain variational inference loses a mode with probability {_estimate(found.plain)}"]
    text += [f"not confirmed: {describe(t.candidate)} with {_estimate(t)}" for t in found.trials if not t.confirmed]
    if found.last.confirmed:
        return [*text, _why_cheapest(found.search)]
    if found.last.interval[0] > target:
        longest = found.search.family.longest
        text.append(f"none of {_compared(found.search)}, up to a duration of {longest:g}, is below the target")
    else:
        text.append("the best schedules are too close to the target to be confirmed")
    return text + _starts_apart(parameters, found.last.candidate)


def remedy(found: Remedy, target: float) -> str:
    """What a change does."""
    change = ", ".join(
        f"{name} = {value:g}" if name != "weights" else f"{value} weights" for name, value in found.change.items()
    )
    last = found.found.last
    if last.confirmed:
        return f"{change}: helps with {describe(last.candidate)}, {_estimate(last)}"
    verdict = "does not help" if last.interval[0] > target else "could not be shown to help"
    return f"{change}: {verdict}, at best {_estimate(last)} with {describe(last.candidate)}"


def _estimate(t: Trial) -> str:
    low, high = t.interval
    return f"{t.probability:.4f} ({low:.4f} .. {high:.4f}, {t.seen} trajectories)"


def _why_cheapest(search: Search) -> str:
    return f"the cheapest of {_compared(search)} that were compared on the same starts, confirmed on other starts"


def _compared(search: Search) -> str:
    n, forms = len(search.raced.seen) + len(search.refined.seen), len(search.family.forms)
    return f"{n} schedules of {forms} form{'s' * (forms > 1)}"


def _cannot(parameters: dict) -> str:
    from vicollapse.mixture.theory import critical_separation

    fixed = parameters["weights"] == "fixed" and not parameters["imbalance"] and not parameters["initial_log_odds"]
    if fixed and parameters["separation"] < critical_separation():
        return f" (below |mu| = {critical_separation():.2f} the aligned state does not exist)"
    return ""


def _starts_apart(parameters: dict, best: Candidate) -> list[str]:
    """Entropic repulsion splits a pair up to a distance; starts that are further apart it leaves where they are."""
    from vicollapse.mixture.theory import repulsion_distance

    d, scale = parameters["dimension"], parameters["init_scale"]
    typical = {"isotropic": scale * np.sqrt(2 * d), "fixed_norm": scale * np.sqrt(2)}.get(
        parameters["initial_law"], 0.0
    )
    reach = repulsion_distance(max(best.beta0, _NO_REPULSION))
    if typical < reach / 2:
        return []
    return [
        f"the starts are apart already: their distance is {typical:.3g}, and entropic repulsion at beta = "
        f"{best.beta0:g} reaches {reach:.3g}; the direction in which they are apart is a matter of chance"
    ]
