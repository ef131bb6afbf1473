"""Plans: every replicate of every point once, nothing computed twice, the same answer every time."""

import json
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from vicollapse.errors import ConfigError, StorageError
from vicollapse.sweep.ledger import ledger_path, read_ledger
from vicollapse.sweep.partition import Piece, partition
from vicollapse.sweep.points import points
from vicollapse.sweep.shards import find_shard, plan_shards
from vicollapse.sweep.study import Study

BASE = Study("s", experiment="fake", axes={"separation": (1.0, 2.0, 3.0), "dimension": (2, 10)}, replicates=300)


@pytest.fixture
def folder(fake, tmp_path):
    """The folder of a study, which does not exist yet."""
    return tmp_path / "results" / "s"


def finish(folder: Path, *shards) -> None:
    """Pretend that these shards are computed."""
    (folder / "shards").mkdir(parents=True, exist_ok=True)
    for shard in shards:
        (folder / "shards" / f"{shard.id}.h5").touch()


def begin(folder: Path, shard) -> None:
    """Pretend that a shard has been started."""
    (folder / "parts" / shard.id).mkdir(parents=True)


def counted(study, shards) -> Counter:
    """How often each (point, replicate) is counted, by the rule of `plan_shards`; keepers of one block aside."""
    wanted = {point.key for point in points(study)}
    found: Counter = Counter()
    for shard in sorted(shards, key=lambda s: -s.stop):
        stop = shard.stop if shard.stop == study.replicates else shard.stop // 256 * 256
        rows = [point.key for point in shard.points if point.key in wanted]
        repeats = shard.keep_trajectories and shard.stop <= 256 and all((key, 0) in found for key in rows)
        if stop <= study.replicates and not repeats:
            found.update((key, replicate) for key in rows for replicate in range(shard.first, stop))
    return found


def assert_covers(study, shards) -> None:
    found = counted(study, shards)
    assert found == Counter((p.key, r) for p in points(study) for r in range(study.replicates))
    if study.keep_trajectories:
        kept = {
            p.key for s in shards if s.first == 0 and s.keep_trajectories >= study.keep_trajectories for p in s.points
        }
        assert {p.key for p in points(study)} <= kept


def ids(shards) -> list[str]:
    return [shard.id for shard in shards]


def test_a_small_study_is_one_shard(folder):
    (shard,) = plan_shards(BASE, folder, minutes=2)
    assert [p.coordinates for p in shard.points] == [p.coordinates for p in points(BASE)]
    assert (shard.first, shard.stop, shard.trajectories) == (0, 300, 1800)
    assert [block.size for block in shard.blocks()] == [256, 44] * 6
    assert len({block.key for block in shard.blocks()}) == 12
    assert not folder.exists()


def test_the_id_is_pinned(folder):
    assert ids(plan_shards(BASE, folder, minutes=2)) == ["1a29c6e93c81b4ad"]


def test_points_that_share_static_parameters_stay_together(folder):
    study = replace(BASE, axes={"separation": tuple(map(float, range(1, 41))), "weights": ("fixed", "softmax")})
    shards = plan_shards(study, folder, minutes=0.1)
    assert len(shards) > 2
    assert all(len({p.parameters.weights for p in shard.points}) == 1 for shard in shards)
    assert_covers(study, shards)


def test_shards_have_about_the_same_time(fake, folder):
    study = replace(
        BASE, axes={"separation": tuple(map(float, range(1, 41))), "dimension": (1, 10**9)}, replicates=2000
    )
    shards = plan_shards(study, folder, minutes=1)
    seconds = [sum(fake.seconds(p.parameters) for p in s.points) * (s.stop - s.first) for s in shards]
    assert max(seconds) < 90
    assert min(seconds) > 15
    assert_covers(study, shards)


def test_a_point_of_many_replicates_is_cut_at_blocks(folder):
    study = replace(BASE, axes={"separation": (1.0,)}, replicates=100_000, keep_trajectories=5, save_times=(1.0,))
    shards = plan_shards(study, folder, minutes=0.25)
    assert len(shards) > 3
    assert all(shard.first % 256 == 0 for shard in shards)
    assert [shard.keep_trajectories for shard in shards] == [5] + [0] * (len(shards) - 1)
    assert [shard.save_times for shard in shards] == [(1.0,)] + [()] * (len(shards) - 1)
    assert_covers(study, shards)


