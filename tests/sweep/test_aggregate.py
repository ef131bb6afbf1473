"""The phase diagram: the numbers in it, that xarray opens it, and that no way of dividing the work changes a bit."""

import json
from dataclasses import replace

import h5py
import numpy as np
import pytest
import xarray as xr
from hdf5_content import content

from vicollapse.errors import StorageError
from vicollapse.intervals import wilson
from vicollapse.sweep import aggregate as aggregate_module
from vicollapse.sweep import batches, storage
from vicollapse.sweep.aggregate import aggregate
from vicollapse.sweep.phase_diagram import open_phase_diagram
from vicollapse.sweep.points import blocks, points
from vicollapse.sweep.runner import simulate
from vicollapse.sweep.shards import plan_shards
from vicollapse.sweep.study import Study

STUDY = Study(
    "alignment",
    "How often?",
    "fake",
    {"init_scale": 0.5},
    {"weights": ("fixed", "softmax"), "separation": (0.5, 1.0, 2.0, 4.0), "dimension": (2, 100)},
    replicates=600,
    seed=3,
    keep_trajectories=4,
    save_times=(0.0, 1.0),
)
AXES = tuple(STUDY.axes)


def make(study, folder, minutes=2.0, **more):
    shards = plan_shards(study, folder, minutes=minutes, register=True)
    for shard in shards:
        simulate(shard, folder, **more)
    return aggregate(study, folder, shards)


@pytest.fixture
def path(fake, tmp_path):
    return make(STUDY, tmp_path / "alignment")


def direct(fake, study):
    """Outcomes of every point of a study, in the order of the grid."""
    return [fake.run(blocks(fake, p.parameters, study.replicates, study.seed)) for p in points(study)]


def test_xarray_sees_the_axes_as_dimensions(path):
    with xr.open_dataset(path, engine="h5netcdf") as diagram:
        assert dict(diagram.sizes) | {"weights": 2, "separation": 4, "dimension": 2, "outcome": 4} == dict(
            diagram.sizes
        )
        assert diagram["probability"].dims == ("outcome", *AXES)
        assert diagram["mode_mass"].dims == ("mode", *AXES)
        assert diagram["mode_mass_histogram"].dims == ("mode", *AXES, "mode_mass_bin")
        assert diagram["kl_histogram"].dims == (*AXES, "kl_bin")
        assert diagram["weights"].values.tolist() == ["fixed", "softmax"]
        assert diagram["dimension"].dtype == np.int64
        assert diagram["outcome"].values.tolist() == ["covered", "aligned", "vanished", "failed"]
        assert diagram["separation"].attrs == {
            "units": "1",
            "long_name": "the separation",
            "label": "$separation$",
        }
        assert {"units", "long_name"} <= set(diagram["kl"].attrs)


def test_counts_probabilities_and_intervals(fake, path):
    results = direct(fake, STUDY)
    with xr.open_dataset(path, engine="h5netcdf") as diagram:
        counts = np.array([np.bincount(r.outcome, minlength=4) for r in results])
        shape = (2, 4, 2)
        np.testing.assert_array_equal(diagram["count"], np.moveaxis(counts.reshape(*shape, 4), -1, 0))
        assert counts.min() == 0  # some cells are empty, some full
        np.testing.assert_array_equal(diagram["probability"], diagram["count"] / 600)
        low, high = wilson(diagram["count"], 600)
        np.testing.assert_array_equal(diagram["probability_low"], low)
        np.testing.assert_array_equal(diagram["probability_high"], high)
        collapsed = counts[:, 1:3].sum(1).reshape(shape)
        np.testing.assert_array_equal(diagram["collapsed_count"], collapsed)
        np.testing.assert_array_equal(diagram["collapsed"], collapsed / 600)
        np.testing.assert_array_equal(diagram["collapsed_high"], wilson(collapsed, 600)[1])
        redundant = np.array([r.flags["redundant"].sum() for r in results]).reshape(shape)
        np.testing.assert_array_equal(diagram["redundant_count"], redundant)
        np.testing.assert_array_equal(diagram["redundant_low"], wilson(redundant, 600)[0])
        assert (diagram["replicates"] == 600).all()


