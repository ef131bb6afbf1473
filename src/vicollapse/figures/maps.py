"""A map of one probability over two axes: cells, contours, marks, and the labels around a grid of such maps."""

from typing import Any

import matplotlib.patheffects as effects
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from vicollapse.figures import style
from vicollapse.figures.contours import resolved, smooth
from vicollapse.figures.marks import Mark, draw_marks
from vicollapse.figures.notation import edges, is_log, positions

DASHES: tuple[Any, ...] = ((0, (3, 1.2)), "solid", (0, (1, 1)), (0, (6, 1.5)))
"""Lines of the contours, from the lowest probability up."""


def draw_map(
    panel: Axes, values: xr.DataArray, runs: xr.DataArray, x: str, y: str, levels: list[float], lines: list[Mark]
) -> QuadMesh:
    """One map.

    Parameters
    ----------
    panel : where.
    values : probabilities over the axes x and y; NaN where there are no runs.
    runs : replicates, over the same axes.
    x, y : names of the axes.
    levels : probabilities that get a contour, increasing.
    lines : marks on the separation axis.

    Returns
    -------
    QuadMesh : the coloured cells, on the colour scale 0 to 1.
    """
    table = values.transpose(y, x).values
    across, up = values[x].values, values[y].values
    panel.set_xscale("log" if is_log(across) else "linear")
    panel.set_yscale("log" if is_log(up) else "linear")
    cells = np.ma.masked_invalid(table)
    mesh = panel.pcolormesh(edges(across), edges(up), cells, cmap=style.PROBABILITY, vmin=0, vmax=1, rasterized=True)
    _draw_contours(panel, positions(across), positions(up), table, runs.transpose(y, x).values, levels)
    ticks(panel.xaxis, across)
    ticks(panel.yaxis, up)
    draw_marks(panel, lines, vertical=x == "separation", color=style.BLUE)
    return mesh


def _draw_contours(panel: Axes, x: Any, y: Any, table: Any, runs: Any, levels: list[float]) -> None:
    if min(table.shape) < 2:
        return
    field = smooth(table)
    for level, dashes in zip(levels, DASHES, strict=False):
        shown = np.where(resolved(field, runs, level), field, np.nan)
        if np.nanmin(shown, initial=level) < level < np.nanmax(shown, initial=level):
            lines = panel.contour(x, y, shown, [level], colors="black", linewidths=0.9, linestyles=[dashes])
            lines.set_path_effects([effects.withStroke(linewidth=2.0, foreground="white", alpha=0.45)])


def ticks(axis: Any, values: Any) -> None:
    """Ticks of an axis: its texts at 0, 1, 2..., or at most six round numbers."""
    if not np.issubdtype(values.dtype, np.number):
        axis.set_ticks(positions(values), [str(v).replace("_", " ") for v in values])
    elif not is_log(values):
        axis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))


def draw_formula(panel: Axes, values: xr.DataArray, levels: list[float]) -> None:
    """Contours of a formula, (y, x), where it reaches their levels."""
    up, across = (positions(values[axis].values) for axis in values.dims)
    if min(values.shape) > 1 and np.isfinite(values).any():
        for level, dashes in zip(levels, DASHES, strict=False):
            if np.nanmin(values, initial=level) < level < np.nanmax(values, initial=level):
                panel.contour(across, up, values, [level], colors=style.GREEN, linewidths=1.2, linestyles=[dashes])


def temperature_axis(panels: Any) -> None:
    """The initial temperature at the right of panels whose vertical axis is its inverse."""
    for panel in panels:
        axis = panel.secondary_yaxis("right", functions=(_inverse, _inverse))
        axis.set_ylabel(r"initial temperature $1/\beta_0$")


def _inverse(value: Any) -> Any:
    return 1 / np.where(np.asarray(value) == 0, np.inf, value)


def legend(figure: Figure, contours: list[float], lines: list[Mark], *, formula: bool = False) -> None:
    """Legend of contours, of a formula's contours, and of marks, above the panels."""
    looks = [("black", 0.9, "%"), *([(style.GREEN, 1.2, "%, formula")] if formula else [])]
    handles = [
        Line2D([], [], color=color, linewidth=width, linestyle=DASHES[i], label=f"{100 * c:g}{unit}")
        for color, width, unit in looks
        for i, c in enumerate(contours)
    ]
    handles += [Line2D([], [], color=style.BLUE, linewidth=1, linestyle=m.line, label=m.label) for m in lines]
    style.legend(figure, handles)
