"""Curves: values, bands, lines and marks."""

import numpy as np
import pytest

from vicollapse.errors import ConfigError
from vicollapse.figures import registry


def draw(kind, diagrams, **options):
    return registry.get(kind).draw(diagrams, registry.parse_options(kind, options))


def caption(kind, diagrams, **options):
    return registry.get(kind).caption(diagrams, registry.parse_options(kind, options))


def test_one_line_per_dimension_with_its_band(softmax):
    figure = draw("collapse_curve", {"vanishing_weight": softmax}, select={"init_scale": 0.1})
    (panel,) = figure.axes
    at = int(np.abs(np.log(softmax["init_scale"].values / 0.1)).argmin())
    part = softmax.isel(init_scale=at)
    lines = [line for line in panel.lines if len(line.get_xdata()) > 2]
    assert len(lines) == len(panel.collections) == 4
    for i, (line, band) in enumerate(zip(lines, panel.collections, strict=True)):
        np.testing.assert_array_equal(line.get_ydata(), part["collapsed"].isel(dimension=i))
        corners = band.get_paths()[0].vertices
        for end in ("low", "high"):
            for x, y in zip(part["separation"].values, part[f"collapsed_{end}"].isel(dimension=i).values, strict=True):
                assert np.hypot(*(corners - [x, y]).T).min() < 1e-9
    labels = [t.get_text() for t in figure.legends[0].get_texts()]
    assert labels[:4] == ["$d = 2$", "$d = 10$", "$d = 100$", "$d = 10^{4}$"]
    assert panel.get_ylim() == (-0.02, 1.02)
    assert len({line.get_color() for line in lines}) == 4


def test_studies_are_rows_and_values_columns(fixed, softmax):
    diagrams = {"mean_alignment": fixed, "vanishing_weight": softmax}
    figure = draw("collapse_curve", diagrams, panels="init_scale", panel_values=[0.1, 1], line_values=[2, 100])
    assert len(figure.axes) == 4
    assert [p.texts[0].get_text() for p in figure.axes if p.texts] == ["fixed weights", "softmax weights"]
    assert [len(p.collections) for p in figure.axes] == [2, 2, 2, 2]
    text = caption("collapse_curve", diagrams, panels="init_scale", panel_values=[0.1, 1], line_values=[2, 100])
    for part in ("Study mean_alignment", "Study vanishing_weight", "weights fixed", "weights softmax", "d = 2, 100;"):
        assert part in text


def test_mechanisms_can_be_rows(softmax):
    options = {"select": {"init_scale": 0.1}, "quantities": ["aligned", "vanished"]}
    figure = draw("collapse_curve", {"vanishing_weight": softmax}, **options)
    assert [p.get_ylabel() for p in figure.axes] == ["probability (aligned)", "probability (vanished)"]


def test_the_tail_is_against_the_logarithm_of_the_time(tail):
    options = {"panels": "init_scale"}
    figure = draw("tail", {"metastable_tail": tail}, **options)
    assert len(figure.axes) == 3 * 2
    assert {p.get_xscale() for p in figure.axes} == {"log"}
    assert figure.axes[-1].get_xlabel() == r"time of observation $t_\mathrm{end}$"
    np.testing.assert_array_equal(figure.axes[0].lines[0].get_xdata(), tail["t_end"])
    text = caption("tail", {"metastable_tail": tail}, **options)
    for part in ("t_end = 10 to 1e+08 (15 values, log-spaced)", "4096 replicates", "separation 6", "95 % intervals"):
        assert part in text


def test_more_lines_than_the_palette_get_a_sequence(make_grid):
    axes = {"dimension": np.arange(1, 11), "separation": np.linspace(1, 10, 5)}
    (panel,) = draw("collapse_curve", {"toy_study": make_grid(axes=axes)}).axes
    assert len({line.get_color() for line in panel.lines if len(line.get_xdata()) > 2}) == 10


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "another axis 'init_scale'"),
        ({"select": {"init_scale": 50}}, "init_scale = 50 lies outside the grid"),
        ({"lines": "weights"}, "study 'vanishing_weight' has no axis 'weights'"),
    ],
)
def test_what_the_study_cannot_show_is_refused(softmax, options, message):
    with pytest.raises(ConfigError, match=message):
        draw("collapse_curve", {"vanishing_weight": softmax}, **options)
