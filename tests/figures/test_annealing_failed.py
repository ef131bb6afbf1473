"""Kept trajectories that failed, studies that differ, and the titles and axes that rows share."""

from itertools import pairwise

import numpy as np
import pytest
import xarray as xr

from vicollapse.errors import ConfigError
from vicollapse.figures import registry, rows

LINEAR = {"schedule": "linear", "beta0": 0.01, "duration": 100.0}
ADAPTIVE = {"schedule": "adaptive", "beta0": 0.01, "time_constant": 10.0, "rate": 1.0}


def draw(kind, *diagrams, **options):
    return registry.get(kind).draw({d.attrs["study"]: d for d in diagrams}, registry.parse_options(kind, options))


def caption(kind, *diagrams, **options):
    return registry.get(kind).caption({d.attrs["study"]: d for d in diagrams}, registry.parse_options(kind, options))


def failing(diagram, *which, record=True):
    """Those trajectories fail after the 20th time; beta was recorded unless told otherwise."""
    late = diagram["time"] >= diagram["time"][20]
    chosen = xr.DataArray(np.isin(np.arange(diagram.sizes["trajectory"]), which), dims="trajectory")
    lost = late & chosen
    broken = diagram.assign(means=diagram["means"].where(~lost), logit=diagram["logit"].where(~lost))
    failed = list(diagram["outcome"].values).index("failed")
    broken["trajectory_outcome"] = diagram["trajectory_outcome"].where(~chosen, failed)
    beta = (0.01 + 0.0099 * diagram["time"]).clip(max=1) + 0 * diagram["logit"]
    return broken.assign(beta=beta.where(~lost)) if record else broken


@pytest.fixture
def paths(make_kept):
    return make_kept("paths", annealing=ADAPTIVE)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("which", [(0,), (0, 3), (0, 1, 2, 3)])
def test_paths_are_drawn_as_far_as_they_got(paths, which):
    figure, n = draw("schedule_paths", failing(paths, *which)), paths.sizes["time"]
    figure.draw_without_rendering()
    assert figure.axes[0].get_ylim() == pytest.approx((0.007, 1.4))
    dashed = [line for line in figure.axes[2].lines if line.get_linestyle() == "--" and len(line.get_xdata()) == n]
    assert len(dashed) == (len(which) < 4)
    assert all(np.isfinite(line.get_ydata()).all() for line in dashed)
    (beta,) = [line for line in figure.axes[0].lines if len(line.get_xdata()) == n] if len(which) < 4 else [None]
    assert beta is None or np.isfinite(beta.get_ydata()).all()
    assert f"{2 * len(which)} failed" in caption("schedule_paths", failing(paths, *which))


def test_no_row_cuts_off_the_beta_of_another(make_kept):
    studies = [make_kept(f"b{b}", annealing=LINEAR | {"beta0": b}) for b in (0.01, 0.1, 0.9)]
    figure = draw("schedule_paths", *studies, select={"separation": 4})
    assert all(p.get_ylim() == pytest.approx((0.007, 1.4)) for p in figure.axes[::5])
    table = {"schedule": "table", "times": [0.0, 10.0, 100.0], "betas": [0.1, 3.0, 1.0]}
    assert draw("schedule_paths", make_kept(annealing=table)).axes[0].get_ylim()[1] > 3


def test_snapshots_show_a_trajectory_that_did_not_fail(paths):
    broken = failing(paths, 0, 1, 3)
    assert caption("annealed_snapshots", broken).count("(number 2) that is vanished") == 2
    width, height = draw("annealed_snapshots", broken).get_size_inches()
    assert 0 < height < 2 * width
    early = caption("annealed_snapshots", broken, patterns=["failed", "failed"], times=[0, 0.1])
    assert early.count("(number 0) that is failed") == 2
    with pytest.raises(ConfigError, match="no kept trajectory of this point that is failed got so far"):
        draw("annealed_snapshots", broken, patterns=["failed", "failed"])
    with pytest.raises(ConfigError, match="every kept trajectory of this point failed"):
        draw("annealed_snapshots", failing(paths, 0, 1, 2, 3))


def test_plain_snapshots_have_a_size_where_a_pattern_failed(paths):
    broken = failing(paths, 0)
    assert np.isfinite(draw("snapshots", broken, patterns=["failed", "covered"]).get_size_inches()).all()
    assert "Row failed: no kept trajectory" in caption("snapshots", broken, patterns=["failed"])


def test_studies_of_different_numbers_of_times_need_times(make_kept):
    one, other = make_kept("one", annealing=LINEAR), make_kept("other", annealing=LINEAR).isel(time=[0, 20, 60])
    with pytest.raises(ConfigError, match="different numbers of times; give `times`"):
        draw("annealed_snapshots", one, other, select={"separation": 4})
    assert len(draw("annealed_snapshots", one, other, select={"separation": 4}, times=[0, 1e4]).axes) == 4


def titles(select, *diagrams):
    return rows.titles(rows.kept_rows({d.attrs["study"]: d for d in diagrams}, select))


def test_titles_name_what_differs_between_the_rows_one_thing_a_line(make_kept):
    one, other = make_kept("one_study", annealing=LINEAR), make_kept("other", weights="fixed")
    assert titles({}, one) == [r"$|\mu| = 4$", r"$|\mu| = 6$"]
    assert titles({"separation": 4}, one) == ["softmax weights"]
    assert titles({"separation": 4}, one, other) == ["softmax weights", "fixed weights"]
    assert titles({}, one, other)[3] == "fixed weights,\n" + r"$|\mu| = 6$"
    assert titles({"separation": 6}, one, make_kept("twin")) == ["one study", "twin"]


def test_rows_are_high_enough_for_their_titles(make_kept):
    axes = {"init_scale": [0.1, 1.0], "annealing.duration": [3.0, 300.0]}
    study = make_kept(annealing={"schedule": "linear", "beta0": 0.01}).isel(separation=0)
    study = study.expand_dims(axes).assign_attrs(study.attrs)
    figure = draw("annealed_snapshots", study, times=[0, 1, 3, 10, 100, 1000, 3000, 1e4])
    figure.draw_without_rendering()
    texts = [text for panel in figure.axes for text in panel.texts]
    assert len(texts) == 4
    extents = [text.get_window_extent() for text in texts]
    assert all(lower.y1 < upper.y0 for upper, lower in pairwise(extents))
