"""How fast files are written, and whether HDF5 files come back as they were."""

import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from vicollapse.checkup.findings import Finding, number_of, ok, place, skipped, warning
from vicollapse.checkup.folder import write_whole
from vicollapse.checkup.setting import Setting
from vicollapse.sweep import storage
from vicollapse.sweep.resources import format_bytes

SLOW_FILE = 0.2
"""Seconds of a small file, the largest part of a batch's time that writing its part file should take."""
SLOW_BYTES = 20e6
"""Bytes per second."""
_SMALL, _SECONDS = 200, 1.5
_LARGE, _PIECE, _LONGEST = 64 * 10**6, 10**6, 20.0


def check_small(setting: Setting) -> Finding:
    """Write small files on all ranks at once, as many as go into a second or two."""
    folder = setting.scratch / f"small-{setting.team.rank}"
    return judge_small(setting.team.hosts, setting.ranks.everywhere(lambda: seconds_per_file(folder)))


def check_large(setting: Setting) -> Finding:
    """Write and sync a large file on rank 0, which alone writes the files of shards."""
    path = setting.scratch / "large"
    rates = setting.ranks.everywhere(lambda: bytes_per_second(path) if setting.team.is_first else None, seconds=60.0)
    return judge_large(rates[0])


def check_hdf5(setting: Setting) -> Finding:
    """Write an HDF5 file on every rank, and read that of the neighbour."""
    rank, neighbour = setting.team.rank, (setting.team.rank + 1) % setting.team.size
    setting.ranks.everywhere(lambda: _write(setting.scratch / f"{rank}.h5", rank))
    setting.ranks.everywhere(lambda: _compare(setting.scratch / f"{neighbour}.h5", neighbour))
    return ok(f"{number_of(setting.team.size, 'file')} written, synced, renamed, and read as written by another rank")


def seconds_per_file(folder: Path) -> float:
    """Mean seconds to make, write, sync and rename a small file.

    Parameters
    ----------
    folder : where; it is made.
    """
    folder.mkdir()
    start, written = time.perf_counter(), 0
    while written < _SMALL and time.perf_counter() - start < _SECONDS:
        write_whole(folder / str(written), bytes(1000))
        written += 1
    return (time.perf_counter() - start) / written


def bytes_per_second(path: Path) -> float | None:
    """Speed of writing one file and syncing it; None if there is no room for it.

    Parameters
    ----------
    path : the file; it is removed.
    """
    if shutil.disk_usage(path.parent).free < 4 * _LARGE:
        return None
    piece = np.random.default_rng(0).bytes(_PIECE)  # what cannot be compressed
    start, written = time.perf_counter(), 0
    with open(path, "wb", buffering=0) as file:
        while written < _LARGE and time.perf_counter() - start < _LONGEST:
            written += file.write(piece)
        os.fsync(file.fileno())
    rate = written / (time.perf_counter() - start)
    path.unlink()
    return rate


def judge_small(hosts: Sequence[str], seconds: Sequence[float]) -> Finding:
    """Say how fast part files can be written.

    Parameters
    ----------
    hosts, seconds : by rank: machine, seconds per small file.
    """
    rank = max(range(len(hosts)), key=lambda r: seconds[r])
    text = f"{sum(1 / s for s in seconds):,.0f} per second on all ranks together, each synced and renamed"
    if seconds[rank] > SLOW_FILE:
        return warning(
            f"{text}; {seconds[rank]:.2f} s each on {place(rank, hosts)}",
            "use a faster file system for results, or larger batches on fewer ranks with more threads",
        )
    return ok(text)


def judge_large(rate: float | None) -> Finding:
    """Say how fast a large file is written.

    Parameters
    ----------
    rate : bytes per second; None if there is no room for one.
    """
    if rate is None:
        return skipped(f"less than {format_bytes(4 * _LARGE)} free")
    text = f"{rate / 1e6:,.0f} MB/s written and synced"
    return ok(text) if rate >= SLOW_BYTES else warning(text, "use a faster file system for results")


def _arrays(rank: int) -> storage.Arrays:
    values = np.random.default_rng(rank).standard_normal(10_000)
    return {"values": values, "group/counts": np.arange(rank, rank + 100)}


def _write(path: Path, rank: int) -> None:
    with storage.writing(path, {"rank": rank}) as file:
        storage.store(file, _arrays(rank), compress=True)


def _compare(path: Path, rank: int) -> None:
    found, _ = storage.read(path, {"rank": rank})
    for name, expected in _arrays(rank).items():
        np.testing.assert_array_equal(found[name], expected, err_msg=f"{path}, {name}")
