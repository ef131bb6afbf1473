"""What a study will cost, and whether there is room for it."""

import shutil
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import pytest

from vicollapse.errors import ConfigError, StorageError
from vicollapse.sweep import resources
from vicollapse.sweep.calibration import Measured, Speed, store
from vicollapse.sweep.plan import estimate, explain_times, table
from vicollapse.sweep.provenance import cpu_name
from vicollapse.sweep.resources import available_memory, check_resources, format_bytes
from vicollapse.sweep.shards import plan_shards
from vicollapse.sweep.study import Config, Study

STUDY = Study("s", experiment="fake", axes={"separation": (1.0, 2.0, 3.0), "dimension": (2, 10)}, replicates=300)
Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def config(fake, tmp_path):
    """A config with one study whose results go to a temporary folder."""
    return Config(tmp_path / "config.yaml", {"s": STUDY}, {}, results=tmp_path / "results", shard_minutes=0.01)


def test_an_estimate_counts_and_adds_up(config, fake):
    plan = estimate(config, STUDY)
    shards = plan_shards(STUDY, config.results / "s", minutes=0.01)
    work = 300 * sum(fake.seconds(fake.Parameters(separation=1, dimension=d)) * 3 for d in (2, 10))
    assert (plan.study, plan.points, plan.trajectories, plan.trajectories_left) == ("s", 6, 1800, 1800)
    assert (plan.shards_total, plan.shards_done) == (len(shards), 0)
    assert plan.shards_total > 1
    assert plan.core_seconds == pytest.approx(work + len(shards) * 1.0)
    assert plan.disk_bytes == plan.disk_bytes_left > 6 * 8 * (4 + 1 + 1 + 2 * 10 + 12)
    assert not config.results.exists()


def test_what_is_done_is_not_counted_again(config):
    folder = config.results / "s"
    shards = plan_shards(STUDY, folder, minutes=0.01, register=True)
    (folder / "shards").mkdir()
    (folder / "shards" / f"{shards[0].id}.h5").touch()
    before, plan = estimate(replace(config, results=Path("none")), STUDY), estimate(config, STUDY)
    assert plan.shards_done == 1
    assert plan.trajectories_left == before.trajectories_left - shards[0].trajectories
    assert plan.core_seconds < before.core_seconds
    assert plan.disk_bytes_left < before.disk_bytes_left == plan.disk_bytes
    for shard in shards[1:]:
        (folder / "shards" / f"{shard.id}.h5").touch()
    plan = estimate(config, STUDY)
    assert (plan.trajectories_left, plan.core_seconds, plan.disk_bytes_left) == (0, 0, 0)


def test_kept_trajectories_and_blocks_cost_disk(config):
    plain = estimate(config, STUDY).disk_bytes
    kept = estimate(config, replace(STUDY, keep_trajectories=10, save_times=(0.0, 1.0))).disk_bytes
    assert kept - plain >= 6 * 10 * 2 * 7 * 8
    assert estimate(config, replace(STUDY, replicates=30_000)).disk_bytes > plain


def test_memory_does_not_grow_with_the_replicates_for_ever(config):
    few, many, more = (estimate(config, replace(STUDY, replicates=n)).memory_bytes for n in (256, 10**6, 10**7))
    assert few < many
    assert more < 1.5 * many
    assert many < 2e9


def test_the_table(config):
    plan = replace(estimate(config, STUDY), core_seconds=7200.0, memory_bytes=400_000_000, disk_bytes=12_345)
    heading, rows = table([plan], threads=4)
    assert heading[-1] == "time on 4 threads (predicted)"
    assert rows == [("s", "6", str(plan.shards_total), "0", "1,800", "1,800", "400 MB", "12.3 kB", "30 min")]
    rows = table([plan, replace(plan, study="t", memory_bytes=5)])[1]
    assert [row[0] for row in rows] == ["s", "t", "all"]
    assert rows[2][4] == "3,600"
    assert rows[2][6] == "400 MB"
    assert plan.as_dict()["points"] == 6


