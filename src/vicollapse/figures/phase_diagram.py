"""Phase diagrams: probability of collapse and of each mechanism over two axes, one panel per value of a third."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure

from vicollapse.errors import ConfigError
from vicollapse.figures import captions, data, formula, slices, style
from vicollapse.figures.contours import window
from vicollapse.figures.maps import draw_formula, draw_map, legend, temperature_axis
from vicollapse.figures.marks import Mark, marks
from vicollapse.figures.notation import axis_label, equation, plain
from vicollapse.figures.options import PhaseDiagramOptions
from vicollapse.figures.ramps import BETA0, without

_MOST_COLUMNS = 4


@dataclass(frozen=True)
class _Row:
    name: str  # of the quantity
    title: str
    panels: list[xr.Dataset]


@dataclass(frozen=True)
class _Content:
    whole: xr.Dataset  # of the study
    drawn: xr.Dataset  # the slice that the figure shows
    rows: list[_Row]
    contours: list[float]
    marks: list[Mark]

    @property
    def cells(self) -> Iterator[tuple[str, xr.Dataset]]:
        return ((row.name, part) for row in self.rows for part in row.panels)


def _content(diagrams: Mapping[str, xr.Dataset], options: PhaseDiagramOptions) -> _Content:
    whole, shown = data.only(diagrams), [options.x, options.y, options.panels, options.rows]
    slices.require_axis(diagrams, *shown)
    slices.known_selection(diagrams, options.select)
    drawn = slices.fix(whole, shown, options.select)
    drawn = slices.restrict(drawn, options.panels, options.panel_values)
    drawn = slices.restrict(drawn, options.rows, options.row_values)
    lines = _marks(whole) if options.theory and "separation" in (options.x, options.y) else []
    return _Content(whole, drawn, _rows(drawn, whole, options), sorted(options.contours), lines)


def _marks(whole: xr.Dataset) -> list[Mark]:
    """The marks within the range of the axis."""
    low, high = whole["separation"].values.min(), whole["separation"].values.max()
    return [mark for mark in marks(whole) if low <= mark.separation <= high]


def _rows(drawn: xr.Dataset, whole: xr.Dataset, options: PhaseDiagramOptions) -> list[_Row]:
    if options.rows is None:
        names, panels = data.quantities({"": whole}, options.quantities), slices.split(drawn, options.panels)
        return [_Row(name, name if len(names) > 1 else "", panels) for name in names]
    names = list(options.quantities or ("collapsed",))
    if len(names) > 1:
        raise ConfigError(f"rows are those of axis '{options.rows}', so `quantities` can have one name alone")
    parts = slices.split(drawn, options.rows)
    titles = [equation(options.rows, part[options.rows].values.item(), whole) for part in parts]
    return [_Row(names[0], t, slices.split(p, options.panels)) for t, p in zip(titles, parts, strict=True)]


@style.styled
def draw(diagrams: Mapping[str, xr.Dataset], options: PhaseDiagramOptions) -> Figure:
    """Maps of the probability of collapse, and of each mechanism if several occur.

    Parameters
    ----------
    diagrams : study name -> phase diagram; exactly one.
    options : axes, panels, rows (quantities, or values of an axis), contours.

    Returns
    -------
    Figure : probabilities on one colour scale from 0 to 1; one row per quantity or value and one column per panel, or a
        block of panels where there is one row.

    Raises
    ------
    ConfigError : an axis is missing or not fixed, or a quantity is unknown.
    """
    content = _content(diagrams, options)
    rows, columns = _shape(len(content.rows), len(content.rows[0].panels))
    figure = style.new_figure(1.05 + rows * min(2.4, max(1.35, 5.5 / columns)))
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    cells = list(content.cells)
    for panel in grid.flat[len(cells) :]:
        panel.set_visible(False)
    for panel, (name, part) in zip(grid.flat, cells, strict=False):
        values = data.probability(part, name).value
        mesh = draw_map(panel, values, part["replicates"], options.x, options.y, content.contours, content.marks)
        if options.formula and name == "collapsed":
            draw_formula(panel, formula.predicted(part, (options.y, options.x)), content.contours)
    _label(figure, grid, content, options)
    _colour_bar(figure, mesh, grid, list(dict.fromkeys(row.name for row in content.rows)))
    return figure


def _shape(rows: int, panels: int) -> tuple[int, int]:
    if rows > 1:
        return rows, panels
    columns = panels if panels <= _MOST_COLUMNS else -(-panels // -(-panels // _MOST_COLUMNS))
    return -(-panels // columns), columns


def _label(figure: Figure, grid: np.ndarray, content: _Content, options: PhaseDiagramOptions) -> None:
    for i, (panel, (name, part)) in enumerate(zip(grid.flat, content.cells, strict=False)):
        first = len(content.rows) == 1 or i < grid.shape[1]
        _title(panel, name, part, content.whole, options.panels if first else None)
    for panel in grid[:, 0]:
        panel.set_ylabel(axis_label(options.y, content.whole))
    for panel in grid[-1]:
        panel.set_xlabel(axis_label(options.x, content.whole))
    if len(content.rows) > 1:
        for panel, row in zip(grid[:, -1], content.rows, strict=True):
            style.row_title(panel, row.title, outside=options.y == BETA0)
    if options.y == BETA0:
        temperature_axis(grid[:, -1])
    legend(figure, content.contours, content.marks, formula=formula.holds(_predicted(content, options)))
    style.footer(figure, captions.foot([(content.whole, content.drawn)]))


def _title(panel: Axes, name: str, part: xr.Dataset, whole: xr.Dataset, axis: str | None) -> None:
    lines = [equation(axis, part[axis].values.item(), whole)] if axis else []
    if name == "collapsed" and np.isfinite(value := without([part])):
        lines.append(f"without annealing: {value:.2f}")
    panel.set_title("\n".join(lines), fontsize=None if len(lines) < 2 and axis else 9)


def _colour_bar(figure: Figure, mesh: QuadMesh, grid: np.ndarray, names: list[str]) -> None:
    bar = figure.colorbar(mesh, ax=grid, fraction=0.05, pad=0.012, aspect=18 * len(grid), ticks=np.linspace(0, 1, 6))
    bar.set_label("probability" if len(names) > 1 else f"probability ({names[0]})")


def caption(diagrams: Mapping[str, xr.Dataset], options: PhaseDiagramOptions) -> str:
    """The caption of that figure: what is drawn and every parameter, plain text."""
    content = _content(diagrams, options)
    unit = "column" if len(content.rows) > 1 else "panel"
    shown = ", ".join(captions.name(n) for n in dict.fromkeys(row.name for row in content.rows))
    return captions.join(
        f"Probability of {shown} over {plain(options.x)} and {plain(options.y)}",
        f", one {unit} per {plain(options.panels)}" if options.panels else "",
        f", one row per {plain(options.rows)}. " if options.rows else ". ",
        captions.contours(content.contours, _cells(content, options)),
        f"Lines: {'; '.join(m.text for m in content.marks)}. " if content.marks else "",
        _without_text(content),
        _formula_text(_predicted(content, options)),
        captions.definitions([content.whole]),
        captions.study_text(content.drawn, content.whole),
        captions.intervals([data.probability(part, name) for name, part in content.cells]),
    )


def _without_text(content: _Content) -> str:
    known = any(name == "collapsed" and np.isfinite(without([part])) for name, part in content.cells)
    return "Above a panel: the probability without annealing, over its points of β₀ = 1. " if known else ""


def _predicted(content: _Content, options: PhaseDiagramOptions) -> list[tuple[xr.DataArray, xr.Dataset]]:
    parts = [part for name, part in content.cells if name == "collapsed"] if options.formula else []
    return [(formula.predicted(part, (options.y, options.x)), part) for part in parts]


def _formula_text(pairs: list[tuple[xr.DataArray, xr.Dataset]]) -> str:
    green = "Green: the contours of the formula. " if formula.holds(pairs) else ""
    return green + formula.error_text(pairs) if pairs else ""


def _cells(content: _Content, options: PhaseDiagramOptions) -> int:
    return window(content.rows[0].panels[0]["replicates"].transpose(options.y, options.x).values)
