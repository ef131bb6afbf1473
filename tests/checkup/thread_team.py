"""A team whose ranks are threads of this process, on machines with made-up names: exchange without MPI."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from vicollapse.checkup.setting import Setting
from vicollapse.parallel.team import Team, WorkQueue

PATIENCE = 20.0
"""Seconds after which an exchange that some rank does not take part in fails for the others."""


class Counter(WorkQueue):
    """A counter under a lock."""

    def __init__(self, length: int) -> None:
        super().__init__(length)
        self.slots, self.lock = [0, 0], threading.Lock()

    def add(self, slot: int, count: int) -> int:
        """Add, and return what was there."""
        with self.lock:
            before = self.slots[slot]
            self.slots[slot] += count
            return before


class ThreadTeam(Team):
    """One rank; the list of values and the barrier are those of all."""

    library = "threads"

    def __init__(self, rank: int, hosts: Sequence[str], values: list[Any], barrier: threading.Barrier) -> None:
        self.rank, self.size, self.hosts = rank, len(hosts), tuple(hosts)
        self._values, self._barrier = values, barrier

    def gather(self, value):
        """All values, once all are there."""
        self._values[self.rank] = value
        self.meet()
        values = list(self._values)
        self.meet()
        return values

    def share(self, value):
        """The first value."""
        return self.gather(value)[0]

    def meet(self, while_waiting=lambda: None):
        """Wait for all."""
        self._barrier.wait(PATIENCE)

    def queue(self, length):
        """One counter for all."""
        return nullcontext(self.share(Counter(length)))

    def abort(self, code):
        """Let the others fail."""
        self._barrier.abort()


def on_ranks(hosts: Sequence[str], function: Callable[[Team], Any]) -> list[Any]:
    """What a function returns on every rank."""
    values, barrier = [None] * len(hosts), threading.Barrier(len(hosts))
    teams = [ThreadTeam(rank, hosts, values, barrier) for rank in range(len(hosts))]
    with ThreadPoolExecutor(len(hosts), thread_name_prefix="rank") as pool:
        return list(pool.map(function, teams))


def setting(team: Team, folder: Path, **options: Any) -> Setting:
    """A setting of a rank, its folder for files made."""
    made = Setting(team, **{"threads": 1, "folder": folder, "backend": "auto", "token": "test"} | options)
    made.scratch.mkdir(parents=True, exist_ok=True)
    return made