def test_observables_and_counters(fake, path):
    results = direct(fake, STUDY)
    with xr.open_dataset(path, engine="h5netcdf") as diagram:
        mass = np.array([np.nanmean(r.observables["mode_mass"], axis=0) for r in results]).reshape(2, 4, 2, 2)
        np.testing.assert_allclose(diagram["mode_mass"], np.moveaxis(mass, -1, 0), rtol=1e-13)
        kl = np.array([np.nanmean(r.observables["kl"]) for r in results]).reshape(2, 4, 2)
        np.testing.assert_allclose(diagram["kl"], kl, rtol=1e-12)
        finite = [r.observables["kl"][~np.isnan(r.observables["kl"])].clip(-2.999, 2.999) for r in results]
        histogram = np.array([np.histogram(v, np.linspace(-3, 3, 13))[0] for v in finite])
        np.testing.assert_array_equal(diagram["kl_histogram"], histogram.reshape(2, 4, 2, 12))
        np.testing.assert_array_equal(diagram["kl_edges"], np.linspace(-3, 3, 13))
        steps = np.array([r.counters["steps_accepted"].sum() for r in results]).reshape(2, 4, 2)
        np.testing.assert_array_equal(diagram["steps_accepted"], steps)


def test_kept_trajectories(fake, path):
    with xr.open_dataset(path, engine="h5netcdf") as diagram:
        assert diagram["means"].dims == (*AXES, "trajectory", "time", "component", "coordinate")
        assert diagram["logit"].dims == (*AXES, "trajectory", "time")
        assert diagram["time"].values.tolist() == [0.0, 1.0]
        point = points(STUDY)[11]
        cell = dict(zip(AXES, point.coordinates, strict=True))
        (head,) = blocks(fake, point.parameters, 4, 3)
        np.testing.assert_array_equal(diagram["means"].sel(cell), fake.trace([head], np.array([0.0, 1.0]))["means"])
        np.testing.assert_array_equal(diagram["trajectory_outcome"].sel(cell), fake.run([head]).outcome)


def test_the_table_of_points(path):
    wanted = points(STUDY)
    with xr.open_dataset(path, engine="h5netcdf", group="points") as table, xr.open_dataset(path) as diagram:
        assert table.sizes["point"] == 16
        assert table["point_id"].values.tolist() == [p.id for p in wanted]
        assert table["separation"].values.tolist() == [p.coordinates[1] for p in wanted]
        assert table["weights"].values.tolist() == [p.coordinates[0] for p in wanted]
        np.testing.assert_array_equal(table["count"], diagram["count"].values.reshape(4, 16).T)
        np.testing.assert_array_equal(table["mode_mass"], diagram["mode_mass"].values.reshape(2, 16).T)


def test_attributes_hold_what_a_caption_needs(path):
    with open_phase_diagram(path) as diagram:
        attributes = diagram.attrs
        assert (attributes["study"], attributes["seed"], attributes["experiment"]) == ("alignment", 3, "fake")
        parameters = json.loads(attributes["parameters"])
        assert parameters == {"init_scale": 0.5, "annealing": None, "t_end": 1e4, "fates_only": False}
        assert json.loads(attributes["study_config"])["replicates"] == 600
        assert json.loads(attributes["collapsed_outcomes"]) == ["aligned", "vanished"]
    with h5py.File(path) as file:
        provenance = dict(file["provenance"].attrs)
    assert {"version", "commit", "dirty", "host", "libraries", "device", "wall_seconds", "seed"} <= set(provenance)
    assert provenance["backend"] == "cpu"


def test_the_datasets_do_not_depend_on_how_the_work_was_divided(path, tmp_path, monkeypatch):
    expected = content(path)
    assert content(make(STUDY, tmp_path / "many", minutes=0.01)) == expected
    assert len(list((tmp_path / "many" / "shards").iterdir())) > 16  # the replicates of a point are divided too
    monkeypatch.setattr(batches, "MAX_TRAJECTORIES", 300)
    assert content(make(STUDY, tmp_path / "small", minutes=0.5, threads=2)) == expected


@pytest.mark.parametrize(
    "way", [(100, 600), (300, 600), (1024, 600), (1024, 100, 600), (256, 512, 600), (600, 300, 600)]
)
def test_the_datasets_do_not_depend_on_what_was_asked_before(path, tmp_path, way):
    folder = tmp_path / "history"
    for replicates in way:
        # trajectories may have been kept or not
        last = make(replace(STUDY, replicates=replicates, keep_trajectories=replicates % 3), folder, minutes=0.2)
    last = make(STUDY, folder, minutes=0.2)
    assert content(last) == content(path)


