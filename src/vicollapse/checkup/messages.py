"""How fast messages travel between the two ranks that are farthest from each other."""

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from vicollapse.checkup.findings import Finding, microseconds, ok, place, skipped, warning
from vicollapse.checkup.setting import Setting

SLOW_LATENCY = 10e-3
"""Seconds; batches take a second or more, so slower messages begin to show."""
SLOW_BANDWIDTH = 20e6
"""Bytes per second, a fifth of Gigabit Ethernet's."""
_SMALL, _LARGE = 8, 8_000_000
_PATIENCE = 20.0
_TAG = 77


def check(setting: Setting) -> Finding:
    """Send small and large messages to and fro between rank 0 and the farthest rank, while the others wait."""
    comm = getattr(setting.team, "comm", None)
    if setting.team.size == 1 or comm is None:
        return skipped("one rank: no messages")
    times = setting.ranks.here(lambda: _times(comm, setting))
    return judge(setting.team.hosts, setting.far, *times[0])


def judge(hosts: Sequence[str], far: int, latency: float, large: float) -> Finding:
    """Say how fast messages are.

    Parameters
    ----------
    hosts : by rank.
    far : the rank that rank 0 exchanged messages with.
    latency : seconds of a message of 8 bytes, one way.
    large : seconds of a message of 8 MB, one way.
    """
    bandwidth = _LARGE / large
    text = f"rank 0 to {place(far, hosts)}: {microseconds(latency)}; {bandwidth / 1e6:,.0f} MB/s for 8 MB"
    if latency > SLOW_LATENCY:
        return warning(text, "use the machine's own MPI library, which knows its network; are other programs running?")
    if bandwidth < SLOW_BANDWIDTH:
        return warning(text, "use the machine's own MPI library, which knows its network")
    return ok(text)


def _times(comm: Any, setting: Setting) -> tuple[float, float]:
    rank = setting.team.rank
    if rank not in (0, setting.far):
        return 0.0, 0.0
    other = setting.far if rank == 0 else 0
    return _one_way(comm, other, rank == 0, _SMALL, 200), _one_way(comm, other, rank == 0, _LARGE, 5)


def _one_way(comm: Any, other: int, first: bool, size: int, rounds: int) -> float:
    # the fastest round trip, halved; both ranks make the same number of rounds
    out, back = np.zeros(size, np.uint8), np.empty(size, np.uint8)
    best, end = np.inf, time.monotonic() + _PATIENCE
    for _ in range(rounds):
        start = time.perf_counter()
        for sends in (first, not first):
            _finish(comm.Isend(out, other, _TAG) if sends else comm.Irecv(back, other, _TAG), end)
        best = min(best, time.perf_counter() - start)
    return best / 2


def _finish(request: Any, end: float) -> None:
    while not request.Test():
        if time.monotonic() > end:
            raise TimeoutError(f"a message did not arrive within {_PATIENCE:g} s")
