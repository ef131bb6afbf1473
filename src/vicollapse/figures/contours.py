"""Contours of estimated probabilities: drawn where the runs resolve them, not along the noise of a plateau."""

import warnings

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

_Z = 3.5
_REACH = 3
_WALL = 0.3
"""A difference of probability within 3 x 3 cells that is a wall."""


def window(table: NDArray[np.float64]) -> int:
    """Cells along an edge of the square whose median stands for a cell: 1, 3 or 5, as the table's size allows."""
    return 1 if min(table.shape) < 5 else 3 if min(table.shape) < 40 else 5


def smooth(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """Running median, which takes out noise, except at walls, whose corners it would cut.

    Parameters
    ----------
    table : (y, x) probabilities, NaN where there are no runs.

    Returns
    -------
    (y, x) probabilities, NaN in the same cells.
    """
    missing = np.isnan(table)
    fine, coarse = _median(table, min(3, window(table))), _median(table, window(table))
    low, high = (np.where(np.isnan(fine), fill, fine) for fill in (np.inf, -np.inf))
    wall = _squares(high, 3).max(axis=-1) - _squares(low, 3).min(axis=-1) > _WALL
    return np.where(missing, np.nan, np.where(wall, table, coarse))


def _median(table: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of a square without any runs, which gives NaN
        return np.asarray(np.nanmedian(_squares(table, size), axis=-1))


def _squares(table: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    # (y, x, size * size): the cells around each cell, those at the rim repeated beyond it
    around = np.pad(table, size // 2, mode="edge")
    return sliding_window_view(around, (size, size)).reshape(*table.shape, -1)


def resolved(table: NDArray[np.float64], runs: NDArray[np.int64], level: float) -> NDArray[np.bool_]:
    """Whether the probability crosses `level` near a cell by more than chance explains.

    Parameters
    ----------
    table : (y, x) probabilities after `smooth`.
    runs : (y, x) replicates of each cell.
    level : probability of the contour.

    Returns
    -------
    (y, x) bool : true where, within three cells, one cell lies 3.5 standard errors below the level and one above.
    """
    # the median of m values has the variance of the mean of 2 m / pi
    pooled = max(1.0, 2 / np.pi * window(table) ** 2)
    error = np.sqrt(level * (1 - level) / (pooled * np.maximum(runs, 1)))
    z = np.nan_to_num((table - level) / error)
    squares = _squares(z, 2 * _REACH + 1)
    return (squares.max(axis=-1) > _Z) & (squares.min(axis=-1) < -_Z)
