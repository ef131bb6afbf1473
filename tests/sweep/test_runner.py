"""A shard's file: what is in it, what is reused, and what is refused."""

import json
import logging
import os
import shutil
import socket
import threading
import time
import tracemalloc
from dataclasses import replace

import h5py
import numpy as np
import pytest
from hdf5_content import content

from vicollapse.errors import StorageError
from vicollapse.parallel.team import Solo
from vicollapse.sweep import batches, compute, cost, runner, shard_file
from vicollapse.sweep.lock import exclusive, holder
from vicollapse.sweep.points import blocks, points
from vicollapse.sweep.reduce import reduce
from vicollapse.sweep.runner import simulate
from vicollapse.sweep.shards import Shard
from vicollapse.sweep.study import Study

TIMES = (0.0, 1.0, 2.5)
STUDY = Study(
    "s", experiment="fake", axes={"weights": ("fixed", "softmax"), "separation": (0.5, 1.0, 2.0)}, replicates=600
)


@pytest.fixture
def shard(fake):
    return Shard("0123456789abcdef", "fake", 7, tuple(points(STUDY)), 0, 600, 5, TIMES)


@pytest.fixture
def small_batches(monkeypatch):
    monkeypatch.setattr(batches, "MAX_TRAJECTORIES", 400)


def parts_of(shard, folder):
    return sorted(p.name for p in shard_file.parts_folder(folder, shard.id).iterdir())


def stop_before_merging(shard, folder, monkeypatch):
    """Leave a folder with all parts of a shard, as a kill before the end does."""

    def fail(*arguments, **more):
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(shard_file, "merge", fail)
        with pytest.raises(RuntimeError, match="killed"):
            simulate(shard, folder)


@pytest.fixture
def runs(fake, monkeypatch):
    """How many trajectories every call of the experiment simulated."""
    calls, original = [], fake.run

    def run(items, **more):
        calls.append(sum(block.size for block in items))
        return original(items, **more)

    monkeypatch.setattr(fake, "run", run)
    return calls


def test_the_file_has_the_sums_of_every_block(fake, shard, tmp_path):
    path = simulate(shard, tmp_path)
    assert path == tmp_path / "shards" / f"{shard.id}.h5"
    assert not (tmp_path / "parts" / shard.id).exists()
    with h5py.File(path) as file:
        for i, point in enumerate(shard.points):
            own = blocks(fake, point.parameters, 600, 7)
            expected = reduce(fake, fake.run(own), np.array([256, 256, 88]))
            for name, array in expected.items():
                found = file[name][3 * i : 3 * i + 3]
                assert found.tobytes() == array.tobytes(), name
                assert found.dtype == array.dtype
            assert file["key"][i].decode() == point.key
            assert json.loads(file["coordinates"][i]) == list(point.coordinates)
            assert json.loads(file["parameters"][i])["separation"] == point.parameters.separation
        assert dict(file["provenance"].attrs)["backend"] == "cpu"


def test_kept_trajectories_are_those_of_the_first_replicates(fake, shard, tmp_path):
    with h5py.File(simulate(shard, tmp_path)) as file:
        assert file["time"][()].tolist() == list(TIMES)
        for i, point in enumerate(shard.points):
            (own,) = blocks(fake, point.parameters, 5, 7)
            trace = fake.trace([own], np.array(TIMES))
            np.testing.assert_array_equal(file["trajectories/means"][i], trace["means"])
            np.testing.assert_array_equal(file["trajectories/logit"][i], trace["logit"])
            np.testing.assert_array_equal(file["trajectories/outcome"][i], fake.run([own]).outcome)


def test_the_file_does_not_depend_on_batches(fake, shard, tmp_path, monkeypatch):
    expected = content(simulate(shard, tmp_path / "a"))
    monkeypatch.setattr(batches, "MAX_TRAJECTORIES", 1)
    assert content(simulate(shard, tmp_path / "b")) == expected
    monkeypatch.setattr(batches, "MAX_TRAJECTORIES", 700)
    monkeypatch.setattr(batches, "MAX_BYTES", 2**13)
    assert content(simulate(shard, tmp_path / "c")) == expected


