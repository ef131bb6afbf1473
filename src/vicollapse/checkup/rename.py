"""Is a file that is replaced always either the old one or the new one, for every rank?"""

import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from vicollapse.checkup.findings import Finding, error, ok, places, warning
from vicollapse.checkup.folder import PATIENCE, SLOW, write_whole
from vicollapse.checkup.setting import Setting

_VERSIONS, _PAUSE = 50, 0.01
_REPEATS = 8192  # of the version number in a file: 32 kB, more than one page and one network packet


@dataclass(frozen=True)
class Watched:
    """What one rank read while rank 0 replaced a file.

    Parameters
    ----------
    reads, torn, missing : how often it read, found a mixture of versions or half a file, found nothing.
    seconds : until it read the last version; infinite if never.
    """

    reads: int
    torn: int
    missing: int
    seconds: float


def check(setting: Setting) -> Finding:
    """Replace a file on rank 0, again and again, while every rank reads it."""
    path = setting.scratch / "replaced"
    setting.ranks.everywhere(lambda: write_whole(path, content(0)) if setting.team.is_first else None)
    watched = setting.ranks.everywhere(lambda: _replace_and_watch(setting, path), seconds=2 * PATIENCE)
    return judge(setting.team.hosts, watched)


def content(version: int) -> bytes:
    """What the file holds in a version."""
    return f"{version:04d}".encode() * _REPEATS


def watch(path: Path, end: float) -> Watched:
    """Read a file until its last version is there.

    Parameters
    ----------
    path : the file.
    end : monotonic time at which to give up, s.
    """
    reads = torn = missing = 0
    newest, start = -1, time.monotonic()
    while newest < _VERSIONS - 1 and time.monotonic() < end:
        reads += 1
        try:
            found = path.read_bytes()
        except OSError:  # also a stale handle of a network file system
            missing += 1
            continue
        newest = int(found[:4]) if found[:4].isdigit() else newest
        torn += found != content(newest)
    return Watched(reads, torn, missing, time.monotonic() - start if newest == _VERSIONS - 1 else float("inf"))


def judge(hosts: Sequence[str], watched: Sequence[Watched]) -> Finding:
    """Say whether replacing is atomic.

    Parameters
    ----------
    hosts, watched : by rank.
    """
    text = f"{_VERSIONS} versions of a file, read {sum(of.reads for of in watched):,} times"
    if torn := [rank for rank, of in enumerate(watched) if of.torn]:
        return error(f"{text}; half-written ones seen by {places(torn, hosts)}", "use another file system for results")
    if never := [rank for rank, of in enumerate(watched) if of.seconds == float("inf")]:
        return error(f"{text}; the last never seen by {places(never, hosts)}", "use another file system for results")
    late = max(of.seconds for of in watched) - watched[0].seconds
    if gone := [rank for rank, of in enumerate(watched) if of.missing]:
        return warning(
            f"{text}; sometimes not there for {places(gone, hosts)}",
            "run again what fails with 'does not exist' or 'stale file handle', or use another file system for results",
        )
    if late > SLOW:
        return warning(
            f"{text}; always whole, but the last one was seen {late:.1f} s late",
            f"give Snakemake --latency-wait {max(60, round(10 * late))}",
        )
    return ok(f"{text}: always a whole one")


def _replace_and_watch(setting: Setting, path: Path) -> Watched:
    writer = threading.Thread(target=_replace, args=(path,), daemon=True)
    if setting.team.is_first:
        writer.start()
    return watch(path, time.monotonic() + PATIENCE)


def _replace(path: Path) -> None:
    with suppress(OSError):  # the watchers then miss the last version
        for version in range(1, _VERSIONS):
            write_whole(path, content(version))
            time.sleep(_PAUSE)
