"""Can every rank write into the results folder, and how soon do the others see it?"""

import os
import shutil
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from vicollapse.checkup.findings import Finding, error, ok, places, warning
from vicollapse.checkup.setting import Setting
from vicollapse.sweep.resources import format_bytes
from vicollapse.sweep.storage import write_error

PATIENCE = 30.0
"""Seconds after which a file that cannot be seen is lost."""
SLOW = 1.0
"""Seconds until a file is seen everywhere that do no harm."""
LITTLE_ROOM = 10**9
_MOUNTS = Path("/proc/self/mounts")


@dataclass(frozen=True)
class Seen:
    """What one rank saw of the files of others.

    Parameters
    ----------
    seconds : until the last of them was there.
    missing : ranks whose file never came.
    free : bytes.
    kind : of the file system.
    """

    seconds: float
    missing: tuple[int, ...]
    free: int
    kind: str = ""


def check(setting: Setting) -> Finding:
    """Write a file on every rank, and look for those of others; nobody has seen the names before they are there."""
    setting.ranks.everywhere(lambda: _make(setting.scratch))
    setting.ranks.everywhere(lambda: [_is_there(path, setting.token) for path in _watched(setting).values()])
    setting.ranks.everywhere(lambda: write_whole(_path(setting, setting.team.rank), setting.token.encode()))
    seen = setting.ranks.everywhere(lambda: _look(setting), seconds=2 * PATIENCE)
    return judge(setting.team.hosts, seen, str(setting.folder))


def write_whole(path: Path, content: bytes) -> None:
    """Write a file as results are written: under another name, synced, renamed.

    Parameters
    ----------
    path : the final name.
    content : all of it.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    with open(temporary, "wb", buffering=0) as file:
        file.write(content)
        os.fsync(file.fileno())
    os.replace(temporary, path)


def judge(hosts: Sequence[str], seen: Sequence[Seen], name: str) -> Finding:
    """Say how soon files are seen, and what room there is.

    Parameters
    ----------
    hosts, seen : by rank.
    name : of the folder.
    """
    slowest, free = max(of.seconds for of in seen), min(of.free for of in seen)
    text = f"{name} ({seen[0].kind or 'unknown file system'}), {format_bytes(free)} free"
    blind = [rank for rank, of in enumerate(seen) if of.missing]
    if blind:
        lost = sorted({rank for of in seen for rank in of.missing})
        return error(
            f"{text}; {places(blind, hosts)} did not see files of {places(lost, hosts)} within {PATIENCE:g} s",
            "put the results (--folder, and 'results' of the config) on a file system that all machines share",
        )
    if len(hosts) > 1:
        text += f"; a new file is seen by others within {max(slowest, 1e-3):.3f} s"
    if slowest > SLOW:
        return warning(
            text, f"give Snakemake --latency-wait {max(60, round(10 * slowest))}, or use a faster file system"
        )
    if free < LITTLE_ROOM:
        return warning(text, "free some space: `vicollapse plan` says how much a study needs")
    return ok(text)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise write_error(folder, problem) from problem


def _path(setting: Setting, rank: int) -> Path:
    return setting.scratch / f"seen-{rank}"


def _watched(setting: Setting) -> dict[int, Path]:
    # rank 0 merges what the others write; the others read what their neighbour or rank 0 writes
    rank, size = setting.team.rank, setting.team.size
    ranks: Iterable[int] = range(size) if rank == 0 else {0, (rank + 1) % size}
    return {other: _path(setting, other) for other in ranks}


def _look(setting: Setting) -> Seen:
    missing, start = _watched(setting), time.monotonic()
    while True:
        missing = {rank: path for rank, path in missing.items() if not _is_there(path, setting.token)}
        seconds = time.monotonic() - start
        if not missing or seconds > PATIENCE:
            free = shutil.disk_usage(setting.scratch).free
            return Seen(seconds, tuple(missing), free, _kind(setting.scratch))
        time.sleep(0.01)


def _is_there(path: Path, content: str) -> bool:
    try:
        return path.read_text() == content
    except OSError:
        return False


def _kind(folder: Path) -> str:
    # of the mount point that is nearest above
    kinds = {}
    with suppress(OSError):
        for line in _MOUNTS.read_text().splitlines():
            _, point, kind, *_ = line.split()
            kinds[Path(point)] = kind
    return next((kinds[parent] for parent in (folder.resolve(), *folder.resolve().parents) if parent in kinds), "")
