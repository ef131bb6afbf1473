"""Phase-diagram figures: panels, colours, contours and marks are where the numbers say."""

import numpy as np
import pytest
from matplotlib.collections import QuadMesh
from matplotlib.contour import QuadContourSet

from vicollapse.errors import ConfigError
from vicollapse.figures import registry
from vicollapse.mixture.theory import critical_separation

KIND = registry.get("phase_diagram")


def draw(diagram, **options):
    return KIND.draw({diagram.attrs["study"]: diagram}, registry.parse_options("phase_diagram", options))


def caption(diagram, **options):
    return KIND.caption({diagram.attrs["study"]: diagram}, registry.parse_options("phase_diagram", options))


def panels(figure):
    return [a for a in figure.axes if a.get_label() != "<colorbar>" and a.get_visible()]


def vertical_lines(panel):
    return sorted(line.get_xdata()[0] for line in panel.lines if line.get_xdata()[0] == line.get_xdata()[1])


def test_rows_are_mechanisms_and_columns_dimensions(softmax):
    figure = draw(softmax)
    shown = panels(figure)
    assert len(shown) == 3 * 4
    assert [p.get_title() for p in shown[:4]] == ["$d = 2$", "$d = 10$", "$d = 100$", "$d = 10^{4}$"]
    assert [p.texts[0].get_text() for p in shown[3::4]] == ["collapsed", "aligned", "vanished"]
    assert shown[8].get_xlabel() == r"separation $|\mu|$"
    assert shown[0].get_ylabel() == r"init scale $\sigma_0$"
    assert {p.get_yscale() for p in shown} == {"log"}
    assert {p.get_xscale() for p in shown} == {"linear"}


def test_one_mechanism_needs_one_row(fixed):
    assert len(panels(draw(fixed))) == 4


def test_one_colour_scale_from_zero_to_one(softmax):
    meshes = [c for p in panels(draw(softmax)) for c in p.collections if isinstance(c, QuadMesh)]
    assert {m.get_clim() for m in meshes} == {(0, 1)}
    assert len({m.get_cmap().name for m in meshes}) == 1


def test_cells_hold_the_numbers_of_the_diagram(softmax):
    panel = panels(draw(softmax))[4 + 2]
    mesh = next(c for c in panel.collections if isinstance(c, QuadMesh))
    wanted = softmax["probability"].sel(outcome="aligned", dimension=100).transpose("init_scale", "separation")
    np.testing.assert_array_equal(mesh.get_array().reshape(wanted.shape), wanted.values)
    x, y = mesh.get_coordinates()[0, :, 0], mesh.get_coordinates()[:, 0, 1]
    centres = softmax["separation"].values, softmax["init_scale"].values
    assert all(np.all((e[:-1] < c) & (c < e[1:])) for e, c in zip((x, y), centres, strict=True))


def test_contours_lie_where_a_known_function_has_its_levels(make_grid):
    # P = |mu| / 10, so 5 % lies at 0.5 (outside) and 50 % at 5, whatever the init scale
    diagram = make_grid(replicates=10**6, probabilities=lambda separation, **_: (separation / 10, 0 * separation))
    for panel in panels(draw(diagram, quantities=["collapsed"], contours=[0.2, 0.5])):
        contours = [c for c in panel.collections if isinstance(c, QuadContourSet)]
        for level, contour in zip((0.2, 0.5), contours, strict=True):
            points = np.concatenate([path.vertices for path in contour.get_paths()])
            np.testing.assert_allclose(points[:, 0], 10 * level, atol=0.02)
            assert points[:, 1].min() == pytest.approx(0.01)
            assert points[:, 1].max() == pytest.approx(3)


def test_noise_on_a_plateau_draws_no_contour(make_grid):
    rng = np.random.Generator(np.random.Philox(5))
    noisy = make_grid(probabilities=lambda separation, **_: (rng.normal(0.5, 0.03, separation.shape), 0 * separation))
    assert not [c for p in panels(draw(noisy)) for c in p.collections if isinstance(c, QuadContourSet)]


def test_critical_separation_is_marked_for_fixed_equal_weights_only(fixed, softmax, make_grid):
    critical = critical_separation(1.0)
    assert critical == pytest.approx(2.26, abs=0.01)
    assert all(vertical_lines(p) == pytest.approx([1.0, critical]) for p in panels(draw(fixed)))
    assert all(vertical_lines(p) == [1.0] for p in panels(draw(softmax)))
    assert vertical_lines(panels(draw(make_grid(weights="fixed", initial_log_odds=1.0)))[0]) == [1.0]
    annealed = make_grid(weights="fixed", annealing={"schedule": "linear", "beta0": 0.1, "duration": 10.0})
    assert vertical_lines(panels(draw(annealed))[0]) == [1.0]
    assert vertical_lines(panels(draw(make_grid(weights="fixed", imbalance=0.5)))[0]) == []
    assert vertical_lines(panels(draw(fixed, theory=False))[0]) == []


