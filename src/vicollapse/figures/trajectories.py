"""Summary statistics against time, every trajectory in the colour of its fate."""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator
from numpy.typing import NDArray

from vicollapse.errors import ConfigError
from vicollapse.figures import captions, data, slices, style
from vicollapse.figures.kept import Kept, distance, kept, points
from vicollapse.figures.notation import equation
from vicollapse.figures.options import TrajectoriesOptions

_COLUMNS = (r"$m_1/M$", r"$m_2/M$", r"$D$", r"$w_1$")
_MOST_ROWS = 6


def _rows(diagrams: Mapping[str, xr.Dataset], options: TrajectoriesOptions) -> list[Kept]:
    slices.known_selection(diagrams, options.select)
    found = [(d, point) for d in diagrams.values() for point in points(d, options.select)]
    if len(found) > _MOST_ROWS:
        axes = dict.fromkeys(a for d in diagrams.values() for a in data.axes(d) if a not in options.select)
        raise ConfigError(
            f"{len(found)} points are too many for one figure ({_MOST_ROWS} rows at most); fix axes with `select`: "
            + ", ".join(axes)
        )
    return [kept(whole, point) for whole, point in found]


@style.styled
def draw(diagrams: Mapping[str, xr.Dataset], options: TrajectoriesOptions) -> Figure:
    """Overlaps m_1/M and m_2/M with the positive mode, distance D of the means and weight w_1 against time.

    Parameters
    ----------
    diagrams : study name -> phase diagram with kept trajectories; one row per point that `select` leaves.
    options : the points, and how many trajectories at most.

    Returns
    -------
    Figure : four columns, logarithmic time.

    Raises
    ------
    ConfigError : a study keeps no trajectories, or too many points are left.
    """
    rows = _rows(diagrams, options)
    figure = style.new_figure(0.95 + 1.55 * len(rows))
    grid = figure.subplots(len(rows), len(_COLUMNS), sharex=True, sharey="col", squeeze=False)
    for panels, row in zip(grid, rows, strict=True):
        _draw_row(panels, row, options.count)
        if len(rows) > 1:
            style.row_title(panels[-1], _title(row))
    for panel, label in zip(grid[0], _COLUMNS, strict=True):
        panel.set_title(label)
    for panel in grid[-1]:
        panel.set_xlabel("time $t$")
    _legend(figure, rows, options.count)
    style.footer(figure, captions.foot((r.whole, r.point) for r in rows))
    return figure


def _title(row: Kept) -> str:
    """What tells a row from the others."""
    varied = [a for a in data.axes(row.whole) if row.whole.sizes[a] > 1 and a != "weights"]
    parts = [equation(a, row.point[a].values.item(), row.whole) for a in varied]
    return ", ".join([captions.weights(row.point), *parts])


def _draw_row(panels: NDArray[np.object_], row: Kept, count: int) -> None:
    overlaps = row.means[:, :, :, 0] / row.separation
    fates = list(row.fates[:count])
    # rare fates last, so that they are not hidden
    order = sorted(range(len(fates)), key=lambda i: (-fates.count(fates[i]), i))
    for panel, values in zip(panels, (overlaps[:, :, 0], overlaps[:, :, 1], distance(row), row.weights), strict=True):
        for i in order:
            panel.plot(row.time, values[i], color=_color(fates[i]), linewidth=0.7, alpha=0.75)
        _time_axis(panel, row.time)
    for panel, lines in zip(panels, ((-1, 1), (-1, 1), (2 * row.separation,), (0, 1)), strict=True):
        for y in lines:
            panel.axhline(y, color="0.75", linewidth=0.6, zorder=0)


def _time_axis(panel: Axes, time: NDArray[np.float64]) -> None:
    """Logarithmic from the first positive time; where the trajectories start at 0, a linear piece before it."""
    first, last = np.log10(time[time > 0][0]), np.log10(time[-1])
    decades = np.arange(np.ceil(first) + (time[0] == 0), np.floor(last) + 1e-9)
    ticks = 10.0 ** decades[:: max(1, -(-len(decades) // 4))]
    if time[0] == 0:
        panel.set_xscale("symlog", linthresh=10**first, linscale=0.6)
        panel.set_xticks([0, *ticks])
    else:
        panel.set_xscale("log")
        panel.set_xticks(ticks)
    panel.xaxis.set_minor_locator(NullLocator())
    panel.set_xlim(time[0], time[-1])


def _color(fate: str) -> str:
    return style.FATES.get(fate, style.PURPLE)


def _counts(rows: list[Kept], count: int) -> dict[str, int]:
    drawn = [str(f) for r in rows for f in r.fates[:count]]
    known = [str(o) for o in rows[0].point["outcome"].values]
    return {o: drawn.count(o) for o in known if o in drawn}


def _legend(figure: Figure, rows: list[Kept], count: int) -> None:
    drawn = _counts(rows, count)
    style.legend(figure, [Line2D([], [], color=_color(f), label=f"{f} ({n})") for f, n in drawn.items()])


def caption(diagrams: Mapping[str, xr.Dataset], options: TrajectoriesOptions) -> str:
    """The caption of that figure: what is drawn and every parameter, plain text."""
    rows = _rows(diagrams, options)
    drawn = ", ".join(f"{n} {f}" for f, n in _counts(rows, options.count).items())
    return captions.join(
        "Summary statistics during training: overlaps m_1/M and m_2/M of the means with the positive mode (grey lines: "
        "the modes), distance D of the means (grey line: 2|μ|) and weight w_1 of the first component, against time. ",
        f"Colours: fate at t_end. The first {options.count} kept trajectories of each row at most: {drawn}. ",
        captions.definitions(diagrams.values()),
        *dict.fromkeys(captions.study_text(r.point, r.whole) for r in rows),
    )
