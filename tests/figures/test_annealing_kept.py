"""Kept trajectories under annealing: paths under a schedule, snapshots over the tempered target."""

import numpy as np
import pytest

from vicollapse.errors import ConfigError
from vicollapse.figures import registry
from vicollapse.figures.densities import TEMPERED_LEVELS
from vicollapse.mixture.density import mixture_density
from vicollapse.mixture.theory import repulsion_distance


def draw(kind, diagram, **options):
    return registry.get(kind).draw({diagram.attrs["study"]: diagram}, registry.parse_options(kind, options))


def caption(kind, diagram, **options):
    return registry.get(kind).caption({diagram.attrs["study"]: diagram}, registry.parse_options(kind, options))


def along(diagram):
    return np.minimum(1, 0.01 + 0.0099 * diagram["time"].values)


def lines(panel, n):
    return [line for line in panel.lines if len(line.get_xdata()) == n]


def test_paths_show_beta_overlap_distance_weight_and_the_plane(ramp_paths):
    figure, n = draw("schedule_paths", ramp_paths), ramp_paths.sizes["time"]
    assert len(figure.axes) == 2 * 5
    assert [p.get_title() for p in figure.axes[:5]] == [r"$\beta(t)$", "$m_1/M$", "$D$", "$w_1$", "$m_2/M$"]
    beta, overlap, distance, weight, plane = figure.axes[5:]
    (line,) = lines(beta, n)
    np.testing.assert_allclose(line.get_ydata(), along(ramp_paths))
    part = ramp_paths.isel(separation=1)
    m = part["means"].isel(coordinate=0).transpose("trajectory", "time", "component").values / 6
    found = sorted(tuple(line.get_ydata()) for line in lines(overlap, n))
    np.testing.assert_allclose(found, sorted(map(tuple, m[:, :, 0])))
    assert len(lines(weight, n)) == len(lines(plane, n)) == 4
    paths = sorted(map(tuple, (line.get_xydata().ravel() for line in lines(plane, n))))
    np.testing.assert_allclose(paths, sorted(map(tuple, m.reshape(4, -1))))
    balance = [line for line in lines(distance, n) if line.get_linestyle() == "--"]
    wanted = [repulsion_distance(float(b)) for b in along(ramp_paths)]
    np.testing.assert_allclose(balance[0].get_ydata(), wanted)
    assert [t.get_text() for t in figure.legends[0].get_texts()][-1] == r"$R(D) = \beta/2$"


def test_schedules_that_differ_are_drawn_one_by_one(ramp_paths):
    own = np.geomspace(0.1, 1, ramp_paths.sizes["time"]) ** np.arange(1, 5)[:, None]
    recorded = ramp_paths.assign(beta=(("separation", "trajectory", "time"), np.stack([own, own])))
    panel = draw("schedule_paths", recorded, select={"separation": 4}).axes[0]
    found = sorted(tuple(line.get_ydata()) for line in lines(panel, len(own[0])))
    np.testing.assert_array_equal(found, sorted(map(tuple, own)))


def test_the_caption_of_paths_states_shares_of_all_runs(ramp_paths):
    text = caption("schedule_paths", ramp_paths, count=3)
    for part in ("Row 1: of all 256 runs covered ", "R(D) = β/2", "annealing.beta0 0.01", "annealing.duration 100",
                 "The first 3 kept trajectories of each row at most: 2 covered, 2 aligned, 2 vanished"):  # fmt: skip
        assert part in text
    assert "time_constant" not in text


def test_contours_are_those_of_the_tempered_target(ramp_paths):
    figure = draw("annealed_snapshots", ramp_paths, select={"separation": 4}, times=[0, 10, 1e4])
    time = ramp_paths["time"].values
    for panel, t in zip(figure.axes, (0, 10, 1e4), strict=True):
        beta = float(along(ramp_paths)[np.abs(time - t).argmin()])
        contours = panel.collections[1]
        seen = 0
        for level, path in zip(contours.levels, contours.get_paths(), strict=True):
            if len(path.vertices):
                modes = np.array([[4.0, 0.0], [-4.0, 0.0]])
                peak = mixture_density(modes[0], modes, [0.5, 0.5])
                found = (mixture_density(path.vertices, modes, [0.5, 0.5]) / peak) ** beta
                np.testing.assert_allclose(found, level, atol=0.02)
                seen += 1
        assert tuple(contours.levels) == TEMPERED_LEVELS
        assert seen >= 2
        assert panel.get_title().endswith(rf"\beta = {beta:.2g}$")


def test_a_row_shows_the_commonest_fate_or_the_one_asked_for(ramp_paths):
    text = caption("annealed_snapshots", ramp_paths)
    assert text.count("(number 0) that is covered") == 2
    text = caption("annealed_snapshots", ramp_paths, patterns=["vanished", "aligned"])
    assert "Row 1: the first kept trajectory (number 2) that is vanished, as " in text
    assert "Row 2: the first kept trajectory (number 1) that is aligned, as " in text
    figure = draw("annealed_snapshots", ramp_paths, patterns=["vanished", "aligned"], times=[0, 1])
    assert [p.texts[0].get_text() for p in figure.axes[1::2]] == [
        r"$|\mu| = 4$" + "\nvanished",
        r"$|\mu| = 6$" + "\naligned",
    ]


def test_dots_lie_at_the_means(ramp_paths):
    panel = draw("annealed_snapshots", ramp_paths, select={"separation": 4}, times=[1e4]).axes[0]
    wanted = ramp_paths["means"].isel(separation=0, trajectory=0, time=-1, coordinate=[0, 1])
    np.testing.assert_allclose(panel.collections[-1].get_offsets(), wanted)


@pytest.mark.parametrize(
    ("patterns", "message"),
    [
        (["covered"], "`patterns` names 1 outcomes for 2 rows"),
        (["covered", "align"], "unknown pattern 'align'; did you mean 'aligned'"),
        (["covered", "failed"], r"no kept trajectory of this point is failed: softmax weights, \$\|\\mu\| = 6\$"),
    ],
)
def test_patterns_that_do_not_fit_are_refused(ramp_paths, patterns, message):
    with pytest.raises(ConfigError, match=message):
        draw("annealed_snapshots", ramp_paths, patterns=patterns)


@pytest.mark.parametrize("kind", ["schedule_paths", "annealed_snapshots"])
def test_studies_that_keep_nothing_are_refused(ramp, kind):
    with pytest.raises(ConfigError, match="study 'ramp' keeps no trajectories"):
        draw(kind, ramp, select={"annealing.beta0": 0.1, "annealing.duration": 10})