def test_never_too_many_shards(folder):
    study = replace(BASE, axes={"separation": tuple(map(float, range(1, 1001)))}, replicates=10_000)
    shards = plan_shards(study, folder, minutes=0.01)
    assert 100 < len(shards) <= 400


def test_more_values_of_an_axis_compute_the_new_points_only(folder):
    old = plan_shards(BASE, folder, minutes=2, register=True)
    finish(folder, *old)
    wider = replace(BASE, axes={"dimension": (2, 10, 50), "separation": (0.5, 1.0, 2.0, 3.0)})
    shards = plan_shards(wider, folder, minutes=2)
    assert shards[0].id == old[0].id
    assert sum(shard.trajectories for shard in shards[1:]) == 6 * 300
    assert {p.coordinates for p in shards[0].points} == {(d, s) for d in (2, 10) for s in (1.0, 2.0, 3.0)}
    assert_covers(wider, shards)


def test_more_replicates_make_new_blocks_and_replace_the_short_one(folder):
    old = plan_shards(BASE, folder, minutes=2, register=True)
    finish(folder, *old)
    more = replace(BASE, replicates=1000)
    first, second = plan_shards(more, folder, minutes=2, register=True)
    assert (first.id, second.first, second.stop) == (old[0].id, 256, 1000)
    assert_covers(more, [first, second])
    finish(folder, second)
    assert ids(plan_shards(BASE, folder, minutes=2)) == ids(old)


def test_fewer_replicates_use_what_consists_of_wanted_blocks(folder):
    study = replace(BASE, replicates=256)
    (old,) = plan_shards(study, folder, minutes=2, register=True)
    finish(folder, old)
    finish(folder, *plan_shards(replace(BASE, replicates=512), folder, minutes=2, register=True))
    assert ids(plan_shards(study, folder, minutes=2)) == [old.id]
    assert [(s.first, s.stop) for s in plan_shards(BASE, folder, minutes=2)] == [(0, 256), (256, 300)]


def test_fewer_values_of_an_axis_use_the_shards_there_are(folder):
    old = plan_shards(BASE, folder, minutes=2, register=True)
    narrow = replace(BASE, axes={"separation": (2.0,), "dimension": (10,)})
    (replanned,) = plan_shards(narrow, folder, minutes=2)
    assert len(replanned.points) == 1
    finish(folder, *old)
    (kept,) = plan_shards(narrow, folder, minutes=2)
    assert kept == old[0]
    assert_covers(narrow, [kept])


def test_a_shard_that_has_begun_is_finished(folder):
    (old,) = plan_shards(BASE, folder, minutes=2, register=True)
    begin(folder, old)
    narrow = replace(BASE, axes={"separation": (2.0,), "dimension": (10,)})
    assert ids(plan_shards(narrow, folder, minutes=2)) == [old.id]


def test_kept_trajectories_alone_cost_one_block(folder):
    finish(folder, *plan_shards(replace(BASE, replicates=1000), folder, minutes=2, register=True))
    study = replace(BASE, replicates=1000, keep_trajectories=4, save_times=(0.0, 1.0))
    old, new = plan_shards(study, folder, minutes=2, register=True)
    assert (new.first, new.stop, new.keep_trajectories) == (0, 256, 4)
    assert_covers(study, [old, new])
    assert ids(plan_shards(study, folder, minutes=2)) == [old.id, new.id]
    finish(folder, new)
    assert ids(plan_shards(study, folder, minutes=2)) == [old.id, new.id]
    assert ids(plan_shards(replace(study, keep_trajectories=2), folder, minutes=2)) == [old.id, new.id]
    other_times = plan_shards(replace(study, save_times=(0.0, 2.0)), folder, minutes=2)
    assert other_times[0].id == old.id
    assert other_times[1].id != new.id


