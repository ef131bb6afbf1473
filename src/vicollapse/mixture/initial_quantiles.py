"""The isotropic initial law as a function of uniform numbers, for quasi-random starts."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import chi2

Array = NDArray[np.float64]


def radius_from_uniform(u: Array, init_scale: float) -> Array:
    """Length of (x_1, x_2), the coordinates of both means along mu.

    Parameters
    ----------
    u : (n,) in (0, 1). init_scale : standard deviation of every coordinate.

    Returns
    -------
    radius : (n,), Rayleigh; the angle in that plane is uniform and independent.
    """
    return init_scale * np.sqrt(-2 * np.log1p(-u))


def across_from_uniform(u: Array, dimension: int, init_scale: float) -> Array:
    """Both means across mu, up to a rotation there: their difference is drawn first, because most depends on it.

    Parameters
    ----------
    u : (n, 3) in (0, 1). dimension : d >= 1. init_scale : standard deviation of every coordinate.

    Returns
    -------
    across : (n, 2, 2), components by coordinates, as the last two columns of `mixture.initial`.

    Source: u_1 - u_2 and u_1 + u_2 are independent Gaussians; of the second one, the part along the first is N(0, 1)
    and the rest is chi with d - 2 degrees of freedom (d - 1 for the first), in units of init_scale sqrt(2).
    """
    across = np.zeros((len(u), 2, 2))
    if dimension == 2:
        across[:, :, 0] = ndtri(u[:, :2])
    elif dimension > 2:
        half = np.sqrt(chi2.ppf(u[:, 0], dimension - 1) / 2)
        mean = ndtri(u[:, 1]) / np.sqrt(2)
        across[:, 0, 0], across[:, 1, 0] = mean + half, mean - half
        across[:, :, 1] = np.sqrt(chi2.ppf(u[:, 2], dimension - 2) / 2)[:, None]
    across *= init_scale
    return across
