"""Densities of target and family on a grid of the plane through mu: what the snapshot figures draw."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def plane(half_width: float, half_height: float, points: int = 201) -> Array:
    """Square-celled grid of the plane (coordinate along mu, one coordinate across), centred between the modes.

    Parameters
    ----------
    half_width, half_height : extent along mu and across; in units of the modes' standard deviation.
    points : grid points along mu; across as many as keep the cells square.

    Returns
    -------
    grid : (rows, points, 2); rows run across, columns along mu, increasing.
    """
    along = np.linspace(-half_width, half_width, points)
    rows = max(2, round((points - 1) * half_height / half_width) + 1)
    across = np.linspace(-half_height, half_height, rows)
    return np.stack(np.meshgrid(along, across), axis=-1)


def mixture_density(grid: ArrayLike, means: ArrayLike, weights: ArrayLike) -> Array:
    """Density of a mixture of unit Gaussians on points of the plane.

    With means in R^d projected on the plane this is the marginal density there: all other coordinates integrate to 1.

    Parameters
    ----------
    grid : (..., 2) points. means : (K, 2). weights : (K,), summing to 1.

    Returns
    -------
    density : (...); per unit area.
    """
    grid, means, weights = (np.asarray(a, np.float64) for a in (grid, means, weights))
    along, across = grid[..., 0], grid[..., 1]
    density = np.zeros(grid.shape[:-1])
    for (x, y), weight in zip(means, weights, strict=True):
        density += weight * np.exp(-0.5 * ((along - x) ** 2 + (across - y) ** 2))
    return density / (2 * np.pi)
