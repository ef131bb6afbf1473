"""A short measured run corrects predicted times, for the same experiment, version and machine only."""

import json
import time
from dataclasses import replace

import pytest

from vicollapse.errors import StorageError
from vicollapse.sweep import calibration
from vicollapse.sweep.calibration import calibrate, measure, speed_path, store, stored
from vicollapse.sweep.points import points
from vicollapse.sweep.shards import plan_shards
from vicollapse.sweep.study import Study

STUDY = Study("s", experiment="fake", axes={"separation": tuple(range(1, 41)), "dimension": (2, 10)}, replicates=300)


@pytest.fixture
def clock(fake, monkeypatch):
    """Time that passes only in the experiment, which takes three times what it predicts; the calls that it got."""
    now, calls, original = [0.0], [], fake.run

    def run(blocks, **options):
        calls.append((list(blocks), options))
        factor = 6 if blocks[0].parameters.weights == "fixed" else 3
        now[0] += sum(factor * fake.seconds(b.parameters) * b.size for b in blocks)
        now[0] += 100 * (len(calls) == 1)  # compilation
        return original(blocks, **options)

    monkeypatch.setattr(fake, "run", run)
    monkeypatch.setattr(calibration.time, "perf_counter", lambda: now[0])
    return calls


def test_the_factor_is_found_and_compilation_is_not_in_it(fake, clock):
    speed = measure(points(STUDY), fake, seed=1, seconds=60)
    (entry,) = speed.measured
    assert entry.factor == pytest.approx(3)
    assert (speed.experiment, speed.version) == ("fake", 1)
    assert entry.static == {"weights": "softmax", "fates_only": False, "annealing.schedule": None}
    sizes = [sum(block.size for block in blocks) for blocks, _ in clock]
    assert sizes[0] == 1
    assert entry.trajectories == sum(sizes[1:])
    assert 2.6e-3 < entry.seconds < 6.1e-3  # 3 to 6 thousandths, from the cheapest to the dearest point
    assert entry.spread is not None
    assert all(options.get("threads", 1) == 1 and options.get("backend", "cpu") == "cpu" for _, options in clock)


def test_the_sample_is_spread_over_the_grid_and_uses_the_study_s_own_streams(fake, clock, tmp_path):
    measure(points(STUDY), fake, seed=7, seconds=600)
    blocks = [block for called, _ in clock[1:] for block in called]
    assert len({(b.parameters.separation, b.parameters.dimension) for b in blocks}) > 60
    assert {b.parameters.dimension for b in blocks[:16]} == {2, 10}
    assert max(b.parameters.separation for b in blocks[:16]) - min(b.parameters.separation for b in blocks[:16]) > 30
    study = replace(STUDY, seed=7, replicates=256)
    own = {block.key for shard in plan_shards(study, tmp_path, minutes=1e6) for block in shard.blocks()}
    assert {block.key for block in blocks[:16]} <= own


def test_static_parameters_are_measured_apart(fake, clock):
    study = replace(STUDY, axes=STUDY.axes | {"weights": ("fixed", "softmax")})
    speed = measure(points(study), fake, seed=1, seconds=60)
    assert [entry.static["weights"] for entry in speed.measured] == ["fixed", "softmax"]
    assert [entry.factor for entry in speed.measured] == pytest.approx([6, 3])
    model = fake.Parameters
    assert speed.factor(model(separation=1, weights="fixed")) == pytest.approx(6)
    assert speed.factor(model(separation=1, weights="softmax")) == pytest.approx(3)
    assert speed.factor(model(separation=1, fates_only=True)) == pytest.approx(4.5)  # not measured: the mean


def test_time_is_spent_as_asked(fake, clock):
    for seconds in (6, 60):
        before = calibration.time.perf_counter()
        first = len(clock) == 0
        measure(points(STUDY), fake, seed=1, seconds=seconds)
        took = calibration.time.perf_counter() - before - 100 * first
        assert 0.9 * seconds < took < 2 * seconds


def test_a_single_trajectory_is_enough_where_one_takes_long(fake, clock, monkeypatch):
    monkeypatch.setattr(fake, "seconds", lambda parameters: 50.0)
    (entry,) = measure(points(STUDY), fake, seed=1, seconds=5).measured
    assert (entry.trajectories, entry.spread) == (1, None)
    assert entry.seconds == pytest.approx(150)


def test_what_is_stored_is_found_again(fake, clock, tmp_path):
    assert stored(tmp_path, "fake") is None
    speed = calibrate(STUDY, tmp_path, 5)
    assert stored(tmp_path, "fake") == speed
    again = replace(speed, date="later")
    store(tmp_path, again)
    assert stored(tmp_path, "fake") == again
    assert len(json.loads(speed_path(tmp_path).read_text())["speeds"]) == 1


def test_other_machines_and_versions_do_not_count(fake, clock, tmp_path, monkeypatch):
    speed = calibrate(STUDY, tmp_path, 5)
    store(tmp_path, replace(speed, machine="another"))
    assert stored(tmp_path, "fake") == speed
    monkeypatch.setattr(calibration, "cpu_name", lambda: "another")
    assert stored(tmp_path, "fake").machine == "another"
    monkeypatch.setattr(calibration, "cpu_name", lambda: "a third")
    assert stored(tmp_path, "fake") is None
    monkeypatch.setattr(calibration, "cpu_name", lambda: speed.machine)
    monkeypatch.setattr(type(fake), "version", 2)
    assert stored(tmp_path, "fake") is None


@pytest.mark.parametrize("text", ["", "[]", "{", '{"format_version": 2, "speeds": []}', '{"format_version": 1}'])
def test_a_damaged_or_newer_file_only_means_that_nothing_is_known(fake, tmp_path, text):
    speed_path(tmp_path).write_text(text)
    assert stored(tmp_path, "fake") is None


def test_a_folder_that_cannot_be_written(fake, clock, tmp_path):
    (tmp_path / "results").touch()
    with pytest.raises(StorageError):
        calibrate(STUDY, tmp_path / "results" / "s", 5)


def test_real_time_is_measured(fake, monkeypatch):
    original = fake.run

    def run(blocks, **options):
        time.sleep(1e-5 * sum(block.size for block in blocks))
        return original(blocks, **options)

    monkeypatch.setattr(fake, "run", run)
    (entry,) = measure(points(STUDY), fake, seed=1, seconds=0.2).measured
    assert entry.seconds > 1e-5