def test_a_measured_speed_changes_the_time_and_nothing_else(config, fake):
    before, shards = estimate(config, STUDY), plan_shards(STUDY, config.results / "s", minutes=0.01)
    static = dict.fromkeys(fake.static) | {"weights": "softmax", "fates_only": False}
    speed = Speed(cpu_name(), "fake", 1, "2026-01-02T03:04:05+00:00", (Measured(static, 2e-5, 1e-6, 3.0, 512),))
    store(config.results / "s", speed)
    after = estimate(config, STUDY)
    assert plan_shards(STUDY, config.results / "s", minutes=0.01) == shards
    start_up = len(shards) * 1.0
    assert after.core_seconds - start_up == pytest.approx(3 * (before.core_seconds - start_up))
    assert replace(after, core_seconds=before.core_seconds, speed=None) == before
    assert table([after])[0][-1] == "time on 1 thread (measured here)"
    assert table([before, after], 2)[0][-1] == "time on 2 threads (measured here or predicted)"
    measured, predicted = explain_times([after, replace(before, study="t")])
    assert measured.startswith(
        "s: one core takes for a trajectory 20 ± 1 µs, 3.00 times the prediction (measured 2026-"
    )
    assert predicted == "t: predicted; `vicollapse plan --measure` measures on this machine"
    assert (after.as_dict()["time"], before.as_dict()["time"]) == ("measured", "predicted")


def test_enough_room_passes_and_leaves_no_trace(config):
    check_resources([estimate(config, STUDY)], config.results)
    check_resources([], config.results)
    assert list(config.results.parent.iterdir()) == []


def test_a_full_disk_is_noticed_before(config, monkeypatch, tmp_path):
    plan = replace(estimate(config, STUDY), disk_bytes_left=2_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**7, 6 * 10**6, 3_000_000))
    check_resources([plan], config.results)
    with pytest.raises(StorageError) as caught:
        check_resources([plan, plan], config.results)
    assert str(caught.value) == (
        f"the results need about 4 MB, but {tmp_path} has 3 MB left; "
        "free space, set 'results' to another disk, or lower 'replicates' or 'keep_trajectories'"
    )


def test_too_little_memory_is_noticed_before(config, monkeypatch):
    plan = replace(estimate(config, STUDY), memory_bytes=2_000)
    monkeypatch.setattr(resources, "available_memory", lambda: 1_000)
    with pytest.raises(ConfigError, match=r"one process needs about 2 kB of memory, but 1 kB are available; close"):
        check_resources([plan], config.results)
    monkeypatch.setattr(resources, "available_memory", lambda: None)
    check_resources([plan], config.results)


def test_a_folder_that_cannot_be_written_is_noticed_before(config, monkeypatch):
    config.results.touch()
    with pytest.raises(StorageError, match="is a file, not a folder; rename it, or change 'results'"):
        check_resources([], config.results / "deeper")

    def refuse(**_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(resources.tempfile, "TemporaryFile", refuse)
    config.results.unlink()
    with pytest.raises(
        StorageError, match=r"nothing can be written there \(Permission denied\); check the permissions"
    ):
        check_resources([], config.results)


def test_memory_limits_of_machine_and_container(monkeypatch, tmp_path):
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal: 16000 kB\nMemAvailable:    8000 kB\n")
    monkeypatch.setattr(resources, "_MEMINFO", meminfo)
    monkeypatch.setattr(resources, "_CGROUP", tmp_path)
    assert available_memory() == 8000 * 1024
    (tmp_path / "memory.current").write_text("1000\n")
    for limit, expected in (("max\n", 8000 * 1024), ("5000\n", 4000), ("500\n", 0)):
        (tmp_path / "memory.max").write_text(limit)
        assert available_memory() == expected


def test_memory_of_this_machine():
    assert (available_memory() or 10**9) > 10**7


@pytest.mark.parametrize("inner", ["max", "700"])
def test_the_limits_of_a_job_and_of_what_is_around_it(inner, tmp_path):
    (tmp_path / "self").write_text("0::/slurm/job_7/step\n")
    step = tmp_path / "root/slurm/job_7/step"
    step.mkdir(parents=True)
    for folder, limit, used in ((step, inner, "100"), (step.parent, "1000", "300"), (step.parent.parent, "max", "5")):
        (folder / "memory.max").write_text(limit + "\n")
        (folder / "memory.current").write_text(used + "\n")
    assert resources.job_memory(tmp_path / "self", tmp_path / "root") == {"max": 700, "700": 600}[inner]


def test_the_limits_of_a_job_under_the_first_version_of_control_groups(tmp_path):
    (tmp_path / "self").write_text("5:cpu:/elsewhere\n4:memory:/job\n0::/\n")
    job = tmp_path / "root/memory/job"
    job.mkdir(parents=True)
    (job / "memory.limit_in_bytes").write_text("500")
    (job / "memory.usage_in_bytes").write_text("600")
    assert resources.job_memory(tmp_path / "self", tmp_path / "root") == 0
    assert resources.job_memory(tmp_path / "nowhere", tmp_path / "root") is None


def test_sizes_for_people():
    assert [format_bytes(n) for n in (0, 999, 1500, 2.5e9, 3e13)] == ["0 B", "999 B", "1.5 kB", "2.5 GB", "30 TB"]
