"""Curves of probabilities along one axis, one line per value of another, with interval bands."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from vicollapse.figures import captions, data, formula, slices, style
from vicollapse.figures.maps import ticks
from vicollapse.figures.marks import Mark, draw_marks, marks
from vicollapse.figures.notation import axis_label, equation, is_log, plain, positions
from vicollapse.figures.options import CurveOptions


@dataclass(frozen=True)
class _Row:
    whole: xr.Dataset  # of the study
    drawn: xr.Dataset  # the slice that the figure shows
    panels: list[xr.Dataset]
    name: str
    marks: list[Mark]


def _rows(diagrams: Mapping[str, xr.Dataset], options: CurveOptions) -> list[_Row]:
    slices.require_axis(diagrams, options.x, options.lines, options.panels)
    slices.known_selection(diagrams, options.select)
    rows = []
    for name, whole in diagrams.items():
        drawn = slices.fix(
            whole, [options.x, options.lines, options.panels], slices.own_selection(whole, options.select)
        )
        drawn = slices.restrict(drawn, options.panels, options.panel_values)
        drawn = slices.restrict(drawn, options.lines, options.line_values)
        lines = marks(whole) if options.theory and options.x == "separation" else []
        shown = data.quantities({name: whole}, options.quantities)
        rows += [_Row(whole, drawn, slices.split(drawn, options.panels), quantity, lines) for quantity in shown]
    return rows


@style.styled
def draw(diagrams: Mapping[str, xr.Dataset], options: CurveOptions) -> Figure:
    """Probabilities along one axis.

    Parameters
    ----------
    diagrams : study name -> phase diagram; every study gets rows of its own.
    options : axis along x, axis of the lines, quantities (rows), panels (columns).

    Returns
    -------
    Figure : lines with bands between the ends of the 95 % intervals; probabilities from 0 to 1.

    Raises
    ------
    ConfigError : an axis is missing or not fixed, or a quantity is unknown.
    """
    rows = _rows(diagrams, options)
    columns = max(len(r.panels) for r in rows)
    figure = style.new_figure(0.95 + len(rows) * (2.0 if len(rows) < 3 else 1.6))
    grid = figure.subplots(len(rows), columns, sharex=True, sharey=True, squeeze=False)
    for panels, row in zip(grid, rows, strict=True):
        for panel in panels[len(row.panels) :]:
            panel.set_visible(False)
        for panel, part in zip(panels, row.panels, strict=False):
            _draw_panel(panel, part, row, options)
            if _compares(row, options):
                _draw_formula(panel, part, options)
    _label(figure, grid, rows, options)
    return figure


def _draw_panel(panel: Axes, part: xr.Dataset, row: _Row, options: CurveOptions) -> None:
    x = part[options.x].values
    shown = data.probability(part, row.name)
    for i, (color, marker) in enumerate(_looks(part, options.lines)):
        at = {options.lines: i} if options.lines else {}
        low, high = (v.isel(at).values for v in (shown.low, shown.high))
        panel.fill_between(positions(x), low, high, color=color, alpha=0.22, linewidth=0)
        value, every = shown.value.isel(at).values, max(1, len(x) // 12)
        # beside a formula, whose line is the solid one
        line = {"linestyle": ":", "linewidth": 0.7} if _compares(row, options) else {"markevery": every}
        panel.plot(positions(x), value, color=color, marker=marker, markersize=2.6, **line)
    panel.set_xscale("log" if is_log(x) else "linear")
    ticks(panel.xaxis, x)
    panel.set_xlim(positions(x).min(), positions(x).max())
    panel.set_ylim(-0.02, 1.02)
    panel.grid(axis="y", color="0.9", linewidth=0.6)
    panel.set_axisbelow(True)
    draw_marks(panel, row.marks, vertical=True, color=style.GREY)


def _compares(row: _Row, options: CurveOptions) -> bool:
    return formula.holds(_predicted(row, options))


def _predicted(row: _Row, options: CurveOptions) -> list[tuple[xr.DataArray, xr.Dataset]]:
    parts = row.panels if options.formula and row.name == "collapsed" else []
    return [(formula.predicted(part, _axes(options)), part) for part in parts]


def _axes(options: CurveOptions) -> list[str]:
    return [axis for axis in (options.lines, options.x) if axis]


def _draw_formula(panel: Axes, part: xr.Dataset, options: CurveOptions) -> None:
    values = np.atleast_2d(formula.predicted(part, _axes(options)).values)
    for line, (color, _) in zip(values, _looks(part, options.lines), strict=True):
        panel.plot(positions(part[options.x].values), line, color=color, linewidth=1.1)


def _looks(part: xr.Dataset, lines: str | None) -> list[tuple[str, str]]:
    count = 1 if lines is None else part.sizes[lines]
    return [(c, style.MARKERS[i % len(style.MARKERS)]) for i, c in enumerate(style.colors(count))]


def _label(figure: Figure, grid: np.ndarray, rows: list[_Row], options: CurveOptions) -> None:
    several = len({r.whole.attrs["study"] for r in rows}) > 1
    for panels, row in zip(grid, rows, strict=True):
        panels[0].set_ylabel(f"probability ({row.name})")
        if several:
            style.row_title(panels[len(row.panels) - 1], captions.weights(row.whole))
    for panel in grid[-1]:
        panel.set_xlabel(axis_label(options.x, rows[0].whole))
    for panel, part in zip(grid[0], rows[0].panels, strict=False):
        if options.panels:
            panel.set_title(equation(options.panels, part[options.panels].values.item(), rows[0].whole))
    _legend(figure, rows, options)
    style.footer(figure, captions.foot((r.whole, r.drawn) for r in rows))


def _legend(figure: Figure, rows: list[_Row], options: CurveOptions) -> None:
    part, handles = rows[0].drawn, []
    if options.lines:
        handles = [
            Line2D([], [], color=c, marker=m, markersize=3.5, label=equation(options.lines, v.item(), rows[0].whole))
            for v, (c, m) in zip(part[options.lines].values, _looks(part, options.lines), strict=True)
        ]
    if any(_compares(row, options) for row in rows):
        handles = [*handles, Line2D([], [], color="black", linewidth=1.1, label="formula")]
    found = {m.label: m for r in rows for m in r.marks}
    handles += [Line2D([], [], color=style.GREY, linewidth=1, linestyle=m.line, label=m.label) for m in found.values()]
    style.legend(figure, handles)


def caption(diagrams: Mapping[str, xr.Dataset], options: CurveOptions) -> str:
    """The caption of that figure: what is drawn and every parameter, plain text."""
    rows = _rows(diagrams, options)
    shown = ", ".join(captions.name(n) for n in dict.fromkeys(r.name for r in rows))
    found = dict.fromkeys(m.text for r in rows for m in r.marks)
    return captions.join(
        f"Probability of {shown} against {plain(options.x)}",
        f", one line per {plain(options.lines)}" if options.lines else "",
        f", one column per {plain(options.panels)}" if options.panels else "",
        ". Bands: 95 % intervals. ",
        "Every t_end looks at the same trajectories. " if options.x == "t_end" else "",
        f"Vertical lines: {'; '.join(found)}. " if found else "",
        _formula_text([pair for row in rows for pair in _predicted(row, options)]),
        captions.definitions(r.whole for r in rows),
        *dict.fromkeys(captions.study_text(r.drawn, r.whole) for r in rows),
        captions.intervals([data.probability(p, r.name) for r in rows for p in r.panels]),
    )


def _formula_text(pairs: list[tuple[xr.DataArray, xr.Dataset]]) -> str:
    looks = "Markers and dotted lines: measured; solid lines: the formula. " if formula.holds(pairs) else ""
    return looks + formula.error_text(pairs) if pairs else ""
