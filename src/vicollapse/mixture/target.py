"""The target: a mixture of unit Gaussians in R^d, its density and responsibilities, and what separates its modes."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, log_softmax, logsumexp

Array = NDArray[np.float64]


def mode_weights(imbalance: ArrayLike) -> Array:
    """Weights (pi_+, pi_-) of the two modes +mu and -mu.

    Parameters
    ----------
    imbalance : any shape; h = 1/2 log(pi_+ / pi_-). Dimensionless; 0 is a balanced target.

    Returns
    -------
    weights : (..., 2); each has full relative accuracy, also the small one.

    Source: mathematics of two modes, E_q[log p] contains tanh(mu.x + h).
    """
    h = np.asarray(imbalance, np.float64)
    return np.stack([expit(2 * h), expit(-2 * h)], axis=-1)


def imbalance_of(weights: ArrayLike) -> Array:
    """Imbalance h = 1/2 log(pi_+ / pi_-): the inverse of `mode_weights`.

    Parameters
    ----------
    weights : (..., 2); positive, in any normalisation.

    Returns
    -------
    imbalance : (...).

    Raises
    ------
    ValueError : a weight is not positive.
    """
    weights = np.asarray(weights, np.float64)
    if not np.all(weights > 0):
        raise ValueError(f"mode weights must be positive, not {weights.min():g}; leave out a mode of weight 0")
    return 0.5 * np.log(weights[..., 0] / weights[..., 1])


def separation_of(modes: ArrayLike) -> float:
    """Half the smallest distance between two modes; |mu| for modes at +mu and -mu.

    Parameters
    ----------
    modes : (K, d) with K >= 2; in units of the modes' standard deviation.

    Raises
    ------
    ValueError : fewer than two modes.
    """
    modes = np.asarray(modes, np.float64)
    if modes.ndim != 2 or len(modes) < 2:
        raise ValueError(f"separation needs at least two modes, an array (K, d); got shape {modes.shape}")
    first, second = np.triu_indices(len(modes), k=1)
    return float(np.linalg.norm(modes[first] - modes[second], axis=-1).min() / 2)


def is_single_peaked(separation: ArrayLike, imbalance: ArrayLike = 0.0) -> NDArray[np.bool_]:
    """Whether the density of the two modes has one maximum only, so that there are no two modes to lose.

    Parameters
    ----------
    separation : any shape; |mu|, in units of the modes' standard deviation.
    imbalance : broadcastable; h.

    Returns
    -------
    single : bool array. Balanced: |mu| <= 1. In general |h| >= |mu| sqrt(mu^2 - 1) - arcosh |mu|.

    Source: maxima are the stable solutions of x = |mu| tanh(|mu| x + h), which has three exactly below that |h|.
    """
    mu, h = np.broadcast_arrays(np.asarray(separation, np.float64), np.abs(np.asarray(imbalance, np.float64)))
    wide = np.maximum(mu, 1.0)
    largest = wide * np.sqrt(wide * wide - 1) - np.arccosh(wide)
    return (mu <= 1) | (h >= largest)


def log_density(x: ArrayLike, means: ArrayLike, weights: ArrayLike) -> Array:
    """Logarithm of the density of a mixture of unit Gaussians (target or variational family).

    Parameters
    ----------
    x : (..., d) points. means : (K, d). weights : (K,), summing to 1.

    Returns
    -------
    log_density : (...).
    """
    x, means = np.asarray(x, np.float64), np.asarray(means, np.float64)
    return logsumexp(_log_terms(x, means, weights), axis=-1) - 0.5 * x.shape[-1] * np.log(2 * np.pi)


def responsibilities(x: ArrayLike, means: ArrayLike, weights: ArrayLike) -> Array:
    """Posterior probability of each component of a mixture of unit Gaussians, given x.

    Parameters
    ----------
    x : (..., d) points. means : (K, d). weights : (K,), summing to 1.

    Returns
    -------
    responsibilities : (..., K); they sum to 1.
    """
    return np.exp(log_softmax(_log_terms(np.asarray(x, np.float64), np.asarray(means, np.float64), weights), axis=-1))


def _log_terms(x: Array, means: Array, weights: ArrayLike) -> Array:
    """Log of weight times unnormalised density of each component; no (..., K, d) array beyond the differences."""
    square = np.stack([np.square(x - mean).sum(axis=-1) for mean in means], axis=-1)
    with np.errstate(divide="ignore"):  # a weight of 0 is a component that is not there
        return np.log(np.asarray(weights, np.float64)) - 0.5 * square
