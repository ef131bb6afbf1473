"""`separatrix_probability`: the probability of collapse from a thousand trajectories instead of a million."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vicollapse.api.probability import as_mapping, validated
from vicollapse.cores import available_threads
from vicollapse.errors import ConfigError
from vicollapse.experiments.gradient_flow import GradientFlow
from vicollapse.experiments.separatrix import TURNABLE, flow_shares


@dataclass(frozen=True)
class SeparatrixProbability:
    """Probabilities of what becomes of a random start.

    Parameters
    ----------
    probability : outcome (covered, aligned, vanished, failed) -> probability.
    collapsed : probability that a mode is lost (aligned or vanished).
    error : the names above and "collapsed" -> half the width of the 95 % interval.
    trajectories : how many were integrated.
    parameters : all parameters, defaults filled in.
    """

    probability: dict[str, float]
    collapsed: float
    error: dict[str, float]
    trajectories: int
    parameters: dict[str, Any]


def separatrix_probability(
    *,
    dimension: int,
    separation: float,
    init_scale: float,
    weights: str,
    t_end: float = 1e4,
    imbalance: float = 0.0,
    annealing: Mapping[str, Any] | None = None,
    tolerance: float = 2e-3,
    seed: int = 0,
    backend: str = "cpu",
    threads: int | None = None,
    **others: Any,
) -> SeparatrixProbability:
    """Probability that the gradient flow from isotropic random starts loses a mode, from its separatrices.

    With fixed equal weights and a balanced target about a thousand trajectories give an error of 0.002. Trainable
    weights take more the more the separatrix is folded, in bad cases as many as sampling.

    Parameters
    ----------
    dimension, separation, init_scale, weights, t_end, imbalance, annealing, others : see
        `experiments.gradient_flow_model.Parameters`; the initial law isotropic or fixed_norm.
    tolerance : half the width of the 95 % interval of `collapsed` that is aimed at; the error says what was reached.
    seed : of the randomised quasi-Monte Carlo.
    backend, threads : as in `two_mode_flow`.

    Returns
    -------
    SeparatrixProbability : it agrees with `collapse_probability` within both errors.

    Raises
    ------
    ConfigError : unknown parameter, value out of range, or an initial law that a turn in the plane along mu changes.

    Source: `vicollapse.mixture.separatrix`.
    """
    if not 0 < tolerance < 1:
        raise ConfigError(f"tolerance must be between 0 and 1, got {tolerance}")
    if seed < 0:
        raise ConfigError(f"seed must not be negative, got {seed}")
    given = {"dimension": dimension, "separation": separation, "init_scale": init_scale, "weights": weights}
    given |= {"t_end": t_end, "imbalance": imbalance, "annealing": as_mapping(annealing)}
    p = validated(GradientFlow.Parameters, given | {"recheck": 0.0} | others)
    if p.initial_law not in TURNABLE:
        raise ConfigError(f"initial_law '{p.initial_law}' has no angle to turn; use {' or '.join(TURNABLE)}, or sample")
    shares = flow_shares(p, tolerance=tolerance, seed=seed, threads=threads or available_threads(), backend=backend)
    probability, error = (
        dict(zip(GradientFlow.outcomes, x.tolist(), strict=True)) for x in (shares.probability, shares.error)
    )
    return SeparatrixProbability(
        probability=probability,
        collapsed=sum(probability[name] for name in GradientFlow.collapsed),
        error=error | {"collapsed": error["covered"]},
        trajectories=shares.trajectories,
        parameters=p.model_dump(),
    )
