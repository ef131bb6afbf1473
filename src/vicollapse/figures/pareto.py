"""Cost against probability: every schedule of some studies as a point, the best of each form as a line."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from numpy.typing import NDArray

from vicollapse.errors import ConfigError
from vicollapse.figures import captions, data, slices, style
from vicollapse.figures.annealing_options import ParetoOptions
from vicollapse.figures.notation import equation, plain
from vicollapse.figures.ramps import REACHED, cost, measured_cost, schedule, without

_DASHES = (0, (4, 2))


@dataclass(frozen=True)
class Cloud:
    """Schedules of one form: time they take, probability, ends of its 95 % interval; each (schedules,)."""

    form: str
    cost: NDArray[np.float64]
    value: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]

    def envelope(self) -> NDArray[np.int64]:
        """Indices of the schedules that no cheaper one beats, in the order of their cost."""
        order = np.lexsort((self.value, self.cost))
        best = np.minimum.accumulate(self.value[order])
        return order[np.concatenate([[True], best[1:] < best[:-1]])]


@dataclass(frozen=True)
class _Slice:
    whole: xr.Dataset
    drawn: xr.Dataset
    panels: list[xr.Dataset]


@dataclass(frozen=True)
class _Panel:
    parts: list[xr.Dataset]  # one of each study
    clouds: list[Cloud]
    plain: float  # probability without annealing


def _slices(diagrams: Mapping[str, xr.Dataset], options: ParetoOptions) -> list[_Slice]:
    slices.require_axis(diagrams, options.panels)
    slices.known_selection(diagrams, options.select)
    found = []
    for whole in diagrams.values():
        own = [a for a in data.axes(whole) if a.startswith("annealing.") and a not in options.select]
        drawn = slices.fix(whole, [options.panels, *own], slices.own_selection(whole, options.select))
        drawn = slices.restrict(drawn, options.panels, options.panel_values)
        found.append(_Slice(whole, drawn, slices.split(drawn, options.panels)))
    if options.panels and len({tuple(s.drawn[options.panels].values.tolist()) for s in found}) > 1:
        raise ConfigError(
            f"the studies have different values of '{options.panels}'; name common ones in `panel_values`"
        )
    return found


def clouds(part: xr.Dataset, quantity: str) -> list[Cloud]:
    """The schedules of one panel of one study, by form; those that cost nothing are left out."""
    shown, axes, known = data.probability(part, quantity), data.axes(part), data.parameters(part)
    numbers = np.stack([v.transpose(*axes).values for v in (shown.value, shown.low, shown.high)], axis=-1)
    values, rows = [part[axis].values.tolist() for axis in axes], dict[str, list[NDArray[np.float64]]]()
    for at in np.ndindex(*numbers.shape[:-1]):
        ramp = schedule(known | {axis: values[k][at[k]] for k, axis in enumerate(axes)})
        time = cost(ramp)
        time = measured_cost(part.isel(dict(zip(axes, at, strict=True)))) if np.isnan(time) else time
        if time > 0 and not np.isnan(numbers[at]).any():
            rows.setdefault(ramp.schedule, []).append(np.array([time, *numbers[at]]))
    return [Cloud(form, *np.array(table).T) for form, table in rows.items()]


def _panels(found: list[_Slice], quantity: str) -> list[_Panel]:
    """The panels that have something to show."""
    panels = []
    for parts in zip(*(s.panels for s in found), strict=True):
        shown = [cloud for part in parts for cloud in clouds(part, quantity)]
        panels += [_Panel(list(parts), shown, without(parts, quantity))] if shown else []
    if not panels:
        raise ConfigError("no schedule of these studies takes time, so there is no cost to draw")
    return panels


@style.styled
def draw(diagrams: Mapping[str, xr.Dataset], options: ParetoOptions) -> Figure:
    """Probability against the time that a schedule takes.

    Parameters
    ----------
    diagrams : study name -> phase diagram; their schedules are pooled by form.
    options : quantity, panels, the point.

    Returns
    -------
    Figure : every schedule a small point, the best ones of each form a line with 95 % intervals, both axes logarithmic;
        the probability without annealing as a grey line.

    Raises
    ------
    ConfigError : an axis is missing or not fixed, the time that a schedule takes is not known, or none takes any.
    """
    found = _slices(diagrams, options)
    shown = _panels(found, options.quantity)
    figure = style.new_figure(2.9 + 0.28 * len(found))
    grid = figure.subplots(1, len(shown), sharex=True, sharey=True, squeeze=False)[0]
    looks: dict[str, tuple[str, str]] = {}
    for panel, content in zip(grid, shown, strict=True):
        for cloud in content.clouds:
            look = looks.setdefault(cloud.form, (style.CYCLE[len(looks)], style.MARKERS[len(looks)]))
            _draw_cloud(panel, cloud, *look)
        _finish(panel, content, options.panels, found[0].whole)
    grid[0].set_ylabel(f"probability ({options.quantity})")
    _legend(figure, looks, _compares(shown))
    style.footer(figure, captions.foot((s.whole, s.drawn) for s in found))
    return figure


def _legend(figure: Figure, looks: dict[str, tuple[str, str]], compares: bool) -> None:
    handles = [
        Line2D([], [], color=c, marker=m, markersize=3.5, label=form.replace("_", " "))
        for form, (c, m) in looks.items()
    ]
    plain_line = Line2D([], [], color=style.GREY, linestyle=_DASHES, label="without annealing")
    style.legend(figure, [*handles, plain_line] if compares else handles)


def _compares(shown: list[_Panel]) -> bool:
    return any(bool(np.isfinite(panel.plain)) for panel in shown)


def _draw_cloud(panel: Axes, cloud: Cloud, color: str, marker: str) -> None:
    panel.plot(cloud.cost, cloud.value, marker, color=color, markersize=1.6, markeredgewidth=0, alpha=0.35)
    best = cloud.envelope()
    x, y = cloud.cost[best], cloud.value[best]
    bars = np.abs(np.stack([y - cloud.low[best], cloud.high[best] - y]))
    panel.errorbar(x, y, bars, color=color, marker=marker, markersize=2.6, elinewidth=0.7, linewidth=1.0)


def _finish(panel: Axes, content: _Panel, axis: str | None, whole: xr.Dataset) -> None:
    panel.set(xscale="log", yscale="log", xlabel="time that the schedule takes")
    panel.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    panel.yaxis.set_minor_formatter(NullFormatter())
    panel.grid(color="0.92", linewidth=0.6)
    panel.set_axisbelow(True)
    if np.isfinite(content.plain):
        panel.axhline(content.plain, color=style.GREY, linestyle=_DASHES, linewidth=1.0)
    if axis:
        panel.set_title(equation(axis, content.parts[0][axis].values.item(), whole))


def caption(diagrams: Mapping[str, xr.Dataset], options: ParetoOptions) -> str:
    """The caption of that figure: what is drawn and every parameter, plain text."""
    found = _slices(diagrams, options)
    shown = _panels(found, options.quantity)
    return captions.join(
        f"Probability of {captions.name(options.quantity)} against the time that a schedule takes: ",
        _cost_text({cloud.form for panel in shown for cloud in panel.clouds}),
        f"; one panel per {plain(options.panels)}. " if options.panels else ". ",
        "Small points: every schedule of the studies; lines: those that no cheaper one of their form beats, with 95 % "
        "intervals. A line picks the lowest of many estimates, so it lies a little low. ",
        "Dashed grey: without annealing (all points of β₀ = 1). " if _compares(shown) else "",
        captions.definitions(s.whole for s in found),
        *dict.fromkeys(captions.study_text(s.drawn, s.whole) for s in found),
        captions.intervals([data.probability(p, options.quantity) for panel in shown for p in panel.parts]),
    )


def _cost_text(forms: set[str]) -> str:
    """What the time of the schedules drawn is."""
    texts = {
        "exponential": f"for exponential schedules until β = {REACHED}",
        "adaptive": f"for adaptive ones until β = {REACHED}, the mean over the kept trajectories that did not fail",
    }
    ramps = ["until β = 1"] if forms - set(texts) else []
    return "; ".join([*ramps, *(text for form, text in texts.items() if form in forms)])
