"""Shares of the fates along one axis, stacked: what becomes of the runs that a schedule saves, and of the others."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from vicollapse.figures import captions, data, slices, style
from vicollapse.figures.annealing_options import FateSharesOptions
from vicollapse.figures.maps import ticks
from vicollapse.figures.notation import axis_label, equation, is_log, plain, positions
from vicollapse.figures.ramps import BETA0
from vicollapse.intervals import wilson


@dataclass(frozen=True)
class _Content:
    whole: xr.Dataset
    drawn: xr.Dataset
    rows: list[list[xr.Dataset]]
    outcomes: list[str]  # those that occur, from the bottom up


def _content(diagrams: Mapping[str, xr.Dataset], options: FateSharesOptions) -> _Content:
    whole, shown = data.only(diagrams), [options.x, options.panels, options.rows]
    slices.require_axis(diagrams, *shown)
    slices.known_selection(diagrams, options.select)
    drawn = slices.fix(whole, shown, options.select)
    drawn = slices.restrict(drawn, options.panels, options.panel_values)
    drawn = slices.restrict(drawn, options.rows, options.row_values)
    rows = [slices.split(part, options.panels) for part in slices.split(drawn, options.rows)]
    names = [str(o) for o in drawn["outcome"].values]
    return _Content(whole, drawn, rows, [o for o in names if int(drawn["count"].sel(outcome=o).sum()) > 0])


def _boundaries(part: xr.Dataset, outcomes: list[str]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Upper boundary of each share, (outcomes, x), and the 95 % intervals of these, (2, outcomes, x)."""
    counts = np.cumsum([part["count"].sel(outcome=o).values for o in outcomes], axis=0)
    runs = part["replicates"].values
    return counts / np.maximum(runs, 1), np.stack(wilson(counts, np.broadcast_to(runs, counts.shape)))


@style.styled
def draw(diagrams: Mapping[str, xr.Dataset], options: FateSharesOptions) -> Figure:
    """Stacked shares of the outcomes along one axis.

    Parameters
    ----------
    diagrams : study name -> phase diagram; exactly one.
    options : axis along x, panels (columns), rows, the point.

    Returns
    -------
    Figure : areas in the colours of the fates that add to 1; whiskers at the boundaries are 95 % intervals.

    Raises
    ------
    ConfigError : an axis is missing or not fixed.
    """
    content = _content(diagrams, options)
    rows, columns = len(content.rows), len(content.rows[0])
    figure = style.new_figure(0.95 + rows * (2.1 if rows == 1 else 1.75))
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for panels, parts in zip(grid, content.rows, strict=True):
        for panel, part in zip(panels, parts, strict=True):
            _draw_panel(panel, part, content.outcomes, options.x)
        panels[0].set_ylabel("share of the runs")
        if options.rows:
            style.row_title(panels[-1], equation(options.rows, parts[0][options.rows].values.item(), content.whole))
    for panel, part in zip(grid[0], content.rows[0], strict=True):
        panel.set_title(_title(part, content.whole, options.panels))
    for panel in grid[-1]:
        panel.set_xlabel(axis_label(options.x, content.whole))
    style.legend(figure, [Patch(facecolor=_color(o), label=o) for o in content.outcomes])
    style.footer(figure, captions.foot([(content.whole, content.drawn)]))
    return figure


def _title(part: xr.Dataset, whole: xr.Dataset, axis: str | None) -> str:
    if axis is None:
        return ""
    value = part[axis].values.item()
    return equation(axis, value, whole) + (" (without annealing)" if axis == BETA0 and value == 1 else "")


def _draw_panel(panel: Axes, part: xr.Dataset, outcomes: list[str], x: str) -> None:
    at, (tops, ends) = positions(part[x].values), _boundaries(part, outcomes)
    below = np.zeros(len(at))
    for name, top in zip(outcomes, tops, strict=True):
        panel.fill_between(at, below, top, color=_color(name), alpha=0.85, linewidth=0)
        below = top
    for top, (low, high) in list(zip(tops, np.moveaxis(ends, 1, 0), strict=True))[:-1]:
        bars = np.abs(np.stack([top - low, high - top]))
        panel.errorbar(at, top, bars, fmt="none", ecolor="white", elinewidth=0.7)
    panel.set_xscale("log" if is_log(part[x].values) else "linear")
    ticks(panel.xaxis, part[x].values)
    panel.set_xlim(at.min(), at.max())
    panel.set_ylim(0, 1)


def _color(outcome: str) -> str:
    return style.FATES.get(outcome, style.PURPLE)


def caption(diagrams: Mapping[str, xr.Dataset], options: FateSharesOptions) -> str:
    """The caption of that figure: what is drawn and every parameter, plain text."""
    content = _content(diagrams, options)
    ends = [_boundaries(part, content.outcomes)[1] for parts in content.rows for part in parts]
    widest = max(float((high - low).max()) for low, high in ends) / 2
    return captions.join(
        f"What becomes of a run, against {plain(options.x)}: shares that add to 1, from the bottom up ",
        ", ".join(content.outcomes),
        f"; one column per {plain(options.panels)}" if options.panels else "",
        f", one row per {plain(options.rows)}" if options.rows else "",
        ". At β₀ = 1 there is no annealing. " if options.panels == BETA0 else ". ",
        "White whiskers: 95 % intervals (Wilson's) of the boundaries, that is, of the share of all fates below; "
        f"the widest of this figure is ±{widest:.2g}. ",
        captions.definitions([content.whole]),
        captions.study_text(content.drawn, content.whole),
    )
