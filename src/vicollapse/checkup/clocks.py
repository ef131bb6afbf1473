"""Do the clocks of the machines, and of the file system, agree? Snakemake decides by times of files what is new."""

import time
from collections.abc import Sequence
from pathlib import Path

from vicollapse.checkup.findings import Finding, ok, place, skipped, warning
from vicollapse.checkup.setting import Setting

LARGEST = 2.0
"""Seconds between two clocks that do no harm."""
_ROUNDS = 5
_ADVICE = "synchronise the clocks (chrony or ntpd; ask the administrators): Snakemake may repeat or skip jobs otherwise"

Window = tuple[float, float]


def check(setting: Setting) -> Finding:
    """Compare the clocks of all ranks with rank 0's."""
    if len(set(setting.team.hosts)) == 1:
        return skipped("one machine: one clock")
    rounds = [_round(setting) for _ in range(_ROUNDS)]
    return judge(setting.team.hosts, [differences(stamps, window) for stamps, window in rounds])


def check_files(setting: Setting) -> Finding:
    """Compare the time of a new file with the clock of the machine that wrote it."""
    ahead = setting.ranks.everywhere(lambda: file_ahead(setting.scratch / f"clock-{setting.team.rank}"))
    return judge_files(setting.team.hosts, ahead)


def differences(stamps: Sequence[float], window: Window) -> list[Window]:
    """Bounds of the difference of every rank's clock from rank 0's, s.

    Parameters
    ----------
    stamps : by rank: time that its clock showed at some moment.
    window : times that rank 0's clock showed before and after all those moments.
    """
    return [(stamp - window[1], stamp - window[0]) for stamp in stamps]


def file_ahead(path: Path) -> float:
    """Seconds that the clock of the file system is ahead of this machine's."""
    before = time.time()
    path.write_bytes(b"now")
    after = time.time()
    return path.stat().st_mtime - (before + after) / 2


def judge(hosts: Sequence[str], rounds: Sequence[Sequence[Window]]) -> Finding:
    """Find the clock that is farthest off.

    Parameters
    ----------
    hosts : by rank.
    rounds : (rounds, ranks) bounds of the differences from rank 0's clock, s.
    """
    bounds = [(max(low for low, _ in of), min(high for _, high in of)) for of in zip(*rounds, strict=True)]
    middle = [(low + high) / 2 for low, high in bounds]
    unsure = max(abs(high - low) / 2 for low, high in bounds)
    rank = max(range(len(hosts)), key=lambda r: abs(middle[r]))
    text = f"largest difference {middle[rank]:+.3f} s, {place(rank, hosts)} against rank 0; known to {unsure:.3f} s"
    return warning(text, _ADVICE) if abs(middle[rank]) > LARGEST else ok(text)


def judge_files(hosts: Sequence[str], ahead: Sequence[float]) -> Finding:
    """Find the machine whose clock is farthest from that of the file system.

    Parameters
    ----------
    hosts, ahead : by rank: machine, seconds that the file system is ahead.
    """
    rank = max(range(len(hosts)), key=lambda r: abs(ahead[r]))
    text = f"file system against {place(rank, hosts)}: {ahead[rank]:+.3f} s"
    return warning(text, _ADVICE) if abs(ahead[rank]) > LARGEST else ok(text)


def _round(setting: Setting) -> tuple[list[float], Window]:
    before = time.time()  # rank 0 looks before any rank can leave this exchange, and after all have sent their stamps
    setting.ranks.gather(None)
    stamps = setting.ranks.gather(time.time())
    return stamps, setting.ranks.gather((before, time.time()))[0]
