"""Confidence intervals of probabilities that are estimated from counts."""

from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray


def wilson(
    count: ArrayLike, total: ArrayLike, confidence: float = 0.95
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Wilson score interval of a binomial probability.

    Parameters
    ----------
    count, total : integers, any broadcastable shape; successes and trials.
    confidence : two-sided level, in (0, 1).

    Returns
    -------
    low, high : arrays of the broadcast shape, in [0, 1]; (0, 1) where there were no trials.

    Source: Wilson, J. Am. Stat. Assoc. 22 (1927) 209; Brown, Cai, DasGupta, Stat. Sci. 16 (2001) 101.
    """
    k, n = np.broadcast_arrays(np.asarray(count, float), np.asarray(total, float))
    z2 = NormalDist().inv_cdf(0.5 + confidence / 2) ** 2
    trials = np.maximum(n, 1)
    centre = (k + z2 / 2) / (trials + z2)
    half = np.sqrt(z2) / (trials + z2) * np.sqrt(np.maximum(k * (trials - k), 0) / trials + z2 / 4)
    low = np.where((n == 0) | (k == 0), 0.0, np.clip(centre - half, 0, 1))
    high = np.where((n == 0) | (k == n), 1.0, np.clip(centre + half, 0, 1))
    return low, high