def test_the_file_does_not_depend_on_threads(shard, tmp_path, monkeypatch, runs):
    expected = content(simulate(shard, tmp_path / "a", threads=1))
    runs.clear()
    monkeypatch.setattr(compute, "_SHORTEST_PIECE", 1)
    assert content(simulate(shard, tmp_path / "b", threads=3)) == expected
    assert sum(runs) == 3600 + 30
    assert runs[0] == 256  # alone: it compiles the kernel
    assert len(runs) > 12
    runs.clear()
    monkeypatch.setattr(compute, "_SHORTEST_PIECE", 1000)
    assert content(simulate(shard, tmp_path / "c", threads=3)) == expected
    assert runs == [1800, 1800, 15, 15]  # whole batches, and the kept trajectories


@pytest.mark.parametrize("threads", [1, 3])
def test_pieces_make_up_their_batch(fake, threads):
    worker = compute.Worker(Solo(), threads, "cpu")
    pieces = compute._pieces(fake, batches.Batch(5, 333), worker)
    assert [i for piece in pieces for i in range(piece.start, piece.stop)] == list(range(5, 333))
    lengths = [piece.stop - piece.start for piece in pieces]
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[-2] == compute._SHORTEST_PIECE >= lengths[-1]
    assert compute._pieces(fake, batches.Batch(5, 333), replace(worker, backend="gpu")) == [batches.Batch(5, 333)]


def test_an_experiment_may_ask_for_whole_batches(fake, shard, tmp_path, monkeypatch):
    expected, calls, original = content(simulate(shard, tmp_path / "a", threads=3)), [], fake.run

    def run(items, *, threads, **more):
        calls.append((sum(block.size for block in items), threads))
        return original(items, threads=threads, **more)

    monkeypatch.setattr(fake, "run", run)
    monkeypatch.setattr(type(fake), "divisible", False)
    monkeypatch.setattr(compute, "_SHORTEST_PIECE", 1)
    assert content(simulate(shard, tmp_path / "b", threads=3)) == expected
    assert calls == [(1800, 3), (1800, 3), (15, 3), (15, 3)]


def test_the_last_part_is_written_before_the_merge(shard, tmp_path, small_batches, monkeypatch):
    order, write, merge = [], runner.write_part, shard_file.merge

    def slow_write(part, *rest):
        time.sleep(0.05)
        write(part, *rest)
        order.append(part.batch.name)

    monkeypatch.setattr(runner, "write_part", slow_write)
    monkeypatch.setattr(shard_file, "merge", lambda *rest: (order.append("merge"), merge(*rest)))
    simulate(shard, tmp_path)
    assert len(order) == 12 + 2 + 1
    assert order[-1] == "merge"


def test_batches_cover_every_block_once_within_their_limits(fake, shard, monkeypatch):
    monkeypatch.setattr(batches, "MAX_TRAJECTORIES", 1200)
    shard = replace(shard, keep_trajectories=0)
    found = batches.batches(shard, fake)
    items = [i for batch in found for i in range(batch.start, batch.stop)]
    assert items == list(range(18))
    static = [{b.parameters.weights for b in batches.batch_blocks(shard, batch)} for batch in found]
    assert all(len(values) == 1 for values in static)
    sizes = [batches.sizes(shard, batch) for batch in found]
    assert max(s.sum() for s in sizes) <= 1200
    for batch, size in zip(found, sizes, strict=True):
        assert [b.size for b in batches.batch_blocks(shard, batch)] == size.tolist()
    assert found == batches.batches(shard, fake)


def test_predicted_time_limits_a_batch(fake, shard, monkeypatch):
    monkeypatch.setattr(fake, "seconds", lambda parameters: 0.019 if parameters.weights == "fixed" else 1e-6)
    shard = replace(shard, keep_trajectories=0)
    found = [batches.sizes(shard, batch).sum() for batch in batches.batches(shard, fake)]
    assert found == [512, 344, 344, 512, 88, 1800]


def covered(found, trace):
    return [i for batch in found if batch.trace == trace for i in range(batch.start, batch.stop)]


