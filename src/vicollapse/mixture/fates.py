"""The one definition of collapse: which modes the variational family has lost, and by which mechanism."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

OUTCOMES = ("covered", "aligned", "vanished", "failed")
COVERED, ALIGNED, VANISHED, FAILED = range(4)

MASS_THRESHOLD = 0.1
WEIGHT_THRESHOLD = 0.01


@dataclass(frozen=True)
class Fates:
    """What became of n trajectories.

    Parameters
    ----------
    outcome : (n,) uint8; index into `OUTCOMES`.
    redundant : (n,) bool; a weight died, but no mode was lost. It is not collapse.
    mass_ratio : (n,) min_j mass_j / pi_j; 1 at the optimum, NaN where failed.
    weight_ratio : (n,) min_k w_k / min_j pi_j; NaN where failed.
    """

    outcome: NDArray[np.uint8]
    redundant: NDArray[np.bool_]
    mass_ratio: Array
    weight_ratio: Array


def classify(
    mode_mass: ArrayLike,
    weights: ArrayLike,
    mode_weights: ArrayLike,
    failed: ArrayLike = False,
    *,
    mass_threshold: float = MASS_THRESHOLD,
    weight_threshold: float = WEIGHT_THRESHOLD,
) -> Fates:
    """Fate of each trajectory from the mass that q gives to the modes and from the weights of q.

    Mode j is lost iff mass_j < mass_threshold * pi_j. No mode lost: covered. Otherwise vanished, if some
    w_k < weight_threshold * min_j pi_j, else aligned. Failed comes first; a mass or weight that is NaN is a failure.

    Parameters
    ----------
    mode_mass : (n, J); E_q of the target's responsibility of mode j.
    weights : (n, K); of the variational components.
    mode_weights : (J,) or (n, J); of the target's modes.
    failed : (n,) or scalar bool; the integration could not be finished.
    mass_threshold, weight_threshold : dimensionless; both comparisons are strict.

    Returns
    -------
    fates : Fates.

    Source: the definition of this project; mechanisms as in Soletskyi, Gabrie, Loureiro, arXiv 2410.13300.
    """
    pi = np.asarray(mode_weights, np.float64)
    mass_ratio = _least(np.asarray(mode_mass, np.float64) / pi)
    weight_ratio = _least(np.asarray(weights, np.float64)) / _least(pi)
    failed = np.asarray(failed, bool) | np.isnan(mass_ratio) | np.isnan(weight_ratio)
    lost, dead = mass_ratio < mass_threshold, weight_ratio < weight_threshold
    outcome = np.where(lost, np.where(dead, VANISHED, ALIGNED), COVERED)
    outcome = np.where(failed, FAILED, outcome).astype(np.uint8)
    mass_ratio, weight_ratio = np.where(failed, np.nan, mass_ratio), np.where(failed, np.nan, weight_ratio)
    return Fates(outcome, dead & ~lost & ~failed, mass_ratio, weight_ratio)


def _least(a: Array) -> Array:
    """Minimum over the last axis; column by column, because NumPy's reduction of a short axis is slow."""
    least = a[..., 0]
    for j in range(1, a.shape[-1]):
        least = np.minimum(least, a[..., j])
    return least


def mode_mass(m: ArrayLike, weights: ArrayLike, separation: ArrayLike, imbalance: ArrayLike = 0.0) -> Array:
    """Mass that q = sum_k w_k N(u_k, I) gives to the modes +mu and -mu, exactly (a few microseconds per component).

    Parameters
    ----------
    m : (..., K); m_k = u_k.mu.
    weights : (..., K); w_k.
    separation : (...) or scalar; |mu|.
    imbalance : (...) or scalar; h.

    Returns
    -------
    mass : (..., 2); the small one has relative accuracy too.

    Source: mass_+- = sum_k w_k S(+-2 (m_k + h), 2 |mu|).
    """
    from vicollapse.mixture.integrals import logistic_normal  # and SciPy with it, which `classify` does without

    m, weights = np.asarray(m, np.float64), np.asarray(weights, np.float64)
    mu, h = np.asarray(separation, np.float64)[..., None], np.asarray(imbalance, np.float64)[..., None]
    positive, _ = logistic_normal(2 * (m + h), 2 * mu)
    negative, _ = logistic_normal(-2 * (m + h), 2 * mu)
    return np.stack([(weights * positive).sum(axis=-1), (weights * negative).sum(axis=-1)], axis=-1)
