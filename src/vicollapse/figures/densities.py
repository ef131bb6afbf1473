"""One panel of a snapshot figure: family filled, target in contours, modes as crosses, means as dots."""

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from vicollapse.figures import data, style
from vicollapse.figures.kept import Kept
from vicollapse.mixture.density import mixture_density, plane

LEVELS = (0.03, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
"""Filled contours, as fractions of the peak of one Gaussian of weight 1."""
TARGET_LEVELS = (0.03, 0.1, 0.2, 0.3, 0.4)
TEMPERED_LEVELS = (0.1, 0.3, 0.5, 0.7, 0.9, 0.97)
"""Contours of a tempered target, as fractions of its own peak."""
_PEAK = 1 / (2 * np.pi)
_CELLS = 121


@dataclass(frozen=True)
class Frame:
    """Half-widths of a panel along mu and across."""

    along: float
    across: float


def target(run: Kept) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Modes (2, 2) in the plane of mu and one direction across, and their weights (2,)."""
    imbalance = float(data.parameters(run.point).get("imbalance", 0.0))
    heavier = 0.5 * (1 + np.tanh(imbalance))
    return np.array([[run.separation, 0.0], [-run.separation, 0.0]]), np.array([heavier, 1 - heavier])


def draw_densities(
    panel: Axes, run: Kept, index: int, step: int, frame: Frame, color: str, beta: float | None = None
) -> None:
    """One panel.

    Parameters
    ----------
    panel : where.
    run : the kept trajectories.
    index, step : which of them, and at which of its times.
    frame : half-widths of the panel.
    color : of the family's density.
    beta : inverse temperature of the target, whose contours are then fractions of its own peak.
    """
    grid = plane(frame.along, frame.across, _CELLS)
    x, y = grid[0, :, 0], grid[:, 0, 1]
    modes, masses = target(run)
    # the other coordinates integrate out exactly: every component has unit covariance
    means, first = run.means[index, step, :, :2], run.weights[index, step]
    family = mixture_density(grid, means, np.array([first, 1 - first])) / _PEAK
    panel.contourf(x, y, family, LEVELS, cmap=style.shades(color), vmin=0, vmax=1, extend="max")
    levels, shown = _target(mixture_density(grid, modes, masses), beta)
    panel.contour(x, y, shown, levels, colors="0.45", linewidths=0.45)
    panel.plot(*modes.T, "x", color="black", markersize=5, markeredgewidth=1.0)
    areas = 14 * np.array([first, 1 - first]) + 1
    panel.scatter(means[:, 0], means[:, 1], s=areas, color="black", edgecolor="white", linewidth=0.4, zorder=3)


def _target(density: NDArray[np.float64], beta: float | None) -> tuple[tuple[float, ...], NDArray[np.float64]]:
    """Levels and the field that they are of; the power of a product is the product of powers, so the plane suffices."""
    if beta is None:
        return TARGET_LEVELS, density / _PEAK
    tempered = density**beta
    return TEMPERED_LEVELS, tempered / tempered.max()
