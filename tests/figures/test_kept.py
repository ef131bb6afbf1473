"""Figures of kept trajectories: statistics against time, and snapshots of the density."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from vicollapse.errors import ConfigError
from vicollapse.figures import registry, style


def draw(kind, diagrams, **options):
    return registry.get(kind).draw(diagrams, registry.parse_options(kind, options))


def caption(kind, diagrams, **options):
    return registry.get(kind).caption(diagrams, registry.parse_options(kind, options))


def runs(panel, diagram):
    return [line for line in panel.lines if len(line.get_xdata()) == diagram.sizes["time"]]


def test_statistics_of_every_trajectory_in_the_colour_of_its_fate(patterns):
    figure = draw("trajectories", {"patterns": patterns}, select={"separation": 6})
    assert [p.get_title() for p in figure.axes] == ["$m_1/M$", "$m_2/M$", "$D$", "$w_1$"]
    part = patterns.isel(separation=1)
    first = part["means"].isel(component=0, coordinate=0) * 6 / 36
    difference = part["means"].isel(component=0) - part["means"].isel(component=1)
    wanted = (
        first,
        part["means"].isel(component=1, coordinate=0) * 6 / 36,
        np.sqrt((difference**2).sum("coordinate")),
        np.exp(part["logit"]) / (1 + np.exp(part["logit"])),
    )
    fates = ["covered", "aligned", "vanished", "covered"]
    for panel, values in zip(figure.axes, wanted, strict=True):
        lines = runs(panel, patterns)
        assert len(lines) == 4
        drawn = {(to_hex(line.get_color()).upper(), tuple(np.round(line.get_ydata(), 9))) for line in lines}
        assert drawn == {
            (style.FATES[f].upper(), tuple(np.round(v, 9))) for f, v in zip(fates, values.values, strict=True)
        }
    labels = [t.get_text() for t in figure.legends[0].get_texts()]
    assert labels == ["covered (2)", "aligned (1)", "vanished (1)"]


def test_time_is_logarithmic_also_from_zero(patterns):
    options = {"select": {"separation": 4}}
    assert draw("trajectories", {"patterns": patterns}, **options).axes[0].get_xscale() == "symlog"
    later = patterns.isel(time=slice(1, None))
    assert draw("trajectories", {"patterns": later}, **options).axes[0].get_xscale() == "log"


def test_points_and_studies_are_rows(patterns, make_kept):
    other = make_kept("patterns_fixed", fates=("aligned",), weights="fixed", seed=7)
    figure = draw("trajectories", {"patterns": patterns, "patterns_fixed": other})
    assert len(figure.axes) == 4 * 4
    titles = [p.texts[0].get_text() for p in figure.axes if p.texts]
    assert titles == [rf"{w} weights, $|\mu| = {s}$" for w in ("softmax", "fixed") for s in (4, 6)]


def test_no_more_than_count_are_drawn(patterns):
    figure = draw("trajectories", {"patterns": patterns}, select={"separation": 4}, count=2)
    assert len(runs(figure.axes[0], patterns)) == 2


def test_one_row_of_snapshots_per_pattern(patterns):
    figure = draw("snapshots", {"patterns": patterns}, select={"separation": 4}, times=[0, 1, 1e4])
    assert len(figure.axes) == 9
    time = patterns["time"].values
    assert figure.axes[0].get_title() == "$t = 0$"
    assert figure.axes[1].get_title() == f"$t = {time[np.abs(time - 1).argmin()]:.3g}$"
    assert figure.axes[2].get_title() == "$t = 10^{4}$"
    assert [p.texts[0].get_text() for p in figure.axes[2::3]] == ["covered", "aligned", "vanished"]
    for panel in figure.axes:
        crosses = next(line for line in panel.lines if line.get_marker() == "x")
        np.testing.assert_array_equal(crosses.get_xydata(), [[4, 0], [-4, 0]])
        assert panel.get_aspect() == 1


def test_dots_lie_at_the_means_and_density_above_them(patterns):
    panel = draw("snapshots", {"patterns": patterns}, select={"separation": 4}, times=[1e4]).axes[1]
    dots = panel.collections[-1].get_offsets()
    np.testing.assert_allclose(dots, patterns["means"].isel(separation=0, trajectory=1, time=-1, coordinate=[0, 1]))
    filled = panel.collections[0]
    assert filled.get_array().max() >= 0.9  # two halves of weight in one place, as high as one Gaussian
    highest = [p.vertices for p in filled.get_paths() if len(p.vertices)][-1].mean(axis=0)
    np.testing.assert_allclose(highest, dots.mean(axis=0), atol=0.1)


def test_patterns_may_come_from_several_studies(make_kept):
    softmax = make_kept("patterns_softmax", fates=("covered", "vanished"))
    fixed = make_kept("patterns_fixed", fates=("covered", "covered", "aligned"), weights="fixed", seed=3)
    text = caption("snapshots", {"patterns_softmax": softmax, "patterns_fixed": fixed}, select={"separation": 6})
    assert "Row covered: trajectory 0 of study patterns_softmax (separation |μ| = 6)" in text
    assert "Row aligned: trajectory 2 of study patterns_fixed (separation |μ| = 6)" in text
    assert "Row vanished: trajectory 1 of study patterns_softmax (separation |μ| = 6)" in text
    assert "seed 1" in text
    assert "seed 3" in text


def test_a_pattern_that_does_not_occur_is_said_in_its_row(make_kept):
    diagram = make_kept(fates=("covered", "aligned"))
    figure = draw("snapshots", {"patterns": diagram}, times=[0, 10])
    assert figure.axes[4].texts[-1].get_text() == "no kept\ntrajectory\nis vanished"
    assert "Row vanished: no kept trajectory" in caption("snapshots", {"patterns": diagram}, times=[0, 10])


def test_nothing_found_at_all_still_draws(make_kept):
    figure = draw("snapshots", {"patterns": make_kept(fates=("failed",))})
    assert len(figure.axes) == 3


def test_trajectories_not_simulated_yet_are_not_drawn(patterns):
    partial = patterns.copy(deep=True)
    partial["trajectory_outcome"] = partial["trajectory_outcome"].astype(int)
    partial["trajectory_outcome"][:, 2:] = -1
    partial["means"][:, 2:] = np.nan
    figure = draw("trajectories", {"patterns": partial}, select={"separation": 4})
    labels = [t.get_text() for t in figure.legends[0].get_texts()]
    assert labels == ["covered (1)", "aligned (1)"]


@pytest.mark.parametrize("kind", ["trajectories", "snapshots"])
def test_a_study_without_kept_trajectories_is_refused(softmax, kind):
    select = {"dimension": 2, "separation": 4, "init_scale": 0.1}
    with pytest.raises(ConfigError, match="study 'vanishing_weight' keeps no trajectories; set keep_trajectories"):
        draw(kind, {"vanishing_weight": softmax}, select=select)


def test_too_many_rows_are_refused(softmax):
    with pytest.raises(ConfigError, match=r"1920 points are too many .* dimension, separation, init_scale"):
        draw("trajectories", {"vanishing_weight": softmax})


def test_unknown_pattern_names_the_nearest(patterns):
    with pytest.raises(ConfigError, match="unknown pattern 'vanishing'; did you mean 'vanished'"):
        draw("snapshots", {"patterns": patterns}, patterns=["vanishing"])


def test_the_foot_states_what_a_slice_fixes(patterns):
    figure = draw("trajectories", {"patterns": patterns}, select={"separation": 6})
    foot = figure.texts[0].get_text()
    for part in (
        "softmax weights",
        "$d = 2$",
        r"$|\mu| = 6$",
        r"$\sigma_0 = 0.1$",
        r"t_\mathrm{end} = 10^{4}$",
        "seed 1",
    ):
        assert part in foot
