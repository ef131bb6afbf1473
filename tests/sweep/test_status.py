"""What `status` and the progress lines say."""

import io
import json
import os
import socket
import threading
import time
from dataclasses import replace

import h5py
import pytest

from vicollapse.sweep import batches, shard_file, shard_state
from vicollapse.sweep.aggregate import aggregate
from vicollapse.sweep.calibration import Measured, Speed, store
from vicollapse.sweep.lock import exclusive, holder
from vicollapse.sweep.progress import duration, progress_bar
from vicollapse.sweep.provenance import cpu_name
from vicollapse.sweep.runner import simulate
from vicollapse.sweep.shard_state import ShardState
from vicollapse.sweep.shards import plan_shards
from vicollapse.sweep.status import Status, study_status
from vicollapse.sweep.status_table import accuracy, problems, shard_table, table
from vicollapse.sweep.study import Study

STUDY = Study("s", experiment="fake", axes={"separation": (1.0, 2.0, 3.0, 4.0)}, replicates=512)


@pytest.fixture
def shards(fake, tmp_path):
    found = plan_shards(STUDY, tmp_path, minutes=0.0112, register=True)
    assert len(found) == 4
    return found


def interrupt(shard, folder, fake, monkeypatch, error, after):
    """Simulate until the experiment fails in call number `after`."""
    original, calls = fake.run, []

    def run(items, **more):
        calls.append(1)
        if len(calls) > after:
            raise error
        return original(items, **more)

    with monkeypatch.context() as patch:
        patch.setattr(batches, "MAX_TRAJECTORIES", 256)
        patch.setattr(fake, "run", run)
        with pytest.raises(type(error)):
            simulate(shard, folder)


def test_nothing_yet(shards, tmp_path):
    status = study_status("s", tmp_path, shards)
    assert (status.done, status.running, status.failed, status.left) == (0, 0, 0, 4)
    assert (status.trajectories, status.trajectories_done) == (2048, 0)
    assert status.per_second == 0
    assert status.seconds_left is None
    assert not status.aggregated


def test_done_running_failed_and_left(fake, shards, tmp_path, monkeypatch):
    simulate(shards[0], tmp_path)
    interrupt(shards[1], tmp_path, fake, monkeypatch, FloatingPointError("bad"), after=1)
    interrupt(shards[2], tmp_path, fake, monkeypatch, KeyboardInterrupt(), after=1)
    with exclusive(shard_file.parts_folder(tmp_path, shards[2].id) / "lock"):
        status = study_status("s", tmp_path, shards)
    assert (status.done, status.running, status.failed, status.left) == (1, 1, 1, 1)
    assert status.trajectories_done == 512 + 256 + 256
    assert status.errors == {shards[1].id: "FloatingPointError: bad"}
    assert status.per_second > 0
    assert status.seconds_left == pytest.approx(1024 / status.per_second)
    assert json.loads(json.dumps(status.to_dict()))["running"] == 1
    _, (row,) = table([status])
    assert row[:7] == ("s", "1", "1", "1", "0", "1", "1,024 of 2,048 (50 %)")
    assert "shards" not in status.to_dict()
    later = study_status("s", tmp_path, shards)
    assert (later.running, later.interrupted, later.left) == (0, 1, 1)


def part(folder, shard, number, *, rank=0, seconds=2.0, host="node1", age=0.0):
    """A part file of one block, as `simulate` writes it, so many seconds ago."""
    path = shard_file.parts_folder(folder, shard.id) / f"{number:08d}-{number + 1:08d}.h5"
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        file.attrs.update({"seconds": seconds, "trajectories": 256, "rank": rank, "host": host, "threads": 3})
    os.utime(path, (time.time() - age,) * 2)


def lock(folder, shard, **who):
    """A lock file as a run leaves it behind."""
    path = shard_file.parts_folder(folder, shard.id) / "lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"pid": 7, "host": "node1", "started": time.time(), "ranks": 1} | who))
    return path


def aged(folder, seconds):
    """Make a folder as old as that."""
    os.utime(folder, (time.time() - seconds,) * 2)


def test_speed_is_that_of_the_ranks_at_work(shards, tmp_path):
    # the shard that is done was computed in no time; what counts is what the running ones do now
    simulate(shards[0], tmp_path)
    part(tmp_path, shards[1], 0, rank=0, seconds=4.0)
    part(tmp_path, shards[2], 0, rank=1, seconds=2.0)
    locks = [shard_file.parts_folder(tmp_path, shard.id) / "lock" for shard in shards[1:3]]
    with exclusive(locks[0], ranks=2), exclusive(locks[1], ranks=3):
        status = study_status("s", tmp_path, shards)
    assert (status.running, status.ranks, status.speed_of) == (2, 5, "running")
    assert status.per_second == pytest.approx(2 * 64 + 3 * 128)
    assert status.per_second_per_rank == pytest.approx(status.per_second / 5)
    assert status.seconds_left == pytest.approx((2048 - 512 - 2 * 256) / status.per_second)
    state = status.shards[1]
    assert (state.state, state.ranks, state.threads, state.per_second_per_rank) == ("running", 2, 3, 64)
    assert (state.pid, state.host) == (os.getpid(), socket.gethostname())
    assert abs(state.since - time.time()) < 60


