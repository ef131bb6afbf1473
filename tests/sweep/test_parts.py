"""Part files of an unfinished shard: what is used, what is thrown away, and patience with slow file systems."""

import logging
import threading
import time

import numpy as np
import pytest

from vicollapse.errors import StorageError
from vicollapse.sweep import storage
from vicollapse.sweep.batches import Batch
from vicollapse.sweep.parts import part_attributes, part_path, usable_parts, wait_for_parts

IDENTITY = {"shard": "abc", "version": 1}


def write(folder, batch, identity=IDENTITY):
    with storage.writing(part_path(folder, batch), part_attributes(identity, batch)) as file:
        storage.store(file, {"count": np.arange(1000)}, compress=False)
    return part_path(folder, batch)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_whole_parts_are_found(tmp_path):
    batches = [Batch(0, 2), Batch(5, 9), Batch(0, 3, trace=True)]
    for batch in batches:
        write(tmp_path, batch)
    assert usable_parts(tmp_path, IDENTITY) == batches


def test_parts_of_runs_with_other_batches_do_not_overlap(tmp_path):
    """Two runs at once, on a file system without locks, may leave both."""
    for batch in (Batch(0, 4), Batch(2, 6), Batch(4, 8), Batch(0, 1, trace=True)):
        write(tmp_path, batch)
    assert usable_parts(tmp_path, IDENTITY) == [Batch(0, 4), Batch(4, 8), Batch(0, 1, trace=True)]
    assert "00000002-00000006.h5" not in names(tmp_path)


def truncate(path):
    path.write_bytes(path.read_bytes()[:-500])


def flip(path):
    data = bytearray(path.read_bytes())
    place = data.find(np.arange(100, 110).tobytes())
    data[place] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("harm", [truncate, flip], ids=["truncated", "one bit flipped"])
def test_damaged_parts_are_thrown_away_with_a_word(tmp_path, caplog, harm):
    write(tmp_path, Batch(0, 2))
    harm(write(tmp_path, Batch(2, 4)))
    with caplog.at_level(logging.WARNING):
        assert usable_parts(tmp_path, IDENTITY) == [Batch(0, 2)]
    assert "this batch alone is computed again now" in caplog.text
    assert names(tmp_path) == ["00000000-00000002.h5"]


def test_stale_parts_are_thrown_away_with_the_reason(tmp_path, caplog):
    write(tmp_path, Batch(0, 2), IDENTITY | {"version": 0})
    with caplog.at_level(logging.WARNING):
        assert usable_parts(tmp_path, IDENTITY) == []
    assert "version is '0', expected '1'" in caplog.text


def test_foreign_and_temporary_files_do_no_harm(tmp_path):
    for name in ("notes.h5", ".00000000-00000002.h5.77.tmp", "lock", "error.txt"):
        (tmp_path / name).write_text("x")
    write(tmp_path, Batch(0, 2))
    assert usable_parts(tmp_path, IDENTITY) == [Batch(0, 2)]
    assert names(tmp_path) == ["00000000-00000002.h5", "error.txt", "lock"]


def test_a_part_that_appears_late_is_waited_for(tmp_path):
    timer = threading.Timer(0.3, write, (tmp_path, Batch(2, 4)))
    write(tmp_path, Batch(0, 2))
    timer.start()
    start = time.monotonic()
    wait_for_parts(tmp_path, [Batch(0, 2), Batch(2, 4)], patience=30)
    assert time.monotonic() - start >= 0.25
    timer.join()


def test_parts_on_the_disk_of_another_machine_are_explained(tmp_path):
    write(tmp_path, Batch(0, 2))
    with pytest.raises(StorageError, match=r"00000002-00000004\.h5 and 1 more .*'results' must be on a file system"):
        wait_for_parts(tmp_path, [Batch(0, 2), Batch(2, 4), Batch(4, 6)], patience=0.2)