def test_extending_and_shrinking_an_axis(fake, path, tmp_path, monkeypatch):
    folder, runs, original = tmp_path / "grown", [], fake.run
    make(replace(STUDY, axes=STUDY.axes | {"separation": (1.0, 2.0, 8.0)}), folder, minutes=0.3)
    monkeypatch.setattr(fake, "run", lambda items, **more: runs.append(sum(b.size for b in items)) or original(items))
    assert content(make(STUDY, folder)) == content(path)
    assert sum(runs) == 8 * (600 + 4)  # only the new points, and their kept trajectories


def test_missing_shards_are_listed(fake, tmp_path):
    shards = plan_shards(STUDY, tmp_path, minutes=0.1, register=True)
    simulate(shards[0], tmp_path)
    with pytest.raises(StorageError, match=rf"{len(shards) - 1} of {len(shards)} shards .*{shards[1].id}.*simulate"):
        aggregate(STUDY, tmp_path, shards)
    assert not (tmp_path / "phase_diagram.h5").exists()


def test_shards_that_do_not_suffice_are_noticed(fake, tmp_path):
    shards = plan_shards(STUDY, tmp_path, minutes=2, register=True)
    for shard in shards:
        simulate(shard, tmp_path)
    with pytest.raises(StorageError, match="16 of 16 points lack replicates"):
        aggregate(replace(STUDY, replicates=1000), tmp_path, shards)


def test_partial_aggregation_leaves_gaps(fake, path, tmp_path):
    folder = tmp_path / "partial"
    shards = plan_shards(STUDY, folder, minutes=0.2, register=True)
    simulate(shards[0], folder)
    with xr.open_dataset(aggregate(STUDY, folder, shards, partial=True)) as some, xr.open_dataset(path) as all_of_it:
        there = (some["replicates"] == 600).values
        assert there.sum() == len(shards[0].points) < 16
        assert (some["count"].values[:, ~there] == 0).all()
        for name in ("probability", "probability_high", "collapsed_low", "mode_mass", "kl"):
            values = np.moveaxis(some[name].values, range(-3, 0), range(3))
            assert np.isnan(values[~there]).all()
            np.testing.assert_array_equal(
                values[there], np.moveaxis(all_of_it[name].values, range(-3, 0), range(3))[there]
            )
        assert (some["trajectory_outcome"].values[~there] == -1).all()


def test_points_that_fill_no_rectangle_are_stored_as_a_list(fake, path, tmp_path, monkeypatch):
    folder = tmp_path / "alignment"
    subset = points(STUDY)[::3]
    monkeypatch.setattr(aggregate_module, "points", lambda study: subset)
    aggregate(STUDY, folder, plan_shards(STUDY, folder, minutes=2))
    with open_phase_diagram(folder) as diagram:
        assert diagram["probability"].dims == ("outcome", "point")
        assert set(AXES) <= set(diagram.coords)
        assert diagram["separation"].values.tolist() == [p.coordinates[1] for p in subset]
        assert diagram["mode_mass_histogram"].dims == ("mode", "point", "mode_mass_bin")


def test_a_damaged_shard_is_named(path, tmp_path):
    shard = next((tmp_path / "alignment" / "shards").iterdir())
    shard.write_bytes(shard.read_bytes()[:5000])
    with pytest.raises(StorageError, match=f"{shard.name} is damaged"):
        aggregate(STUDY, path.parent, plan_shards(STUDY, path.parent, minutes=2))


def test_opening_what_is_no_phase_diagram(path, tmp_path, monkeypatch):
    with pytest.raises(StorageError, match=r"there is no phase diagram .*vicollapse aggregate --study nothing"):
        open_phase_diagram(tmp_path / "nothing" / "phase_diagram.h5")
    shard = next((tmp_path / "alignment" / "shards").iterdir())
    with pytest.raises(StorageError, match="no phase diagram"):
        open_phase_diagram(shard)
    (tmp_path / "x.h5").write_text("nothing")
    with pytest.raises(StorageError, match="is damaged or no phase diagram"):
        open_phase_diagram(tmp_path / "x.h5")
    with h5py.File(path, "a") as file:
        file.attrs["format_version"] = storage.FORMAT_VERSION + 1
    with pytest.raises(StorageError, match="has format version 2, and this is a program for version 1"):
        open_phase_diagram(path)