def test_parts_of_an_earlier_run_do_not_tell_the_speed_of_this_one(shards, tmp_path):
    part(tmp_path, shards[0], 0, seconds=100.0, age=3600)
    with exclusive(shard_file.parts_folder(tmp_path, shards[0].id) / "lock"):
        before = study_status("s", tmp_path, shards)
        part(tmp_path, shards[0], 1, seconds=1.0)
        after = study_status("s", tmp_path, shards)
    assert (before.per_second, before.seconds_left) == (0, None)
    assert (after.per_second, after.speed_of) == (256, "running")


def test_shards_that_have_just_started_count_with_the_speed_of_the_others(shards, tmp_path):
    part(tmp_path, shards[0], 0, seconds=2.0)
    locks = [shard_file.parts_folder(tmp_path, shard.id) / "lock" for shard in shards[:2]]
    with exclusive(locks[0], ranks=1), exclusive(locks[1], ranks=3):
        status = study_status("s", tmp_path, shards)
    assert (status.per_second, status.per_second_per_rank) == (4 * 128, 128)


def test_interrupted_says_since_when_and_by_whom(shards, tmp_path):
    part(tmp_path, shards[0], 0, age=500)
    lock(tmp_path, shards[0], ranks=4)
    part(tmp_path, shards[1], 0, age=500)  # of a version that left no lock
    lock(tmp_path, shards[2], host=socket.gethostname())  # killed before the first part
    for shard in shards[:2]:
        aged(shard_file.parts_folder(tmp_path, shard.id), 500)
    status = study_status("s", tmp_path, shards)
    assert (status.interrupted, status.running, status.left) == (3, 0, 1)
    first, second, third = status.shards[:3]
    assert (first.pid, first.host, first.ranks, first.trajectories_done) == (7, "node1", 4, 256)
    assert first.since == pytest.approx(time.time() - 500, abs=60)
    assert (second.pid, second.host, third.trajectories_done) == (0, "", 0)
    assert status.speed_of == "begun"
    lines = list(problems(status))
    assert lines[0].startswith(f"s {shards[0].id} interrupted: process 7 on node1, last sign of life 20")
    assert lines[0].endswith("; 50 % are kept, run again to continue")
    assert "process" not in lines[1]


def test_a_fresh_part_of_another_machine_is_a_run_where_locks_do_not_reach(shards, tmp_path):
    part(tmp_path, shards[0], 0)
    lock(tmp_path, shards[0], host="node1", ranks=2)
    assert study_status("s", tmp_path, shards).running == 1
    lock(tmp_path, shards[0], host=socket.gethostname())
    assert study_status("s", tmp_path, shards).interrupted == 1
    lock(tmp_path, shards[0], host="node1")
    aged(shard_file.parts_folder(tmp_path, shards[0].id), 300)
    assert study_status("s", tmp_path, shards).interrupted == 1


@pytest.mark.parametrize("content", ["", "{", "[1]", "null"])
def test_a_strange_lock_or_part_disturbs_nothing(shards, tmp_path, content):
    lock(tmp_path, shards[0]).write_text(content)
    part(tmp_path, shards[0], 0)
    (shard_file.parts_folder(tmp_path, shards[0].id) / "00000001-00000002.h5").write_text("no HDF5")
    status = study_status("s", tmp_path, shards)
    assert (status.interrupted, status.trajectories_done) == (1, 512)
    assert status.per_second_per_rank == 128


