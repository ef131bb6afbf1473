"""A finished run, and what a change of the config computes again: as little as can be."""

import xarray


def changed(run, old, new):
    """The run after a change of its config."""
    run.edit(old, new)
    return run


def test_all_that_was_asked_for_is_there(finished):
    for suffix in ("pdf", "svg", "png", "txt"):
        assert (finished.folder / "figures" / f"tiny_curve.{suffix}").stat().st_size > 0
    with xarray.open_dataset(finished.folder / "results/tiny/phase_diagram.h5", engine="h5netcdf") as diagram:
        assert dict(diagram["replicates"].sizes) == {"separation": 2, "init_scale": 1}
        assert (diagram["replicates"] == 16).all()
    assert len(finished.shards()) == 2
    assert len(list(finished.folder.glob("logs/simulate/tiny/*.log"))) == 2


def test_the_report_shows_figures_with_captions(finished):
    done = finished.snakemake("--report", "report.html")
    assert done.returncode == 0, done.stderr
    assert "ERROR" not in done.stderr
    text = (finished.folder / "report.html").read_text()
    assert "tiny_curve.svg" in text
    assert "16 replicates per point" in text


def test_a_run_leaves_nothing_to_do(finished):
    assert finished.jobs() == {}


def test_what_is_cosmetic_reruns_nothing(finished):
    changed(finished, "a first description", "another one")
    changed(finished, "studies:\n  tiny", "# a comment\nstudies:\n  tiny")
    assert changed(finished, "[2, 4]", "{from: 2.0, to: 4.0, num: 2}").jobs() == {}


def test_an_option_of_a_figure_redraws_this_figure(finished):
    assert changed(finished, "lines: init_scale", "lines: init_scale\n    theory: false").jobs() == {"figure": 1}


def test_another_size_of_shards_computes_nothing(finished):
    assert changed(finished, "1.0e-6", "5").jobs() == {}


def test_another_order_of_axes_simulates_nothing(finished):
    swapped = "      init_scale: [1]\n      separation: [2, 4]"
    jobs = changed(finished, "      separation: [2, 4]\n      init_scale: [1]", swapped).jobs()
    assert jobs == {"aggregate": 1, "figure": 1}


def test_a_removed_value_simulates_nothing(finished):
    assert changed(finished, "[2, 4]", "[4]").jobs() == {"aggregate": 1, "figure": 1}


def test_an_extended_axis_simulates_new_points_only(finished):
    run = changed(finished, "[2, 4]", "[2, 3, 4]")
    before = run.shards()
    assert run.jobs() == {"simulate": 1, "aggregate": 1, "figure": 1}
    done = run.snakemake()
    assert done.returncode == 0, done.stderr
    after = run.shards()
    assert len(after) == 3
    assert before.items() <= after.items()
    assert run.jobs() == {}


def test_another_seed_simulates_all(finished):
    assert changed(finished, "seed: 1", "seed: 2").jobs()["simulate"] == 2
