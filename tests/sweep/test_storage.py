"""Files are whole or absent, and damage is noticed."""

import errno
import os
import subprocess
import sys
import textwrap

import h5py
import numpy as np
import pytest

from vicollapse.errors import StorageError
from vicollapse.sweep import storage

IDENTITY = {"shard": "abc", "version": 3, "seed": "18446744073709551615"}
ARRAYS = {"count": np.arange(12, dtype=np.uint16).reshape(3, 4), "sum/kl": np.linspace(0, 1, 5000)}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "new" / "a.h5"


@pytest.fixture
def written(path):
    with storage.writing(path, IDENTITY) as file:
        storage.store(file, ARRAYS, compress=True)
    return path


def test_arrays_and_attributes_come_back(written):
    arrays, attributes = storage.read(written, IDENTITY)
    assert set(arrays) == set(ARRAYS)
    for name, array in ARRAYS.items():
        assert arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(arrays[name], array)
    assert attributes["version"] == 3
    assert [p.name for p in written.parent.iterdir()] == ["a.h5"]


@pytest.mark.parametrize("part", [0.0, 0.01, 0.5, 0.99])
def test_a_truncated_file_is_damaged(written, part):
    data = written.read_bytes()
    written.write_bytes(data[: int(part * len(data))])
    with pytest.raises(storage.DamagedFile, match=str(written)):
        storage.read(written, IDENTITY)


def test_a_flipped_bit_of_data_is_noticed(written):
    with h5py.File(written) as file:
        offset = file["sum/kl"].id.get_chunk_info(0).byte_offset
    data = bytearray(written.read_bytes())
    data[offset + 100] ^= 1
    written.write_bytes(data)
    with pytest.raises(storage.DamagedFile):
        storage.read(written, IDENTITY)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"version": 4}, "version is '3', expected '4'"),
        ({"shard": "abd"}, "shard is 'abc', expected 'abd'"),
        ({"layout": "x"}, "layout is missing"),
    ],
)
def test_a_foreign_file_is_refused_with_the_reason(written, changed, message):
    with pytest.raises(StorageError, match=message) as caught:
        storage.read(written, IDENTITY | changed)
    assert not isinstance(caught.value, storage.DamagedFile)
    assert "run again" in str(caught.value)


def test_another_format_version_is_refused(written, monkeypatch):
    monkeypatch.setattr(storage, "FORMAT_VERSION", 2)
    with pytest.raises(StorageError, match="format_version is '1', expected '2'"):
        storage.read(written, IDENTITY)


def test_a_missing_file_says_so(path):
    with pytest.raises(StorageError, match="does not exist"):
        storage.read(path, {})


def fail_after_writing(file):
    storage.store(file, ARRAYS, compress=False)
    raise RuntimeError


def test_a_failure_leaves_the_old_file_and_nothing_else(written):
    before = written.read_bytes()
    with pytest.raises(RuntimeError), storage.writing(written, IDENTITY) as file:
        fail_after_writing(file)
    assert written.read_bytes() == before
    assert [p.name for p in written.parent.iterdir()] == ["a.h5"]


def test_a_failed_verification_leaves_no_file(path):
    def refuse(temporary):
        assert storage.read(temporary, IDENTITY)[0] == {}  # complete by now
        raise StorageError("no")

    with pytest.raises(StorageError, match="no"), storage.writing(path, IDENTITY, refuse):
        pass
    assert list(path.parent.iterdir()) == []


def test_leftovers_of_killed_writers_go(written):
    leftover, other = written.with_name(".a.h5.123.tmp"), written.with_name(".b.h5.123.tmp")
    leftover.write_bytes(b"x")
    other.write_bytes(b"x")
    storage.remove_leftovers(written)
    assert not leftover.exists()
    assert other.exists()
    assert written.exists()


def test_a_folder_that_is_a_file(tmp_path):
    (tmp_path / "results").write_text("")
    with pytest.raises(StorageError, match="cannot write"), storage.writing(tmp_path / "results" / "a.h5", {}):
        pass


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (errno.ENOSPC, "no space left to write .*a.h5; free some"),
        (errno.EROFS, "Read-only file system; make its folder writable or set another `results`"),
        (errno.EACCES, "Permission denied; make its folder writable"),
        (errno.EIO, "Input/output error"),
    ],
)
@pytest.mark.parametrize("call", ["pwrite", "replace", "fsync"])
def test_failures_of_the_file_system_are_explained(path, monkeypatch, call, number, message):
    def fail(*arguments, **more):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(StorageError, match=message), storage.writing(path, IDENTITY) as file:
        storage.store(file, ARRAYS, compress=False)
    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize("room", [0, 3000, 40_000])
def test_a_disk_that_really_fills_up_does_not_crash_the_process(tmp_path, room):
    # HDF5 itself ends in a segmentation fault here; a limit of the file size stands for the disk
    program = f"""
        import resource, sys
        import numpy as np
        from pathlib import Path
        from vicollapse.errors import StorageError
        from vicollapse.sweep import storage
        resource.setrlimit(resource.RLIMIT_FSIZE, ({room}, {room}))
        try:
            with storage.writing(Path("a.h5"), {{"shard": "x"}}) as file:
                for i in range(20):
                    storage.store(file, {{f"g/a{{i}}": np.random.default_rng(i).random(1000)}}, compress=True)
        except StorageError as error:
            sys.exit(str(error))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert "no space left to write a.h5" in done.stderr
    assert list(tmp_path.iterdir()) == []