def test_batches_fill_what_earlier_ones_have_left(fake, shard):
    done = [batches.Batch(2, 5), batches.Batch(7, 8), batches.Batch(1, 3, trace=True)]
    found = batches.batches(shard, fake, done=done)
    assert covered(found, trace=False) == [0, 1, 5, 6, *range(8, 18)]
    assert covered(found, trace=True) == [0, 3, 4, 5]
    assert {batch.name for batch in found if batch.trace} == {"trace-00000000-00000001", "trace-00000003-00000006"}


def test_several_ranks_get_several_batches_each(fake, shard):
    shard = replace(shard, stop=256 * 100, keep_trajectories=0)
    for ranks in (2, 5):
        found = batches.batches(shard, fake, batches.limits(shard, fake, ranks=ranks))
        assert covered(found, trace=False) == list(range(600))
        assert len(found) >= 0.9 * ranks * batches.BATCHES_PER_RANK


def test_the_memory_of_a_device_limits_a_batch(fake, shard):
    shard = replace(shard, stop=256 * 100, keep_trajectories=0)
    found = batches.batches(shard, fake, batches.limits(shard, fake, memory=1024 * fake.bytes_per_trajectory(None)))
    assert max(batches.sizes(shard, batch).sum() for batch in found) == 1024


def test_a_gpu_gets_larger_batches_within_its_memory(fake, shard):
    shard = replace(shard, stop=2**20, keep_trajectories=0, points=shard.points[:2])
    cheap = replace(batches.limits(shard, fake, backend="gpu"), seconds=1e9)
    assert max(batches.sizes(shard, batch).sum() for batch in batches.batches(shard, fake, cheap)) == 2**20
    assert cheap.bytes == 4 * batches.MAX_BYTES
    assert batches.limits(shard, fake, backend="gpu", memory=1e6).bytes == 1e6
    assert batches.limits(shard, fake, backend="gpu", memory=1e12).bytes == cheap.bytes
    more = cost.shard_memory(shard, "gpu") - cost.shard_memory(shard)
    assert 0 < more <= 3 * batches.MAX_BYTES


def test_memory_does_not_grow_with_the_number_of_trajectories(fake, shard, tmp_path, monkeypatch):
    monkeypatch.setattr(batches, "MAX_TRAJECTORIES", 8192)
    peaks = []
    for i, replicates in enumerate((16_384, 16_384, 131_072)):  # the first time fills caches
        tracemalloc.start()
        simulate(replace(shard, stop=replicates, points=shard.points[:1]), tmp_path / str(i))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[2] < 1.25 * peaks[1], peaks


def test_progress_counts_every_trajectory(shard, tmp_path, small_batches, monkeypatch):
    stop_before_merging(shard, tmp_path, monkeypatch)
    for _ in range(2):  # the second time the file is there already
        seen = []
        simulate(shard, tmp_path, progress=seen.append)
        assert sum(seen) == 3600


def test_a_finished_shard_is_not_repeated(shard, tmp_path, runs):
    path = simulate(shard, tmp_path)
    before, count = path.stat(), len(runs)
    simulate(shard, tmp_path)
    assert len(runs) == count
    assert path.stat() == before


def test_parts_of_a_killed_run_are_not_repeated(shard, tmp_path, small_batches, runs, monkeypatch):
    expected = content(simulate(shard, tmp_path / "undisturbed"))
    stop_before_merging(shard, tmp_path, monkeypatch)
    assert len([name for name in parts_of(shard, tmp_path) if name.endswith(".h5")]) == 12 + 2
    runs.clear()
    path = simulate(shard, tmp_path)
    assert runs == []
    assert content(path) == expected


def damage(path):
    path.write_bytes(path.read_bytes()[:1500])


def replace_by_another(path):
    shutil.copy(path.with_name("00000000-00000001.h5"), path)


@pytest.mark.parametrize(("harm", "message"), [(damage, "is damaged"), (replace_by_another, "belongs to another")])
def test_a_bad_part_alone_is_computed_again(shard, tmp_path, small_batches, runs, monkeypatch, caplog, harm, message):
    expected = content(simulate(shard, tmp_path / "undisturbed"))
    stop_before_merging(shard, tmp_path, monkeypatch)
    harm(shard_file.parts_folder(tmp_path, shard.id) / "00000003-00000004.h5")
    runs.clear()
    with caplog.at_level(logging.WARNING):
        path = simulate(shard, tmp_path)
    assert runs == [256]
    assert len(caplog.records) == 1
    assert message in caplog.text
    assert "this batch alone is computed again" in caplog.text
    assert content(path) == expected


