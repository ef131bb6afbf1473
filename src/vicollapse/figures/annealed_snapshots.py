"""Snapshots under annealing: density of the family with the contours of the tempered target, one row per point."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from numpy.typing import NDArray

from vicollapse.errors import ConfigError, did_you_mean
from vicollapse.figures import captions, rows, style
from vicollapse.figures.annealing_options import AnnealedSnapshotsOptions
from vicollapse.figures.densities import TEMPERED_LEVELS, Frame, draw_densities
from vicollapse.figures.kept import Kept, complete
from vicollapse.figures.ramps import beta
from vicollapse.figures.snapshots import steps
from vicollapse.figures.style import number

_LEAST_HEIGHT = 0.95  # inches of a row, for its title


@dataclass(frozen=True)
class _Row:
    run: Kept
    index: int
    pattern: str
    steps: list[int]
    betas: NDArray[np.float64]  # at these steps


def _rows(diagrams: Mapping[str, xr.Dataset], options: AnnealedSnapshotsOptions) -> list[_Row]:
    runs = rows.kept_rows(diagrams, options.select)
    patterns = options.patterns or [_commonest(run) for run in runs]
    if len(patterns) != len(runs):
        raise ConfigError(f"`patterns` names {len(patterns)} outcomes for {len(runs)} rows; one for each row")
    found = [_row(run, pattern, options) for run, pattern in zip(runs, patterns, strict=True)]
    if len({len(row.steps) for row in found}) > 1:
        raise ConfigError("the studies save trajectories at different numbers of times; give `times`")
    return found


def _commonest(run: Kept) -> str:
    known = Counter(str(f) for f in run.fates if f not in ("", "failed"))
    if not known:
        raise ConfigError(f"every kept trajectory of this point failed: {rows.title(run)}")
    return known.most_common(1)[0][0]


def _row(run: Kept, pattern: str, options: AnnealedSnapshotsOptions) -> _Row:
    known = [str(o) for o in run.point["outcome"].values]
    if pattern not in known:
        raise ConfigError(f"unknown pattern '{pattern}'{did_you_mean(pattern, known)}")
    at, shows = steps(run.time, options.times), run.fates == pattern
    if not shows.any():
        raise ConfigError(f"no kept trajectory of this point is {pattern}: {rows.title(run)}")
    if not (known := shows & complete(run, at)).any():
        raise ConfigError(f"no kept trajectory of this point that is {pattern} got so far: {rows.title(run)}")
    index = int(np.argmax(known))
    return _Row(run, index, pattern, at, beta(run)[index, at])


@style.styled
def draw(diagrams: Mapping[str, xr.Dataset], options: AnnealedSnapshotsOptions) -> Figure:
    """Densities of the family in the plane of mu and the first direction across, over the target as it is then.

    Parameters
    ----------
    diagrams : study name -> phase diagram with kept trajectories; one row per point that `select` leaves.
    options : outcome of each row, times (columns), the points.

    Returns
    -------
    Figure : filled contours in the colour of the fate, grey contours of p^beta(t), crosses at the modes, dots at the
        means; time and beta above every panel.

    Raises
    ------
    ConfigError : a study keeps no trajectories, too many points are left, no trajectory has the outcome of its row up
        to the last time, or the studies have different numbers of times.
    """
    shown = _rows(diagrams, options)
    frame, columns = _frame(shown), len(shown[0].steps)
    height = 6.1 / columns * frame.across / frame.along + 0.25
    figure = style.new_figure(1.0 + len(shown) * max(height, _LEAST_HEIGHT))
    grid = figure.subplots(len(shown), columns, sharex=True, sharey=True, squeeze=False)
    for panels, row, title in zip(grid, shown, rows.titles([row.run for row in shown]), strict=True):
        for panel, step, value in zip(panels, row.steps, row.betas, strict=True):
            panel.set(xlim=(-frame.along, frame.along), ylim=(-frame.across, frame.across), aspect="equal")
            draw_densities(panel, row.run, row.index, step, frame, rows.color(row.pattern), float(value))
            panel.set_title(rf"$t = {number(row.run.time[step])},\ \beta = {value:.2g}$", fontsize=8.5)
        panels[0].set_ylabel("across")
        style.row_title(panels[-1], f"{title}\n{row.pattern}")
    for panel in grid[-1]:
        panel.set_xlabel(r"along $\mu$")
    style.footer(figure, captions.foot((r.run.whole, r.run.point) for r in shown))
    return figure


def _frame(shown: list[_Row]) -> Frame:
    along = max(row.run.separation for row in shown)
    across = max(float(np.abs(row.run.means[row.index, row.steps, :, 1]).max()) for row in shown)
    return Frame(along + 2.8, max(across + 2.5, 0.6 * (along + 2.8)))  # room for contours of a hot target


def caption(diagrams: Mapping[str, xr.Dataset], options: AnnealedSnapshotsOptions) -> str:
    """The caption of that figure: what is drawn and every parameter, plain text."""
    shown = _rows(diagrams, options)
    levels = ", ".join(captions.text(level) for level in TEMPERED_LEVELS)
    return captions.join(
        "Density of the family under annealing, in the plane of μ and the first direction across, all others "
        "integrated out. Filled contours: fractions of the peak of one Gaussian of weight 1; grey lines: the tempered "
        f"target p^β(t), at {levels} of its own peak in the panel; crosses: the modes of p; dots: the means of the "
        "family, with areas that grow with the weights. ",
        *(f"Row {i + 1}: {_origin(row)}" for i, row in enumerate(shown)),
        captions.definitions(diagrams.values()),
        *dict.fromkeys(captions.study_text(r.run.point, r.run.whole) for r in shown),
    )


def _origin(row: _Row) -> str:
    at = [f"t = {captions.text(row.run.time[s])} (β = {b:.3g})" for s, b in zip(row.steps, row.betas, strict=True)]
    share = float(row.run.point["probability"].sel(outcome=row.pattern))
    return (
        f"the first kept trajectory (number {row.index}) that is {row.pattern}, as {100 * share:.3g} % of the runs of "
        f"its point are, at {', '.join(at)}. "
    )
