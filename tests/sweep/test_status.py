"""What `status` and the progress lines say."""

import io
import json
import threading
import time

import pytest

from vicollapse.sweep import batches, shard_file
from vicollapse.sweep.aggregate import aggregate
from vicollapse.sweep.lock import exclusive, holder
from vicollapse.sweep.progress import duration, progress_bar
from vicollapse.sweep.runner import simulate
from vicollapse.sweep.shards import plan_shards
from vicollapse.sweep.status import study_status, table
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
    assert row[:6] == ("s", "1", "1", "1", "1", "1,024 of 2,048 (50 %)")
    later = study_status("s", tmp_path, shards)
    assert (later.running, later.left) == (0, 2)


def test_all_done_and_aggregated(shards, tmp_path):
    for shard in shards:
        simulate(shard, tmp_path)
    assert not study_status("s", tmp_path, shards).aggregated
    aggregate(STUDY, tmp_path, shards)
    status = study_status("s", tmp_path, shards)
    assert status.aggregated
    assert status.seconds_left == 0
    assert table([status])[1][0][-1] == "written"


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
