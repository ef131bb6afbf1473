"""Summary statistics against time, every trajectory in the colour of its fate."""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from numpy.typing import NDArray

from vicollapse.figures import captions, rows, style
from vicollapse.figures.kept import Kept, distance
from vicollapse.figures.options import TrajectoriesOptions

_COLUMNS = (r"$m_1/M$", r"$m_2/M$", r"$D$", r"$w_1$")


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
    shown = rows.kept_rows(diagrams, options.select)
    figure = style.new_figure(0.95 + 1.55 * len(shown))
    grid = figure.subplots(len(shown), len(_COLUMNS), sharex=True, sharey="col", squeeze=False)
    for panels, row in zip(grid, shown, strict=True):
        _draw_row(panels, row, options.count)
        if len(shown) > 1:
            style.row_title(panels[-1], rows.title(row))
    for panel, label in zip(grid[0], _COLUMNS, strict=True):
        panel.set_title(label)
    for panel in grid[-1]:
        panel.set_xlabel("time $t$")
    rows.legend(figure, shown, options.count)
    style.footer(figure, captions.foot((r.whole, r.point) for r in shown))
    return figure


def _draw_row(panels: NDArray[np.object_], row: Kept, count: int) -> None:
    overlaps = row.means[:, :, :, 0] / row.separation
    fates = list(row.fates[:count])
    for panel, values in zip(panels, (overlaps[:, :, 0], overlaps[:, :, 1], distance(row), row.weights), strict=True):
        for i in rows.rare_last(fates):
            panel.plot(row.time, values[i], color=rows.color(fates[i]), linewidth=0.7, alpha=0.75)
        rows.time_axis(panel, row.time)
    for panel, lines in zip(panels, ((-1, 1), (-1, 1), (2 * row.separation,), (0, 1)), strict=True):
        for y in lines:
            panel.axhline(y, color="0.75", linewidth=0.6, zorder=0)


def caption(diagrams: Mapping[str, xr.Dataset], options: TrajectoriesOptions) -> str:
    """The caption of that figure: what is drawn and every parameter, plain text."""
    shown = rows.kept_rows(diagrams, options.select)
    drawn = ", ".join(f"{n} {f}" for f, n in rows.counts(shown, options.count).items())
    return captions.join(
        "Summary statistics during training: overlaps m_1/M and m_2/M of the means with the positive mode (grey lines: "
        "the modes), distance D of the means (grey line: 2|μ|) and weight w_1 of the first component, against time. ",
        f"Colours: fate at t_end. The first {options.count} kept trajectories of each row at most: {drawn}. ",
        captions.definitions(diagrams.values()),
        *dict.fromkeys(captions.study_text(r.point, r.whole) for r in shown),
    )
