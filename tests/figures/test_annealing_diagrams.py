"""Phase diagrams and shares of fates over parameters of the annealing."""

import numpy as np
import pytest
from matplotlib.collections import QuadMesh

from vicollapse.errors import ConfigError
from vicollapse.figures import registry, style
from vicollapse.intervals import wilson

OVER = {"x": "annealing.duration", "y": "annealing.beta0"}


def draw(kind, diagram, **options):
    return registry.get(kind).draw({diagram.attrs["study"]: diagram}, registry.parse_options(kind, options))


def caption(kind, diagram, **options):
    return registry.get(kind).caption({diagram.attrs["study"]: diagram}, registry.parse_options(kind, options))


def panels(figure):
    return [a for a in figure.axes if a.get_label() != "<colorbar>" and a.get_visible()]


@pytest.fixture
def grid(make_annealed):
    return make_annealed(axes={"separation": np.array([4.0, 6.0]), "init_scale": np.array([0.1, 0.3, 1.0])})


def test_rows_may_be_values_of_an_axis(grid):
    shown = panels(draw("phase_diagram", grid, panels="separation", rows="init_scale", row_values=[0.1, 1], **OVER))
    assert len(shown) == 2 * 2
    assert [p.texts[0].get_text() for p in shown[1::2]] == [r"$\sigma_0 = 0.1$", r"$\sigma_0 = 1$"]
    assert [p.get_title().split("\n")[0] for p in shown[:2]] == [r"$|\mu| = 4$", r"$|\mu| = 6$"]
    mesh = next(c for c in shown[3].collections if isinstance(c, QuadMesh))
    wanted = grid["collapsed"].sel(separation=6, init_scale=1)
    np.testing.assert_array_equal(mesh.get_array().reshape(9, 7), wanted.values)
    text = caption("phase_diagram", grid, panels="separation", rows="init_scale", row_values=[0.1, 1], **OVER)
    assert "one column per separation |μ|, one row per init scale σ₀." in text
    assert "init scale σ₀ = 0.1, 1;" in text


def test_rows_of_an_axis_leave_no_room_for_several_quantities(grid):
    options = {"panels": "separation", "rows": "init_scale", **OVER}
    assert len(panels(draw("phase_diagram", grid, quantities=["vanished"], **options))) == 6
    with pytest.raises(ConfigError, match="`quantities` can have one name alone"):
        draw("phase_diagram", grid, quantities=["aligned", "vanished"], **options)


def test_the_probability_without_annealing_stands_above_every_panel(grid, make_annealed):
    shown = panels(draw("phase_diagram", grid, panels="separation", rows="init_scale", **OVER))
    assert [p.get_title().split("\n")[-1] for p in shown] == ["without annealing: 0.80"] * 6
    part = make_annealed(axes={"annealing.beta0": np.geomspace(0.01, 0.5, 9)})
    assert panels(draw("phase_diagram", part, panels=None, **OVER))[0].get_title() == ""
    assert "β₀ = 1" in caption("phase_diagram", grid, panels="separation", rows="init_scale", **OVER)
    assert "β₀ = 1" not in caption("phase_diagram", part, panels=None, **OVER)


def test_the_initial_temperature_is_read_off_at_the_right(ramp):
    (panel,) = panels(draw("phase_diagram", ramp, panels=None, quantities=["collapsed"], **OVER))
    (axis,) = panel.child_axes
    panel.figure.draw_without_rendering()
    assert axis.get_ylabel() == r"initial temperature $1/\beta_0$"
    np.testing.assert_allclose(sorted(axis.get_ylim()), sorted(1 / np.array(panel.get_ylim())))


def tops(panel, n):
    """Upper edge of every area, from the bottom up."""
    return [
        area.get_paths()[0].vertices[n + 2 : 2 * n + 2, 1][::-1] for area in panel.collections if "Fill" in str(area)
    ]


def test_areas_are_cumulative_shares_from_the_bottom_up(ramp):
    figure = draw("fate_shares", ramp, panel_values=[0.01, 1])
    assert [p.get_title() for p in figure.axes] == [r"$\beta_0 = 0.01$", r"$\beta_0 = 1$ (without annealing)"]
    for panel, beta0 in zip(figure.axes, (0, -1), strict=True):
        part = ramp.isel({"annealing.beta0": beta0})
        wanted = np.cumsum([part["probability"].sel(outcome=o) for o in ("covered", "aligned", "vanished")], axis=0)
        np.testing.assert_allclose(tops(panel, 7), wanted, atol=1e-12)
        assert panel.get_ylim() == (0, 1)
        assert panel.get_xscale() == "log"
    assert [t.get_text() for t in figure.legends[0].get_texts()] == ["covered", "aligned", "vanished"]
    colors = [style.FATES[o].lower() for o in ("covered", "aligned", "vanished")]
    assert [style.to_hex(h.get_facecolor()) for h in figure.legends[0].get_patches()] == colors


def test_whiskers_are_the_intervals_of_the_boundaries(ramp):
    panel = draw("fate_shares", ramp, panel_values=[0.01]).axes[0]
    part = ramp.isel({"annealing.beta0": 0})
    whiskers = [c for c in panel.collections if "LineCollection" in str(c)]
    assert len(whiskers) == 2  # none at the top, which is 1
    counts = np.cumsum([part["count"].sel(outcome=o) for o in ("covered", "aligned")], axis=0)
    for bars, count in zip(whiskers, counts, strict=True):
        low, high = wilson(count, 1000)
        ends = np.array([[s[0, 1], s[1, 1]] for s in bars.get_segments()])
        np.testing.assert_allclose(ends, np.column_stack([low, high]))


def test_shares_take_any_axes_as_rows_and_columns(grid):
    figure = draw("fate_shares", grid, panels="annealing.duration", panel_values=[1, 1000], x="annealing.beta0",
                  rows="init_scale", select={"separation": 4})  # fmt: skip
    assert len(figure.axes) == 2 * 3
    assert [p.texts[0].get_text() for p in figure.axes[1::2]] == [rf"$\sigma_0 = {s}$" for s in ("0.1", "0.3", "1")]
    assert figure.axes[-1].get_xlabel() == r"initial inverse temperature $\beta_0$"


def test_the_caption_of_shares_states_order_and_intervals(ramp):
    text = caption("fate_shares", ramp)
    for part in (
        "from the bottom up covered, aligned, vanished;", "At β₀ = 1 there is no annealing.", "one column per initial",
        "the widest of this figure is ±0.031", "Study ramp", "annealing.schedule linear", "1000 replicates", "seed 1",
    ):  # fmt: skip
        assert part in text


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("phase_diagram", {**OVER, "panels": "separation", "rows": "separation"}),
        ("phase_diagram", {**OVER, "panels": "init_scale", "rows": "annealing.beta0"}),
        ("fate_shares", {"rows": "annealing.beta0"}),
        ("fate_shares", {"x": "annealing.beta0"}),
        ("collapse_curve", {"x": "separation", "lines": "init_scale", "panels": "separation"}),
    ],
)
def test_an_axis_is_drawn_once(grid, kind, options):
    with pytest.raises(ConfigError, match=r"axis '(separation|annealing.beta0)' is drawn twice"):
        draw(kind, grid, **options)