def test_marks_beyond_the_axis_are_not_named(make_grid):
    axes = {"dimension": [2], "separation": np.linspace(1.5, 10, 18), "init_scale": np.geomspace(0.01, 3, 12)}
    diagram = make_grid(axes=axes, weights="fixed")
    names = [t.get_text() for t in draw(diagram).legends[0].get_texts()]
    assert names == ["5%", "50%", r"aligned state exists from $|\mu| = 2.26$"]
    assert "single peak" not in caption(diagram)


def test_any_axes_can_be_chosen(softmax):
    options = {"x": "dimension", "y": "separation", "panels": None, "select": {"init_scale": 0.1}}
    shown = panels(draw(softmax, quantities=["collapsed"], **options))
    assert len(shown) == 1
    assert (shown[0].get_xlabel(), shown[0].get_xscale()) == ("dimension $d$", "log")
    nearest = softmax["init_scale"].values[np.abs(np.log(softmax["init_scale"].values / 0.1)).argmin()]
    assert f"init scale σ₀ = {nearest:.6g}" in caption(softmax, quantities=["collapsed"], **options)


def test_axes_of_texts_become_named_ticks(make_grid):
    axes = {"weights": np.array(["fixed", "fisher_rao"]), "separation": np.linspace(1, 10, 6)}
    diagram = make_grid(axes=axes, probabilities=lambda separation, **_: (separation / 20, 0 * separation))
    panel = panels(draw(diagram, y="weights", panels=None))[0]
    assert [t.get_text() for t in panel.get_yticklabels()] == ["fixed", "fisher rao"]


def test_values_in_any_order_are_drawn_in_increasing_order(make_grid):
    axes = {"separation": np.array([8.0, 2.0, 4.0, 6.0]), "init_scale": np.geomspace(0.01, 1, 4)}
    diagram = make_grid(axes=axes, probabilities=lambda separation, **_: (separation / 10, 0 * separation))
    mesh = next(c for c in panels(draw(diagram, panels=None))[0].collections if isinstance(c, QuadMesh))
    np.testing.assert_allclose(mesh.get_array().reshape(4, 4)[0], [0.2, 0.4, 0.6, 0.8], atol=0.01)


def test_points_without_runs_are_left_empty(softmax):
    holes = softmax.copy(deep=True)
    for name in ("probability", "probability_low", "probability_high", "collapsed", "collapsed_low", "collapsed_high"):
        holes[name] = holes[name].where(holes["separation"] < 8)
    mesh = next(c for c in panels(draw(holes))[0].collections if isinstance(c, QuadMesh))
    assert np.ma.getmaskarray(mesh.get_array()).any()
    assert "nan" not in caption(holes)


def test_flags_can_be_rows(softmax):
    assert len(panels(draw(softmax, quantities=["redundant"]))) == 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"x": "separations"}, "no axis 'separations'; did you mean 'separation'"),
        ({"panels": None}, r"another axis 'dimension' \(2, 10, 100, 10000...\); fix it: `select: {dimension: VALUE}`"),
        ({"panels": None, "select": {"dimension": 1e6}}, "dimension = 1e\\+06 lies outside the grid"),
        ({"select": {"separation": 3}}, "axis 'separation' is drawn"),
        ({"select": {"dimensio": 3}}, "no study of this figure has an axis 'dimensio'; did you mean 'dimension'"),
        ({"quantities": ["vanishing"]}, "no probability 'vanishing' in study 'vanishing_weight'; did you mean"),
        ({"panel_values": ["two"]}, "axis 'dimension' has numbers"),
    ],
)
def test_what_the_study_cannot_show_is_refused(softmax, options, message):
    with pytest.raises(ConfigError, match=message):
        draw(softmax, **options)


def test_irregular_points_are_refused(softmax):
    with pytest.raises(ConfigError, match="fill no full rectangle"):
        draw(softmax.stack(point=("dimension", "separation", "init_scale"), create_index=False))


def test_two_studies_are_refused(softmax, fixed):
    with pytest.raises(ConfigError, match="shows one study; studies: a, b"):
        KIND.draw({"a": softmax, "b": fixed}, registry.parse_options("phase_diagram", {}))


def test_caption_states_every_parameter(fixed):
    text = caption(fixed)
    for part in (
        "experiment gradient_flow", "weights fixed", "dimension d = 2, 10, 100, 10000", "init scale σ₀ = 0.01 to 3 (20",
        "separation |μ| = 0.5 to 10 (24 values)", "t_end 10000", "256 replicates per point", "seed 1", "imbalance 0",
        "initial_law isotropic", "annealing none", "rtol 1e-06", "0.1 (mass_threshold)", "0.01 (weight_threshold)",
        "Wilson", "5 %, 50 %", "critical separation |μ| = 2.26", "max_steps 100000", "fates_only False", "log-spaced",
    ):  # fmt: skip
        assert part in text