def test_another_seed_version_or_parameter_uses_nothing(fake, folder, monkeypatch):
    old = ids(plan_shards(BASE, folder, minutes=2, register=True))
    finish(folder, *plan_shards(BASE, folder, minutes=2))
    for other in (replace(BASE, seed=2), replace(BASE, parameters={"t_end": 5.0})):
        assert not set(old) & set(ids(plan_shards(other, folder, minutes=2)))
    assert ids(plan_shards(replace(BASE, name="other", parameters={"init_scale": 0.1}), folder, minutes=2)) == old
    monkeypatch.setattr(type(fake), "version", 2)
    assert not set(old) & set(ids(plan_shards(BASE, folder, minutes=2)))


def test_another_shard_size_replans_what_has_not_begun(folder):
    study = replace(BASE, replicates=10_000)
    old = plan_shards(study, folder, minutes=0.5, register=True)
    finish(folder, old[0])
    new = plan_shards(study, folder, minutes=2, register=True)
    assert new[0].id == old[0].id
    assert len(new) < len(old)
    assert_covers(study, new)


def test_find_shard_in_ledger_and_out_of_it(folder):
    (planned,) = plan_shards(BASE, folder, minutes=2)
    assert not folder.exists()
    assert find_shard(BASE, folder, planned.id) == planned
    assert [entry.id for entry in read_ledger(folder)] == [planned.id]
    assert (
        find_shard(replace(BASE, axes={"dimension": (2,), "separation": (9.0,)}), folder, planned.id).id == planned.id
    )
    assert find_shard(BASE, folder, planned.id) == planned
    with pytest.raises(ConfigError, match="study 's' has no shard 'feed'"):
        find_shard(BASE, folder, "feed")


def test_the_ledger_is_not_touched_when_nothing_changes(folder):
    plan_shards(BASE, folder, minutes=2, register=True)
    before = ledger_path(folder).stat()
    plan_shards(BASE, folder, minutes=2, register=True)
    after = ledger_path(folder).stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert [path.name for path in folder.iterdir()] == ["shards.json"]


def test_an_entry_that_is_neither_wanted_nor_begun_is_forgotten_the_others_stay(folder):
    (idle,) = plan_shards(BASE, folder, minutes=2, register=True)
    (done,) = plan_shards(replace(BASE, seed=2), folder, minutes=2, register=True)
    finish(folder, done)
    plan_shards(replace(BASE, seed=3), folder, minutes=2, register=True)
    known = [entry.id for entry in read_ledger(folder)]
    assert idle.id not in known
    assert known[0] == done.id
    assert len(known) == 2


@pytest.mark.parametrize(
    "damage", ["", "{", "[]", '{"format_version": 1}', '{"format_version": 1, "shards": [{"id": "x"}]}']
)
def test_a_damaged_ledger_is_planned_anew(folder, damage):
    old = plan_shards(BASE, folder, minutes=2, register=True)
    ledger_path(folder).write_text(damage)
    with pytest.warns(UserWarning, match=r"shards\.json is damaged"):
        assert plan_shards(BASE, folder, minutes=2, register=True) == old
    assert plan_shards(BASE, folder, minutes=2) == old


def test_an_entry_that_was_tampered_with_is_damage(folder):
    plan_shards(BASE, folder, minutes=2, register=True)
    data = json.loads(ledger_path(folder).read_text())
    data["shards"][0]["stop"] = 512
    ledger_path(folder).write_text(json.dumps(data))
    with pytest.warns(UserWarning, match="damaged"):
        assert read_ledger(folder) == []


def test_a_newer_ledger_is_refused(folder):
    folder.mkdir(parents=True)
    ledger_path(folder).write_text('{"format_version": 99, "shards": []}')
    with pytest.raises(StorageError, match="written by a newer vicollapse; upgrade"):
        plan_shards(BASE, folder, minutes=2)


def test_a_folder_that_cannot_be_written_is_no_obstacle_to_a_plan(folder):
    folder.parent.mkdir()
    folder.touch()
    assert len(plan_shards(BASE, folder, minutes=2)) == 1
    with pytest.raises(StorageError, match=r"shards\.json: cannot be written"):
        plan_shards(BASE, folder, minutes=2, register=True)


def test_a_failed_write_leaves_the_old_ledger(folder, monkeypatch):
    plan_shards(BASE, folder, minutes=2, register=True)
    before = ledger_path(folder).read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(StorageError, match="No space left on device; free space"):
        plan_shards(replace(BASE, replicates=500), folder, minutes=2, register=True)
    assert ledger_path(folder).read_bytes() == before
    assert [path.name for path in folder.iterdir()] == ["shards.json"]