def test_a_part_of_another_version_is_computed_again(fake, shard, tmp_path, small_batches, runs, monkeypatch, caplog):
    stop_before_merging(shard, tmp_path, monkeypatch)
    runs.clear()
    monkeypatch.setattr(type(fake), "version", 2)
    simulate(shard, tmp_path)
    assert sum(runs) == 3600 + 5 * 6
    assert "version is '1', expected '2'" in caplog.text


def test_a_truncated_shard_is_computed_again(shard, tmp_path, caplog):
    path = simulate(shard, tmp_path)
    expected = content(path)
    damage(path)
    assert content(simulate(shard, tmp_path)) == expected
    assert "is damaged" in caplog.text


def test_a_shard_of_another_version_is_refused(fake, shard, tmp_path, monkeypatch):
    path = simulate(shard, tmp_path)
    before = path.read_bytes()
    monkeypatch.setattr(type(fake), "version", 2)
    with pytest.raises(StorageError, match="version is '1', expected '2'; move it away or delete it"):
        simulate(shard, tmp_path)
    assert path.read_bytes() == before


def test_a_shard_with_other_histogram_bins_is_refused(fake, shard, tmp_path, monkeypatch):
    simulate(shard, tmp_path)
    monkeypatch.setattr(type(fake), "observables", fake.observables[:1])
    with pytest.raises(StorageError, match="layout is"):
        simulate(shard, tmp_path)


def test_a_failure_of_the_experiment_is_noted_and_then_forgotten(fake, shard, tmp_path, monkeypatch):
    def fail(items, **more):
        raise FloatingPointError("a bad number")

    note = shard_file.parts_folder(tmp_path, shard.id) / "error.txt"
    with monkeypatch.context() as patch:
        patch.setattr(fake, "run", fail)
        with pytest.raises(FloatingPointError):
            simulate(shard, tmp_path)
    assert note.read_text() == "FloatingPointError: a bad number\n"
    simulate(shard, tmp_path)
    assert not note.exists()


def test_a_second_run_of_a_shard_is_refused_with_the_holder(shard, tmp_path, monkeypatch):
    lock = shard_file.parts_folder(tmp_path, shard.id) / "lock"
    with exclusive(lock):
        assert holder(lock)["pid"] == os.getpid()
        with pytest.raises(StorageError, match=f"in use by process {os.getpid()} on {socket.gethostname()}; wait"):
            simulate(shard, tmp_path)
    assert holder(lock) is None
    simulate(shard, tmp_path)


def test_a_waiting_run_does_not_lock_a_deleted_file(shard, tmp_path):
    lock = tmp_path / "parts" / "lock"
    entered, leave = threading.Event(), threading.Event()

    def hold():
        with exclusive(lock):
            entered.set()
            leave.wait(10)
            lock.unlink()

    thread = threading.Thread(target=hold)
    thread.start()
    entered.wait(10)
    timer = threading.Timer(0.2, leave.set)
    timer.start()
    with exclusive(lock):
        assert holder(lock) is not None  # through the path, so the lock is on the file that is there
    thread.join()


def test_no_space_left_keeps_the_finished_parts(shard, tmp_path, small_batches, runs, monkeypatch):
    original, written = os.pwrite, []

    def pwrite(descriptor, data, position):
        written.append(len(data))
        if sum(written) > 150_000:
            raise OSError(28, "No space left on device")
        return original(descriptor, data, position)

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", pwrite)
        with pytest.raises(StorageError, match=r"no space left .* free some and run again"):
            simulate(shard, tmp_path)
    kept = [name for name in parts_of(shard, tmp_path) if name.endswith(".h5")]
    assert 0 < len(kept) < 12
    runs.clear()
    simulate(shard, tmp_path)
    assert len(runs) == 12 - len(kept) + 2


def test_a_results_folder_that_is_a_file(shard, tmp_path):
    (tmp_path / "results").write_text("")
    with pytest.raises(StorageError, match=r"cannot write .*results.*run again"):
        simulate(shard, tmp_path / "results")