def test_every_shard_in_a_table(fake, shards, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    simulate(shards[0], tmp_path)
    interrupt(shards[1], tmp_path, fake, monkeypatch, FloatingPointError("bad\nworse"), after=1)
    log = tmp_path / "logs/simulate/s" / f"{shards[1].id}.log"
    log.parent.mkdir(parents=True)
    log.touch()
    status = study_status("s", tmp_path, shards, thorough=True)
    heading, rows = shard_table([status])
    assert [row[1] for row in rows] == [shard.id for shard in shards]
    done, failed, left, _ = (dict(zip(heading, row, strict=True)) for row in rows)
    assert (done["state"], done["progress"], done["ranks"], done["host"]) == (
        "done",
        "100 %",
        "1",
        socket.gethostname(),
    )
    assert float(done["per second and rank"].replace(",", "")) > 0
    assert (failed["state"], failed["progress"]) == ("failed", "50 %")
    assert failed["reason"] == "FloatingPointError: bad"
    assert failed["log"] == f"logs/simulate/s/{shards[1].id}.log"
    assert (left["state"], left["since"], left["log"]) == ("left", "-", "-")
    assert list(problems(status)) == [f"s {shards[1].id} failed: FloatingPointError: bad\nworse (log: {failed['log']})"]
    data = json.loads(json.dumps(status.to_dict(shards=True)))
    assert [shard["state"] for shard in data["shards"]] == ["done", "failed", "left", "left"]


def test_only_some_problems_are_told_one_by_one(shards, tmp_path):
    state = ShardState("x", "failed", 256, reason="bad")
    lines = list(problems(Status("s", shards=[state] * 25)))
    assert len(lines) == 11
    assert lines[-1] == "s: 15 more shards failed or were interrupted; --shards lists all"


def test_time_left_before_anything_has_run_comes_from_a_measured_speed(fake, shards, tmp_path):
    static = {"weights": "softmax", "fates_only": False, "annealing.schedule": None}
    store(tmp_path, Speed(cpu_name(), "fake", 1, "today", (Measured(static, 1e-3, None, 2.0, 256),)))
    status = study_status("s", tmp_path, shards)
    assert status.speed_of == "measured"
    assert status.seconds_left == pytest.approx(
        sum(1.0 + 2 * 512 * fake.seconds(s.points[0].parameters) for s in shards)
    )


def test_few_files_are_opened_however_many_there_are(shards, tmp_path, monkeypatch):
    opened, original = [], shard_state._attributes
    monkeypatch.setattr(shard_state, "_attributes", lambda *a: opened.append(a) or original(*a))
    monkeypatch.setattr(shard_state, "SAMPLE", 20)
    many = [replace(shards[0], id=f"{number:016x}") for number in range(300)]
    for shard in many[:200]:
        path = shard_file.shard_path(tmp_path, shard.id)
        path.parent.mkdir(exist_ok=True)
        path.touch()
    for shard in many[200:210]:
        part(tmp_path, shard, 0)
        part(tmp_path, shard, 1)
    status = study_status("s", tmp_path, many)
    assert (status.done, status.interrupted, status.left) == (200, 10, 90)
    assert len(opened) <= 2 + 2 * 10
    opened.clear()
    study_status("s", tmp_path, many, thorough=True)
    assert len(opened) >= 200


def test_all_done_and_aggregated(shards, tmp_path):
    for shard in shards:
        simulate(shard, tmp_path)
    assert not study_status("s", tmp_path, shards).aggregated
    aggregate(STUDY, tmp_path, shards)
    status = study_status("s", tmp_path, shards)
    assert status.aggregated
    assert status.seconds_left == 0
    assert table([status])[1][0][-1] == "written"
    assert (status.rechecked, list(accuracy(status))) == (0, [])


def test_how_many_fates_depend_on_the_tolerance(shards, tmp_path):
    for shard in shards:
        simulate(shard, tmp_path)
    path = aggregate(STUDY, tmp_path, shards)
    with h5py.File(path, "a") as file:
        file.attrs.update({"rechecked": 100, "recheck_disagreements": 2})
    status = study_status("s", tmp_path, shards)
    assert (status.rechecked, status.recheck_disagreements) == (100, 2)
    assert list(accuracy(status)) == ["s: 2 of 100 fates differ at a 100 times tighter tolerance (95 %: 0.55 to 7 %)"]
    path.write_bytes(b"no phase diagram")
    assert study_status("s", tmp_path, shards).rechecked == 0


def test_looking_does_not_disturb_a_run_that_starts(tmp_path):
    lock, stop = tmp_path / "lock", threading.Event()

    def look():
        while not stop.is_set():
            holder(lock)
            time.sleep(0)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        for _ in range(200):
            with exclusive(lock):
                pass
    finally:
        stop.set()
        thread.join()


def test_plain_lines_where_there_is_no_terminal():
    stream = io.StringIO()
    with progress_bar(1000, "alignment", stream=stream, interval=0.0) as advance:
        advance(250)
        advance(750)
    first, last = stream.getvalue().splitlines()
    assert first.startswith("alignment: 250 of 1,000 trajectories (25 %), ")
    assert first.endswith(" left")
    assert last.startswith("alignment: 1,000 of 1,000 trajectories (100 %)")


def test_lines_are_rare():
    stream = io.StringIO()
    with progress_bar(1000, "alignment", stream=stream, interval=60) as advance:
        for _ in range(1000):
            advance(1)
    assert len(stream.getvalue().splitlines()) == 1


def test_a_bar_on_a_terminal():
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    stream = Terminal()
    with progress_bar(10, "alignment", stream=stream) as advance:
        advance(10)
    assert "alignment" in stream.getvalue()
    assert "10/10" in stream.getvalue()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59.4, "59 s"), (150, "2 min"), (3600, "60 min"), (7200, "2.0 h"), (3 * 86400, "3.0 d")],
)
def test_durations(seconds, text):
    assert duration(seconds) == text