studies = st.builds(
    lambda separation, dimension, replicates, keep, turned: replace(
        BASE,
        axes=dict(sorted({"separation": separation, "dimension": dimension}.items(), reverse=turned)),
        replicates=replicates,
        keep_trajectories=min(keep, replicates),
        save_times=(1.0, 2.0) if keep else (),
    ),
    st.lists(st.sampled_from([0.5, 1.0, 2.0, 4.0]), min_size=1, unique=True).map(tuple),
    st.lists(st.sampled_from([2, 10, 1000]), min_size=1, unique=True).map(tuple),
    st.sampled_from([1, 255, 256, 257, 512, 700, 1024, 1300]),
    st.sampled_from([0, 0, 2, 4]),
    st.booleans(),
)


def test_points_that_lack_only_kept_trajectories_are_not_mixed_with_new_ones(folder):
    first = replace(BASE, axes={"separation": (1.0,)}, replicates=256)
    finish(folder, *plan_shards(first, folder, minutes=2, register=True))
    study = replace(first, axes={"separation": (1.0, 2.0)}, keep_trajectories=2, save_times=(1.0,))
    shards = plan_shards(study, folder, minutes=2, register=True)
    assert [[p.coordinates for p in shard.points] for shard in shards] == [[(1.0,)], [(2.0,)], [(1.0,)]]
    finish(folder, *shards)
    assert plan_shards(study, folder, minutes=2) == shards


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    history=st.lists(
        st.tuples(studies, st.sampled_from([0.01, 0.05, 2.0]), st.integers(0, 2**16), st.booleans()),
        min_size=1,
        max_size=4,
    )
)
def test_any_history_of_edits_covers_everything_once_and_is_stable(fake, history):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "s"
        for study, minutes, which, register in history:
            shards = plan_shards(study, folder, minutes=minutes, register=register)
            assert_covers(study, shards)
            assert len(set(ids(shards))) == len(shards)
            assert plan_shards(study, folder, minutes=minutes) == shards
            for shard in (shard for i, shard in enumerate(shards) if which >> (i % 16) & 1):
                assert find_shard(study, folder, shard.id, minutes=minutes) == shard
                finish(folder, shard)
            assert plan_shards(study, folder, minutes=minutes) == shards
            if register:
                assert all(find_shard(study, folder, shard.id, minutes=minutes) == shard for shard in shards)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(study=studies, more=st.sampled_from([512, 1024, 2048]), minutes=st.sampled_from([0.01, 2.0]))
def test_extension_keeps_every_whole_block(fake, study, more, minutes):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "s"
        old = plan_shards(study, folder, minutes=minutes, register=True)
        finish(folder, *old)
        wider = replace(
            study,
            axes={**study.axes, "separation": (*study.axes["separation"], 8.0)},
            replicates=study.replicates + more,
        )
        new = plan_shards(wider, folder, minutes=minutes)
        assert_covers(wider, new)
        assert {shard.id for shard in old if shard.stop // 256 * 256 > shard.first} <= set(ids(new))


@given(
    seconds=st.lists(st.floats(0, 10), min_size=1, max_size=30),
    stop=st.integers(1, 5000),
    target=st.floats(1e-3, 1e5),
    most=st.integers(1, 50),
    groups=st.integers(1, 5),
)
@example(seconds=[1.0, 0.0], stop=1, target=1.0, most=1, groups=1)
def test_a_partition_is_exact_bounded_and_in_whole_blocks(seconds, stop, target, most, groups):
    whole = Piece(tuple(range(len(seconds))), 0, stop)
    labels = [row % groups for row in whole.rows]
    pieces = partition([whole], seconds, labels, target, most)
    assert 1 <= len(pieces) <= most
    blocks = Counter((row, b) for p in pieces for row in p.rows for b in range(p.first // 256, -(-p.stop // 256)))
    assert blocks == Counter((row, b) for row in whole.rows for b in range(-(-stop // 256)))
    assert all(p.first % 256 == 0 and (p.stop % 256 == 0 or p.stop == stop) for p in pieces)
    assert pieces == partition([whole], seconds, labels, target, most)
