"""Snapshots of the density during training: one row per pattern, one column per time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from numpy.typing import NDArray

from vicollapse.errors import ConfigError, did_you_mean
from vicollapse.figures import captions, data, slices, style
from vicollapse.figures.densities import Frame, draw_densities
from vicollapse.figures.kept import Kept, complete, kept, points
from vicollapse.figures.options import SnapshotsOptions
from vicollapse.figures.style import number


@dataclass(frozen=True)
class _Row:
    pattern: str
    found: "_Found | None"  # none: no kept trajectory shows the pattern at all times of the row


@dataclass(frozen=True)
class _Found:
    run: Kept
    index: int
    steps: list[int]

    @property
    def times(self) -> NDArray[np.float64]:
        return self.run.time[self.steps]


def _rows(diagrams: Mapping[str, xr.Dataset], options: SnapshotsOptions) -> list[_Row]:
    slices.known_selection(diagrams, options.select)
    outcomes = dict.fromkeys(str(o) for d in diagrams.values() for o in d["outcome"].values)
    for pattern in options.patterns:
        if pattern not in outcomes:
            raise ConfigError(f"unknown pattern '{pattern}'{did_you_mean(pattern, outcomes)}")
    runs = [kept(d, point) for d in diagrams.values() for point in points(d, options.select)]
    return [_Row(pattern, _find(runs, pattern, options)) for pattern in options.patterns]


def _find(runs: list[Kept], pattern: str, options: SnapshotsOptions) -> _Found | None:
    for run in runs:
        at = steps(run.time, options.times)
        indices = np.flatnonzero((run.fates == pattern) & complete(run, at))
        if len(indices):
            return _Found(run, int(indices[0]), at)
    return None


def steps(time: NDArray[np.float64], wanted: Sequence[float] | None) -> list[int]:
    """Indices of the kept times nearest to those wanted; of six, over all that are kept, by default."""
    if wanted is not None:
        return [int(np.abs(time - t).argmin()) for t in wanted]
    return [int(i) for i in np.unique(np.linspace(0, len(time) - 1, 6).round())]


def _seen(rows: list[_Row]) -> list[_Found]:
    return [row.found for row in rows if row.found is not None]


def _frame(seen: list[_Found]) -> Frame:
    along = max([f.run.separation for f in seen], default=1.0)
    across = max([float(np.abs(f.run.means[f.index, f.steps, :, 1]).max()) for f in seen], default=0.0)
    return Frame(along + 2.8, across + 2.5)


@style.styled
def draw(diagrams: Mapping[str, xr.Dataset], options: SnapshotsOptions) -> Figure:
    """Densities of the family in the plane of mu and the first direction across, with the target's contours.

    Parameters
    ----------
    diagrams : study name -> phase diagram with kept trajectories, searched in this order.
    options : patterns (rows), times (columns), the point.

    Returns
    -------
    Figure : filled contours in the colour of the fate, crosses at the modes, dots at the means; a row whose pattern no
        kept trajectory shows says so.

    Raises
    ------
    ConfigError : a study keeps no trajectories, or a pattern is unknown.
    """
    rows = _rows(diagrams, options)
    seen = _seen(rows)
    frame, columns = _frame(seen), max([len(f.steps) for f in seen], default=1)
    figure = style.new_figure(0.75 + len(rows) * (6.3 / columns * frame.across / frame.along + 0.08))
    grid = figure.subplots(len(rows), columns, sharex=True, sharey=True, squeeze=False)
    same_times = len({tuple(f.times) for f in seen}) <= 1
    for i, (panels, row) in enumerate(zip(grid, rows, strict=True)):
        _draw_row(panels, row, frame, titles=i == 0 or not same_times)
    for panel in grid[-1]:
        panel.set_xlabel(r"along $\mu$")
    style.footer(figure, captions.foot((f.run.whole, f.run.point) for f in seen))
    return figure


def _draw_row(panels: NDArray[np.object_], row: _Row, frame: Frame, *, titles: bool) -> None:
    panels[0].set_ylabel("across")
    style.row_title(panels[-1], row.pattern)
    for panel in panels:
        panel.set(xlim=(-frame.along, frame.along), ylim=(-frame.across, frame.across), aspect="equal")
    if row.found is None:
        words = f"no kept\ntrajectory\nis {row.pattern}"
        panels[0].text(0, 0, words, ha="center", va="center", color=style.GREY, fontsize=8, linespacing=1.0)
        return
    for panel, step, time in zip(panels, row.found.steps, row.found.times, strict=False):
        color = style.FATES.get(row.pattern, style.PURPLE)
        draw_densities(panel, row.found.run, row.found.index, step, frame, color)
        if titles:
            panel.set_title(f"$t = {number(time)}$")


def caption(diagrams: Mapping[str, xr.Dataset], options: SnapshotsOptions) -> str:
    """The caption of that figure: what is drawn and every parameter, plain text."""
    rows = _rows(diagrams, options)
    return captions.join(
        "Density of the family during training, in the plane of μ and the first direction across, all others "
        "integrated out. Filled contours: fractions of the peak of one Gaussian of weight 1; grey lines: the target; "
        "crosses: its modes; dots: the means of the family, with areas that grow with the weights. ",
        *(_origin(row) for row in rows),
        captions.definitions(diagrams.values()),
        *dict.fromkeys(captions.study_text(f.run.point, f.run.whole) for f in _seen(rows)),
    )


def _origin(row: _Row) -> str:
    if row.found is None:
        return f"Row {row.pattern}: no kept trajectory of these studies shows it. "
    times = ", ".join(captions.text(t) for t in row.found.times)
    point = row.found.run.point
    place = ", ".join(captions.axis_text(point, axis) for axis in data.fixed_axes(point))
    where = f"{data.study(point)} ({place})" if place else data.study(point)
    return f"Row {row.pattern}: trajectory {row.found.index} of study {where}, at t = {times}. "
