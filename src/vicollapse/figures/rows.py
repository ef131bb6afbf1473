"""Rows of kept trajectories, one per point: which there are, their titles, colours, order and axis of time."""

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator
from numpy.typing import NDArray

from vicollapse.errors import ConfigError
from vicollapse.figures import captions, data, slices, style
from vicollapse.figures.kept import Kept, kept, points
from vicollapse.figures.notation import equation
from vicollapse.figures.options import Value

MOST_ROWS = 6


def kept_rows(diagrams: Mapping[str, xr.Dataset], select: Mapping[str, Value]) -> list[Kept]:
    """Kept trajectories of every point that `select` leaves, in the order of the studies and their points.

    Raises
    ------
    ConfigError : a study keeps no trajectories, or more points are left than a figure has rows.
    """
    slices.known_selection(diagrams, select)
    found = [(d, point) for d in diagrams.values() for point in points(d, select)]
    if len(found) > MOST_ROWS:
        axes = dict.fromkeys(a for d in diagrams.values() for a in data.axes(d) if a not in select)
        raise ConfigError(
            f"{len(found)} points are too many for one figure ({MOST_ROWS} rows at most); fix axes with `select`: "
            + ", ".join(axes)
        )
    return [kept(whole, point) for whole, point in found]


def title(row: Kept) -> str:
    """What tells a row from the others, mathtext."""
    varied = [a for a in data.axes(row.whole) if row.whole.sizes[a] > 1 and a != "weights"]
    return ", ".join([captions.weights(row.point), *values(row, varied)])


def values(row: Kept, axes: Sequence[str]) -> list[str]:
    """Equations of those axes of a row, mathtext."""
    return [equation(axis, row.point[axis].values.item(), row.whole) for axis in axes]


def titles(shown: Sequence[Kept]) -> list[str]:
    """What tells the rows from each other, one thing a line: weights or studies, and the axes in which they differ."""
    known = [data.parameters(row.point) for row in shown]
    axes = dict.fromkeys(a for row in shown for a in data.axes(row.whole) if a != "weights")
    varied = [a for a in axes if len({str(k.get(a)) for k in known}) > 1]
    parts = [
        [name, *(equation(a, k[a], row.whole) for a in varied if k.get(a) is not None)]
        for name, k, row in zip(_names(shown), known, shown, strict=True)
    ]
    return [",\n".join(filter(None, part)) for part in parts]


def _names(shown: Sequence[Kept]) -> list[str]:
    weights = [captions.weights(row.point) for row in shown]
    studies = [data.study(row.whole).replace("_", " ") for row in shown]
    if len(shown) == 1 or len(set(weights)) > 1:
        return weights
    return studies if len(set(studies)) > 1 else [""] * len(shown)


def rare_last(fates: Sequence[str]) -> list[int]:
    """Indices of trajectories in the order of drawing: rare fates last, so that they are not hidden."""
    known = list(fates)
    return sorted(range(len(known)), key=lambda i: (-known.count(known[i]), i))


def time_axis(panel: Axes, time: NDArray[np.float64]) -> None:
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


def color(fate: str) -> str:
    """Colour of a fate."""
    return style.FATES.get(fate, style.PURPLE)


def counts(rows: list[Kept], count: int) -> dict[str, int]:
    """How many trajectories of each fate are drawn."""
    drawn = [str(f) for r in rows for f in r.fates[:count]]
    known = [str(o) for o in rows[0].point["outcome"].values]
    return {o: drawn.count(o) for o in known if o in drawn}


def legend(figure: Figure, rows: list[Kept], count: int, *others: Line2D) -> None:
    """Legend of the fates drawn, with their numbers, and of other lines."""
    drawn = counts(rows, count)
    style.legend(figure, [Line2D([], [], color=color(f), label=f"{f} ({n})") for f, n in drawn.items()] + list(others))
