"""Cost against probability: clouds of schedules, their envelopes, what they are compared with."""

import numpy as np
import pytest

from vicollapse.errors import ConfigError
from vicollapse.figures import registry
from vicollapse.figures.pareto import Cloud, clouds
from vicollapse.figures.ramps import REACHED


def draw(*diagrams, **options):
    return registry.get("pareto").draw(_named(diagrams), registry.parse_options("pareto", options))


def caption(*diagrams, **options):
    return registry.get("pareto").caption(_named(diagrams), registry.parse_options("pareto", options))


def _named(diagrams):
    return {d.attrs["study"]: d for d in diagrams}


@pytest.fixture
def forms(make_annealed):
    names = np.array(["linear", "geometric"], dtype=object)
    return make_annealed("forms", axes={"separation": np.array([4.0, 6.0]), "annealing.schedule": names}, annealing={})


@pytest.fixture
def exponential(make_grid):
    axes = {"separation": np.array([4.0, 6.0]), "annealing.beta0": np.array([0.1, 1.0])}
    axes["annealing.time_constant"] = np.geomspace(1, 100, 5)

    def probabilities(**at):
        return 0.5 / at["annealing.time_constant"] ** (at["annealing.beta0"] < 1), 0 * at["separation"]

    return make_grid(
        "relax", axes, annealing={"schedule": "exponential"}, probabilities=probabilities, replicates=10**4
    )


def test_the_envelope_is_what_no_cheaper_schedule_beats():
    cost, value = np.array([3.0, 1, 2, 2, 5, 4]), np.array([0.3, 0.5, 0.6, 0.4, 0.3, 0.1])
    cloud = Cloud("linear", cost, value, value, value)
    best = cloud.envelope()
    np.testing.assert_array_equal(best, [1, 3, 0, 5])
    for i in range(6):
        beaten = np.any((cost <= cost[i]) & (value < value[i])) or np.any((cost < cost[i]) & (value <= value[i]))
        assert (i in best) == (not beaten)


def test_every_schedule_that_costs_time_is_a_point(forms, exponential):
    part = forms.isel(separation=0)
    linear, geometric = clouds(part, "collapsed")
    assert (linear.form, geometric.form) == ("linear", "geometric")
    table = part.sel({"annealing.schedule": "linear"}).isel({"annealing.beta0": slice(None, -1)})
    durations = np.broadcast_to(part["annealing.duration"].values, (8, 7))
    np.testing.assert_allclose(linear.cost, durations.ravel())
    np.testing.assert_allclose(linear.value, table["collapsed"].values.ravel())
    np.testing.assert_allclose(linear.high, table["collapsed_high"].values.ravel())
    (relax,) = clouds(exponential.isel(separation=1), "collapsed")
    np.testing.assert_allclose(relax.cost, np.geomspace(1, 100, 5) * np.log(0.9 / (1 - REACHED)))


def test_panels_lines_and_the_case_without_annealing(forms, exponential):
    figure = draw(forms, exponential, panels="separation")
    assert [p.get_title() for p in figure.axes] == [r"$|\mu| = 4$", r"$|\mu| = 6$"]
    names = [t.get_text() for t in figure.legends[0].get_texts()]
    assert names == ["linear", "geometric", "exponential", "without annealing"]
    for panel in figure.axes:
        assert (panel.get_xscale(), panel.get_yscale()) == ("log", "log")
        assert len(panel.containers) == 3
        level = next(line for line in panel.lines if len(set(line.get_ydata())) == 1 and len(line.get_xdata()) == 2)
        runs = np.array([2 * 7 * 1000, 5 * 10**4])
        assert level.get_ydata()[0] == pytest.approx((runs * [0.8, 0.5]).sum() / runs.sum())
    relax = figure.axes[0].containers[2].lines[0]
    np.testing.assert_allclose(relax.get_ydata(), 0.5 / np.geomspace(1, 100, 5), atol=1e-4)


def test_the_caption_defines_the_cost(forms, exponential):
    text = caption(forms, exponential, panels="separation")
    for part in ("takes: until β = 1; for exponential schedules until β = 0.99; one panel per separation |μ|.",
                 "Dashed grey: without annealing", "Study forms", "Study relax",
                 "annealing.schedule = linear, geometric",
                 "no cheaper one of their form beats"):  # fmt: skip
        assert part in text


def test_other_axes_must_be_fixed(forms):
    assert len(draw(forms, select={"separation": 6}).axes) == 1
    with pytest.raises(ConfigError, match="another axis 'separation'"):
        draw(forms)


def test_a_cost_that_nothing_tells_is_refused(make_grid):
    axes = {"annealing.beta0": np.array([0.1, 0.5])}
    constant = make_grid("hot", axes, annealing={"schedule": "constant"})
    with pytest.raises(ConfigError, match="schedule 'constant' of study 'hot': its cost must be measured"):
        draw(constant)


def test_panels_are_those_that_all_studies_have(forms, exponential):
    other = exponential.assign_coords(separation=[6.0, 8.0])
    with pytest.raises(ConfigError, match="the studies have different values of 'separation'"):
        draw(forms, other, panels="separation")
    assert len(draw(forms, other, panels="separation", panel_values=[6]).axes) == 1


def test_nothing_is_said_of_what_was_not_simulated(forms):
    hot = forms.isel({"annealing.beta0": slice(None, -1)})
    labels = [t.get_text() for t in draw(hot, panels="separation").legends[0].get_texts()]
    assert labels == ["linear", "geometric"]
    assert "without annealing" not in caption(hot, panels="separation")


def test_probabilities_of_zero_do_not_spoil_the_axis(make_annealed):
    cured = make_annealed(probabilities=lambda **at: (0.1 * (at["annealing.duration"] < 30), 0 * at["annealing.beta0"]))
    (panel,) = draw(cured).axes
    panel.figure.draw_without_rendering()
    assert 1e-5 < panel.get_ylim()[0] < 0.1


def test_the_caption_defines_no_cost_that_is_not_drawn(forms, exponential):
    assert "exponential schedules" not in caption(forms, panels="separation")
    text = caption(exponential, panels="separation")
    assert "takes: for exponential schedules until β = 0.99; one panel" in text
    assert "adaptive" not in text


def test_studies_whose_schedules_take_no_time_are_refused(softmax, ramp):
    with pytest.raises(ConfigError, match="no schedule of these studies takes time"):
        draw(softmax, select={"dimension": 2, "separation": 3, "init_scale": 0.1})
    with pytest.raises(ConfigError, match="no schedule of these studies takes time"):
        caption(ramp, select={"annealing.beta0": 1})


def test_panels_in_which_no_schedule_takes_time_are_left_out(ramp):
    figure = draw(ramp, panels="annealing.beta0", panel_values=[0.01, 0.1, 1])
    assert [p.get_title() for p in figure.axes] == [r"$\beta_0 = 0.01$", r"$\beta_0 = 0.1$"]
    assert [t.get_text() for t in figure.legends[0].get_texts()] == ["linear"]
    assert "Dashed grey" not in caption(ramp, panels="annealing.beta0", panel_values=[0.01, 0.1, 1])
