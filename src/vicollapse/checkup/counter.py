"""How fast the ranks take work from the counter that they share."""

import time
from collections.abc import Sequence

from vicollapse.checkup.findings import Finding, microseconds, number_of, ok, places, skipped, warning
from vicollapse.checkup.setting import Setting
from vicollapse.parallel.team import WorkQueue

SLOW = 10e-3
"""Seconds of a take; a percent of the shortest batches."""
_SECONDS, _TAKES = 0.5, 5000


def check(setting: Setting) -> Finding:
    """Take numbers on all ranks at once; then again while rank 0 is busy with something else, as in a batch."""
    if setting.team.size == 1:
        return skipped("one rank: no shared counter")
    with setting.team.queue(2**30) as queue:
        together = setting.ranks.here(lambda: seconds_per_take(queue))
        busy = setting.ranks.here(lambda: _while_first_is_busy(setting, queue))
    return judge(setting.team.hosts, together, busy[1:])


def seconds_per_take(queue: WorkQueue) -> float:
    """Mean seconds that this rank waits for a number."""
    start, taken = time.perf_counter(), 0
    while taken < _TAKES and time.perf_counter() - start < _SECONDS:
        queue.take()
        taken += 1
    return (time.perf_counter() - start) / taken


def judge(hosts: Sequence[str], together: Sequence[float], busy: Sequence[float]) -> Finding:
    """Say what a take costs.

    Parameters
    ----------
    hosts : by rank.
    together : (ranks,) seconds per take, all at once.
    busy : (ranks - 1,) the same of ranks 1, 2, ... while rank 0 does not take part.
    """
    rate = sum(1 / seconds for seconds in together)
    text = (
        f"{microseconds(max(together))} a take, {rate:,.0f} takes per second on {number_of(len(hosts), 'rank')}; "
        f"{microseconds(max(busy))} while rank 0 computes"
    )
    slow = {rank for rank, seconds in enumerate(together) if seconds > SLOW}
    slow |= {rank for rank, seconds in enumerate(busy, start=1) if seconds > SLOW}
    if slow:
        return warning(
            f"{text}; slow on {places(sorted(slow), hosts)}",
            "use an MPI library with MPI_THREAD_MULTIPLE that knows this network; leave a core free beside rank 0",
        )
    return ok(text)


def _while_first_is_busy(setting: Setting, queue: WorkQueue) -> float:
    if setting.team.is_first:
        time.sleep(_SECONDS)  # outside MPI
        return 0.0
    return seconds_per_take(queue)
