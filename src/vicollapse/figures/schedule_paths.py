"""What a schedule does to the summary statistics: inverse temperature, overlap, distance, weight, and the plane."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from vicollapse.figures import captions, data, rows, style
from vicollapse.figures.annealing_options import SchedulePathsOptions
from vicollapse.figures.kept import Kept, distance
from vicollapse.figures.ramps import beta, schedule
from vicollapse.mixture.theory import repulsion_distance

_COLUMNS = (r"$\beta(t)$", r"$m_1/M$", "$D$", "$w_1$", "$m_2/M$")
_BALANCE: dict[str, Any] = {"color": "black", "linestyle": (0, (3, 1.5)), "linewidth": 1.0}


@style.styled
def draw(diagrams: Mapping[str, xr.Dataset], options: SchedulePathsOptions) -> Figure:
    """Inverse temperature, overlap m_1/M, distance D and weight w_1 against time, and the plane of both overlaps.

    Parameters
    ----------
    diagrams : study name -> phase diagram with kept trajectories; one row per point that `select` leaves.
    options : the points, and how many trajectories at most.

    Returns
    -------
    Figure : five columns, logarithmic time; every trajectory in the colour of its fate.

    Raises
    ------
    ConfigError : a study keeps no trajectories, or too many points are left.
    """
    shown = rows.kept_rows(diagrams, options.select)
    figure = style.new_figure(1.0 + 1.4 * len(shown))
    grid = figure.subplots(len(shown), len(_COLUMNS), sharex="col", sharey="col", squeeze=False)
    for panels, row, title in zip(grid, shown, rows.titles(shown), strict=True):
        _draw_row(panels, row, options.count)
        style.row_title(panels[-1], title)
    grid[0, 0].set(yscale="log", ylim=_limits([beta(row)[: options.count] for row in shown]))  # of all rows
    for panel, label in zip(grid[0], _COLUMNS, strict=True):
        panel.set_title(label, fontsize=9)
    for panel in grid[-1, :-1]:
        panel.set_xlabel("time $t$")
    grid[-1, -1].set_xlabel("$m_1/M$")
    rows.legend(figure, shown, options.count, Line2D([], [], label=r"$R(D) = \beta/2$", **_BALANCE))
    style.footer(figure, captions.foot((r.whole, r.point) for r in shown))
    return figure


def _draw_row(panels: NDArray[np.object_], row: Kept, count: int) -> None:
    fates, betas, overlaps = list(row.fates[:count]), beta(row), row.means[..., 0] / row.separation
    order, along = rows.rare_last(fates), _first_complete(betas)
    look: dict[str, Any] = {"linewidth": 0.6, "alpha": 0.75}
    if same := bool(np.all((betas == along) | np.isnan(betas))):
        panels[0].plot(row.time, along, color="black", **look)
    for panel, values in zip(panels, (betas, overlaps[:, :, 0], distance(row), row.weights), strict=False):
        for i in [] if values is betas and same else order:
            panel.plot(row.time, values[i], color=rows.color(fates[i]), **look)
        rows.time_axis(panel, row.time)
    for i in order:
        panels[-1].plot(*overlaps[i].T, color=rows.color(fates[i]), **look)
    _guide(panels, row, along)


def _first_complete(betas: NDArray[np.float64]) -> NDArray[np.float64]:
    """beta along the first trajectory that did not fail; NaN where there is none, and nothing is drawn."""
    known = np.isfinite(betas).all(axis=1)
    return betas[np.argmax(known)] if known.any() else np.full(betas.shape[1], np.nan)


def _limits(betas: list[NDArray[np.float64]]) -> tuple[float, float]:
    known = np.concatenate([b[np.isfinite(b)] for b in betas])
    return 0.7 * float(known.min(initial=0.5)), 1.4 * float(known.max(initial=1.0))


def _guide(panels: NDArray[np.object_], row: Kept, betas: NDArray[np.float64]) -> None:
    for panel, lines in zip(panels, ((1,), (-1, 1), (2 * row.separation,), (0, 1)), strict=False):
        for y in lines:
            panel.axhline(y, color="0.75", linewidth=0.6, zorder=0)
    if np.isfinite(betas).all():
        panels[2].plot(row.time, [repulsion_distance(min(1.0, float(b))) for b in betas], **_BALANCE)
    _plane(panels[-1])


def _plane(panel: Axes) -> None:
    panel.plot([1, -1], [-1, 1], "o", color="0.6", markersize=4, zorder=0)
    panel.plot([1, -1], [1, -1], "x", color="0.6", markersize=5, zorder=0)
    panel.set(xlim=(-1.3, 1.3), ylim=(-1.3, 1.3), xticks=[-1, 0, 1], yticks=[-1, 0, 1])


def caption(diagrams: Mapping[str, xr.Dataset], options: SchedulePathsOptions) -> str:
    """The caption of that figure: what is drawn and every parameter, plain text."""
    shown = rows.kept_rows(diagrams, options.select)
    drawn = ", ".join(f"{n} {f}" for f, n in rows.counts(shown, options.count).items())
    adapts = any(schedule(data.parameters(r.point)).duration is None and "beta" in r.point for r in shown)
    return captions.join(
        "Summary statistics under annealing: inverse temperature β(t), overlap m_1/M of the first mean with the "
        "positive mode, distance D of the means (grey line: 2|μ|; dashed: where repulsion and the tempered target "
        "balance across μ, R(D) = β/2, for equal weights",
        ", at the β of the first trajectory that did not fail" if adapts else "",
        "), weight w_1 of the first component, and the path in the plane of both overlaps (circles: covered, crosses: "
        "aligned). Rows differ in their random starts, which have the same law. ",
        f"Colours: fate at t_end. The first {options.count} kept trajectories of each row at most: {drawn}. ",
        *(f"Row {i + 1}: {_shares(r)}. " for i, r in enumerate(shown)),
        captions.definitions(diagrams.values()),
        *dict.fromkeys(captions.study_text(r.point, r.whole) for r in shown),
    )


def _shares(row: Kept) -> str:
    point = row.point
    runs = int(point["replicates"])
    shares = [f"{o} {float(point['probability'].sel(outcome=o)):.3g}" for o in map(str, point["outcome"].values)]
    return f"of all {runs} runs {', '.join(shares)}"
