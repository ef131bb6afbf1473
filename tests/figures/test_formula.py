"""The formula beside the measured probability: where it is asked, where it is drawn, how its error is stated."""

import numpy as np
import pytest
import xarray as xr
from matplotlib.colors import to_hex
from matplotlib.contour import QuadContourSet

from vicollapse.errors import ConfigError
from vicollapse.figures import formula, registry, style
from vicollapse.mixture import annealing_theory

AXES = ("annealing.beta0", "annealing.duration")


@pytest.fixture(autouse=True)
def known(monkeypatch):
    """A formula that is known: 0.8 beta0^0.3 + 0.02 with fixed weights; what it was asked for."""
    asked = []

    def probability(**problem):
        asked.append(problem)
        beta0 = (problem["annealing"] or {"beta0": 1.0})["beta0"]
        return 0.8 * beta0**0.3 + 0.02 if problem["weights"] == "fixed" else np.nan

    monkeypatch.setattr(annealing_theory, "annealed_collapse_probability", probability)
    formula._value.cache_clear()
    yield asked
    formula._value.cache_clear()


def drawn(kind, diagram, **options):
    chosen = registry.parse_options(kind, {"formula": True, **options})
    given, known_kind = {diagram.attrs["study"]: diagram}, registry.get(kind)
    return known_kind.draw(given, chosen), known_kind.caption(given, chosen)


def test_every_point_is_asked_with_its_own_parameters(make_annealed, known):
    ramp = make_annealed(weights="fixed", dimension=7, separation=5.0, init_scale=0.2, t_end=300.0, mass_threshold=0.25)
    found = formula.predicted(ramp, AXES)
    np.testing.assert_allclose(found, (0.8 * ramp["annealing.beta0"] ** 0.3 + 0.02).broadcast_like(found))
    assert len(known) == 9 * 7
    assert known[0] == {
        "dimension": 7, "separation": 5.0, "init_scale": 0.2, "weights": "fixed", "t_end": 300.0,
        "mass_threshold": 0.25, "annealing": {"schedule": "linear", "beta0": pytest.approx(0.01), "duration": 1.0},
    }  # fmt: skip
    formula.predicted(ramp, AXES)
    assert len(known) == 9 * 7, "the caption asks for the same values as the figure"


def test_without_annealing_it_is_asked_for_none(fixed, known):
    formula.predicted(fixed.isel(dimension=0, init_scale=3), ["separation"])
    assert known[0]["annealing"] is None
    assert [k["separation"] for k in known] == fixed["separation"].values.tolist()


def test_the_error_is_stated(make_annealed):
    ramp = make_annealed(weights="fixed")
    text = formula.error_text([(formula.predicted(ramp, AXES), ramp)])
    assert "over 63 of 63 points: root mean square 0.02 " in text
    assert "mean +0.02, largest 0.02" in text
    p = formula.predicted(ramp, AXES).values  # its own, which is not 0 or 1 by chance
    assert f"(sampling alone explains {np.sqrt(np.mean(p * (1 - p) / 1000)):.2g})" in text


def test_points_where_no_formula_holds_do_not_count(make_annealed):
    ramp = make_annealed()
    assert formula.error_text([(formula.predicted(ramp, AXES), ramp)]) == "The formula holds at none of these points. "
    one = xr.DataArray(np.full((9, 7), np.nan), ramp["collapsed"].coords)
    one[3, 4] = ramp["collapsed"][3, 4] + 0.3
    assert "over 1 of 63 points: root mean square 0.3" in formula.error_text([(one, ramp)])


def test_its_contours_lie_where_it_says(make_annealed):
    ramp = make_annealed(weights="fixed", axes={"annealing.beta0": np.geomspace(0.01, 1, 41)})
    options = {"x": "annealing.duration", "y": "annealing.beta0", "panels": None, "contours": [0.5]}
    figure, caption = drawn("phase_diagram", ramp, **options)
    green = [
        c for c in figure.axes[0].collections
        if isinstance(c, QuadContourSet) and to_hex(c.get_edgecolor()[0]).upper() == style.GREEN
    ]  # fmt: skip
    assert len(green) == 1
    points = np.concatenate([path.vertices for path in green[0].get_paths()])
    np.testing.assert_allclose(points[:, 1], ((0.5 - 0.02) / 0.8) ** (1 / 0.3), rtol=5e-3)
    assert [t.get_text() for t in figure.legends[0].get_texts()] == ["50%", "50%, formula"]
    assert "Green: the contours of the formula." in caption
    assert "root mean square 0.02" in caption


