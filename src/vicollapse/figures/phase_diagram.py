"""Phase diagrams: probability of collapse and of each mechanism over two axes, one panel per value of a third."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure

from vicollapse.figures import captions, data, slices, style
from vicollapse.figures.contours import window
from vicollapse.figures.maps import draw_map, legend
from vicollapse.figures.marks import Mark, marks
from vicollapse.figures.notation import axis_label, equation, plain
from vicollapse.figures.options import PhaseDiagramOptions

_MOST_COLUMNS = 4


@dataclass(frozen=True)
class _Content:
    whole: xr.Dataset  # of the study
    drawn: xr.Dataset  # the slice that the figure shows
    panels: list[xr.Dataset]
    names: list[str]
    contours: list[float]
    marks: list[Mark]


def _content(diagrams: Mapping[str, xr.Dataset], options: PhaseDiagramOptions) -> _Content:
    whole = data.only(diagrams)
    slices.require_axis(diagrams, options.x, options.y, options.panels)
    slices.known_selection(diagrams, options.select)
    drawn = slices.fix(whole, [options.x, options.y, options.panels], options.select)
    drawn = slices.restrict(drawn, options.panels, options.panel_values)
    lines = marks(whole) if options.theory and "separation" in (options.x, options.y) else []
    names = data.quantities(diagrams, options.quantities)
    return _Content(whole, drawn, slices.split(drawn, options.panels), names, sorted(options.contours), lines)


@style.styled
def draw(diagrams: Mapping[str, xr.Dataset], options: PhaseDiagramOptions) -> Figure:
    """Maps of the probability of collapse, and of each mechanism if several occur.

    Parameters
    ----------
    diagrams : study name -> phase diagram; exactly one.
    options : axes, panels, quantities (rows), contours.

    Returns
    -------
    Figure : probabilities on one colour scale from 0 to 1; one row per quantity and one column per panel, or a block
        of panels where there is one quantity.

    Raises
    ------
    ConfigError : an axis is missing or not fixed, or a quantity is unknown.
    """
    content = _content(diagrams, options)
    rows, columns = _shape(len(content.names), len(content.panels))
    figure = style.new_figure(1.05 + rows * min(2.4, max(1.35, 5.5 / columns)))
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    cells = [(name, part) for name in content.names for part in content.panels]
    for panel in grid.flat[len(cells) :]:
        panel.set_visible(False)
    for panel, (name, part) in zip(grid.flat, cells, strict=False):
        values = data.probability(part, name).value
        mesh = draw_map(panel, values, part["replicates"], options.x, options.y, content.contours, content.marks)
    _label(figure, grid, content, options)
    _colour_bar(figure, mesh, grid, content.names)
    return figure


def _shape(names: int, panels: int) -> tuple[int, int]:
    if names > 1:
        return names, panels
    columns = panels if panels <= _MOST_COLUMNS else -(-panels // -(-panels // _MOST_COLUMNS))
    return -(-panels // columns), columns


def _label(figure: Figure, grid: np.ndarray, content: _Content, options: PhaseDiagramOptions) -> None:
    for i, part in enumerate(content.panels):
        if options.panels and (len(content.names) == 1 or i < grid.shape[1]):
            grid.flat[i].set_title(equation(options.panels, part[options.panels].values.item(), content.whole))
    for panel in grid[:, 0]:
        panel.set_ylabel(axis_label(options.y, content.whole))
    for panel in grid[-1]:
        panel.set_xlabel(axis_label(options.x, content.whole))
    if len(content.names) > 1:
        for panel, name in zip(grid[:, -1], content.names, strict=True):
            style.row_title(panel, name)
    legend(figure, content.contours, content.marks)
    style.footer(figure, captions.foot([(content.whole, content.drawn)]))


def _colour_bar(figure: Figure, mesh: QuadMesh, grid: np.ndarray, names: list[str]) -> None:
    bar = figure.colorbar(mesh, ax=grid, fraction=0.05, pad=0.012, aspect=18 * len(grid), ticks=np.linspace(0, 1, 6))
    bar.set_label("probability" if len(names) > 1 else f"probability ({names[0]})")


def caption(diagrams: Mapping[str, xr.Dataset], options: PhaseDiagramOptions) -> str:
    """The caption of that figure: what is drawn and every parameter, plain text."""
    content = _content(diagrams, options)
    unit = "column" if len(content.names) > 1 else "panel"
    shown = ", ".join(captions.name(n) for n in content.names)
    return captions.join(
        f"Probability of {shown} over {plain(options.x)} and {plain(options.y)}",
        f", one {unit} per {plain(options.panels)}. " if options.panels else ". ",
        captions.contours(content.contours, _cells(content, options)),
        f"Lines: {'; '.join(m.text for m in content.marks)}. " if content.marks else "",
        captions.definitions([content.whole]),
        captions.study_text(content.drawn, content.whole),
        captions.intervals([data.probability(p, n) for p in content.panels for n in content.names]),
    )


def _cells(content: _Content, options: PhaseDiagramOptions) -> int:
    return window(content.panels[0]["replicates"].transpose(options.y, options.x).values)
