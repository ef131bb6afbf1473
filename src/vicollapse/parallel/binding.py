"""Which cores this process may use, and how many threads it should start."""

import os

from vicollapse.cores import available_threads
from vicollapse.parallel.team import Team


def cores() -> tuple[int, ...]:
    """Numbers of the cores that this process may use, sorted; 0 .. n - 1 where the system does not say."""
    if hasattr(os, "sched_getaffinity"):
        return tuple(sorted(os.sched_getaffinity(0)))
    return tuple(range(available_threads()))


def fair_threads(team: Team) -> int:
    """Threads for this rank, so that ranks which share cores do not start more threads than there are cores.

    Parameters
    ----------
    team : all ranks; all of them call this.

    Returns
    -------
    int : at least 1.
    """
    masks = [mask for mask, host in zip(team.gather(cores()), team.hosts, strict=True) if host == team.hosts[team.rank]]
    mine = set(cores())
    sharing = sum(not mine.isdisjoint(mask) for mask in masks)
    return max(1, len(mine) // sharing)