def test_lines_of_the_formula_run_through_markers_of_the_measurement(make_annealed):
    ramp = make_annealed(weights="fixed")
    options = {"x": "annealing.duration", "lines": "annealing.beta0", "line_values": [0.01, 1]}
    figure, caption = drawn("collapse_curve", ramp, **options)
    markers = [line for line in figure.axes[0].lines if line.get_linestyle() == ":"]
    lines = [line for line in figure.axes[0].lines if line.get_linestyle() == "-"]
    assert len(markers) == len(lines) == 2
    for marker, line, beta0 in zip(markers, lines, (0.01, 1), strict=True):
        assert marker.get_color() == line.get_color()
        np.testing.assert_allclose(line.get_ydata(), 0.8 * beta0**0.3 + 0.02)
        np.testing.assert_allclose(marker.get_ydata(), 0.8 * beta0**0.3, atol=1e-3)
    assert "Markers and dotted lines: measured; solid lines: the formula." in caption
    assert "over 14 of 14 points" in caption


def test_one_line_needs_no_axis_of_lines(make_annealed):
    ramp = make_annealed(weights="fixed", axes={"annealing.beta0": np.array([0.1])})
    figure, _ = drawn("collapse_curve", ramp, x="annealing.duration", lines=None)
    assert len(figure.axes[0].lines) == 2


@pytest.mark.parametrize("other", [{"initial_law": "at_modes"}, {"imbalance": 0.3}, {"initial_log_odds": 1.0}])
def test_other_problems_are_refused(make_annealed, other):
    ramp = make_annealed(weights="fixed", **other)
    with pytest.raises(ConfigError, match=r"the formula holds for gradient flows with initial_law isotropic, .* alone"):
        drawn("collapse_curve", ramp, x="annealing.duration", lines="annealing.beta0")


def test_a_table_of_times_and_betas_is_a_schedule_too(make_grid, known):
    table = {"schedule": "table", "beta0": 0.5, "times": [0.0, 10.0], "betas": [0.5, 1.0]}
    formula.predicted(make_grid(axes={"separation": np.array([4.0])}, annealing=table), ["separation"])
    assert (known[0]["annealing"]["times"], known[0]["annealing"]["betas"]) == ((0, 10), (0.5, 1))


def test_other_quantities_leave_the_formula_out(make_annealed):
    ramp = make_annealed(weights="fixed")
    options = {"x": "annealing.duration", "y": "annealing.beta0", "panels": None, "contours": [0.5]}
    figure, caption = drawn("phase_diagram", ramp, quantities=["aligned"], **options)
    assert [t.get_text() for t in figure.legends[0].get_texts()] == ["50%"]
    assert "formula" not in caption


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("kind", "others"),
    [("phase_diagram", {"y": "annealing.beta0", "panels": None}), ("collapse_curve", {"lines": "annealing.beta0"})],
)
def test_where_it_holds_nowhere_nothing_mentions_it_but_the_caption(make_annealed, kind, others):
    figure, caption = drawn(kind, make_annealed(weights="softmax"), x="annealing.duration", **others)
    assert not [t for t in figure.legends[0].get_texts() if "formula" in t.get_text()]
    assert "The formula holds at none of these points." in caption
    assert "ormula" not in caption.replace("The formula holds at none of these points.", "")
    if kind == "collapse_curve":
        assert {line.get_linestyle() for line in figure.axes[0].lines} == {"-"}, "the measured lines stay"


def test_one_point_is_compared_with_what_sampling_gives_at_the_probability_of_the_formula(make_annealed):
    ramp = make_annealed(probabilities=lambda **at: (0 * at["annealing.beta0"], 0 * at["annealing.beta0"]))
    one = xr.DataArray(np.full((9, 7), np.nan), ramp["collapsed"].coords)
    one[3, 4] = 0.1
    assert f"sampling alone explains {np.sqrt(0.1 * 0.9 / 1000):.2g}" in formula.error_text([(one, ramp)])
    none = ramp.assign(collapsed=ramp["collapsed"] * np.nan)
    assert "No point that the formula holds at has runs" in formula.error_text([(one, none)])
