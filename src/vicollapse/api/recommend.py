"""`recommend_annealing`: the cheapest schedule whose probability of collapse is below a target."""

from collections.abc import Callable, Sequence
from typing import Any

from vicollapse.api.probability import validated
from vicollapse.cores import available_threads
from vicollapse.errors import ConfigError, did_you_mean
from vicollapse.experiments.gradient_flow import GradientFlow
from vicollapse.recommend.candidates import FORMS, SHORTEST, Family
from vicollapse.recommend.effort import Effort
from vicollapse.recommend.recommendation import Recommendation, recommend
from vicollapse.recommend.simulation import Simulation

_ACCURATE_BELOW = 0.005  # targets that need more than `fates_only`
_FATES_ONLY_UNTIL = 1e5
_LEAST_TARGET = 1e-5


def recommend_annealing(
    *,
    dimension: int,
    separation: float,
    init_scale: float,
    weights: str = "softmax",
    target: float = 0.05,
    t_end: float = 1e4,
    imbalance: float = 0.0,
    initial_law: str = "isotropic",
    confidence: float = 0.95,
    max_duration: float | None = None,
    forms: Sequence[str] = FORMS,
    seed: int = 1,
    backend: str = "cpu",
    threads: int | None = None,
    report: Callable[[str], Any] = lambda text: None,
    **others: Any,
) -> Recommendation:
    """The cheapest annealing schedule whose probability of losing a mode is below the target.

    Cost is the duration, the time that is spent before beta = 1. A search by sequential tests proposes a schedule. It
    is confirmed on starts that had no part in the choice, and gives way to a longer one if it fails.

    Parameters
    ----------
    dimension, separation, init_scale, weights, t_end, imbalance, initial_law, others : see
        `experiments.gradient_flow_model.Parameters`.
    target : probability of collapse that must not be reached, in (0, 1).
    confidence : that it is not reached, over the whole search, in [0.5, 1).
    max_duration : longest ramp; t_end / 2 by default, so that what the annealing leaves behind has time to decay.
    forms : of the ramp: some of "linear_temperature", "geometric", "linear".
    seed : of all starts; the same seed gives the same recommendation.
    backend, threads : as in `two_mode_flow`; the recommendation does not depend on threads.
    report : is called with a line of text at the start of each phase.

    Returns
    -------
    Recommendation : `status` says whether there is a schedule.

    Raises
    ------
    ConfigError : unknown parameter or form, or value out of range.
    """
    given = {
        "dimension": dimension,
        "separation": separation,
        "init_scale": init_scale,
        "weights": weights,
        "t_end": t_end,
        "imbalance": imbalance,
        "initial_law": initial_law,
        **others,
    }
    effort = _effort(target, confidence)
    parameters = _parameters(given, target)
    family = _family(forms, max_duration, parameters["t_end"])
    simulation = Simulation(parameters, _seed(seed), threads or available_threads(), backend)
    return recommend(simulation, family, effort, report)


def _parameters(given, target):
    if "annealing" in given:
        raise ConfigError("annealing: this is what is recommended; leave it out")
    short = _is_number(given["t_end"]) and given["t_end"] <= _FATES_ONLY_UNTIL
    fates_only = short and target >= _ACCURATE_BELOW and "rtol" not in given
    given = {"fates_only": fates_only, **given, "recheck": 0.0}
    return validated(GradientFlow.Parameters, given).model_dump(exclude={"annealing"})


def _family(forms, max_duration, t_end):
    if not forms or isinstance(forms, str):
        raise ConfigError(f"forms must be a list of one or more of {', '.join(FORMS)}")
    for form in forms:
        if form not in FORMS:
            raise ConfigError(f"forms: unknown form '{form}'{did_you_mean(form, FORMS)}")
    longest = t_end / 2 if max_duration is None else max_duration
    if not (_is_number(longest) and SHORTEST <= longest < t_end):
        raise ConfigError(f"max_duration must be between {SHORTEST} and t_end = {t_end:g}, got {longest}")
    return Family(tuple(form for form in FORMS if form in forms), float(longest))


def _effort(target, confidence):
    if not (_is_number(target) and 0 < target < 1):
        raise ConfigError(f"target must be a probability between 0 and 1, got {target}")
    if target < _LEAST_TARGET:
        raise ConfigError(f"target {target:g} takes too many trajectories to show; {_LEAST_TARGET:g} is the least")
    if not (_is_number(confidence) and 0.5 <= confidence < 1):
        raise ConfigError(f"confidence must be at least 0.5 and below 1, got {confidence}")
    return Effort(float(target), 1 - float(confidence))


def _seed(seed):
    if not isinstance(seed, int) or seed < 0:
        raise ConfigError(f"seed must be a whole number, not negative; got {seed}")
    return seed


def _is_number(value):
    return isinstance(value, int | float) and not isinstance(value, bool)
