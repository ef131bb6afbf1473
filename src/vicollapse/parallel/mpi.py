"""A team of MPI ranks: shared counters by one-sided MPI, and waiting that leaves the core to others."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np

from vicollapse.errors import BackendError
from vicollapse.parallel.team import Team, WorkQueue

T = TypeVar("T")
_SHORT, _LONG = 1e-4, 1e-2
"""Seconds between two looks at something that is waited for: at first, and later."""
_PASS_ON = 0.5
"""Seconds that the launcher has to pass on our last words; some drop them when a rank aborts."""
_LAST = 10.0
"""Seconds that the launcher has to end an aborted rank."""
_ANSWER = 2e-3
"""Seconds between two looks of rank 0 at requests for its counters; far below the time of a batch."""


class MpiTeam(Team):
    """All ranks that one MPI launcher has started.

    Attributes
    ----------
    comm : communicator of mpi4py, of this team alone.

    Raises
    ------
    BackendError : mpi4py, or an MPI library for it, is missing.
    """

    def __init__(self) -> None:
        self._mpi = _load()
        self.comm: Any = self._mpi.COMM_WORLD.Dup()
        self.rank, self.size = self.comm.rank, self.comm.size
        self.hosts = tuple(self.comm.allgather(self._mpi.Get_processor_name()))
        self._one_memory = self.comm.Split_type(self._mpi.COMM_TYPE_SHARED).size == self.size
        self.library = self._mpi.Get_library_version().split("\n")[0].strip("\0 ")

    @property
    def threads_may_call(self) -> bool:
        """Whether the MPI library can be called by several threads at once."""
        return self._mpi.Query_thread() == self._mpi.THREAD_MULTIPLE

    def share(self, value: T) -> T:
        """Rank 0's value, on every rank; all ranks call it."""
        self.meet()
        return self.comm.bcast(value)

    def gather(self, value: T) -> list[T]:
        """The values of all ranks in their order, on every rank; all ranks call it."""
        self.meet()
        return self.comm.allgather(value)

    def meet(self, while_waiting: Callable[[], object] = lambda: None) -> None:
        """Wait, asleep rather than spinning, until every rank has come here."""
        request, pause = self.comm.Ibarrier(), _SHORT
        while not request.Test():
            while_waiting()
            time.sleep(pause)
            pause = min(1.5 * pause, _LONG)

    @contextmanager
    def queue(self, length: int) -> Iterator[WorkQueue]:
        """A queue of so many items; all ranks open it and leave it together.

        The counters lie in the memory of rank 0. Not freed after an exception: freeing waits for every rank.
        """
        window = self._mpi.Win.Allocate(16 if self.is_first else 0, 8, comm=self.comm)
        if self.is_first:
            np.frombuffer(window, np.int64)[:] = 0
        self.comm.Barrier()
        window.Lock_all()
        with self._answering():
            yield _SharedQueue(length, window, self._mpi.SUM)
            self.meet()
        window.Unlock_all()
        window.Free()

    def abort(self, code: int) -> None:
        """End every rank at once."""
        time.sleep(_PASS_ON)
        self._mpi.COMM_WORLD.Abort(code)
        time.sleep(_LAST)  # some libraries only ask the launcher to end us
        os._exit(code)

    @contextmanager
    def _answering(self) -> Iterator[None]:
        # where the network has no atomics of its own, rank 0 must enter MPI now and then, or others wait for its batch
        if self._one_memory or not self.is_first or not self.threads_may_call:
            yield
            return
        over = threading.Event()
        thread = threading.Thread(target=self._answer, args=(over,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _answer(self, over: threading.Event) -> None:
        while not over.wait(_ANSWER):
            self.comm.Iprobe(tag=0)


class _SharedQueue(WorkQueue):
    def __init__(self, length: int, window: Any, add: Any) -> None:
        super().__init__(length)
        self._window, self._add = window, add

    def add(self, slot: int, count: int) -> int:
        more, before = np.array([count], np.int64), np.empty(1, np.int64)
        self._window.Fetch_and_op(more, before, 0, slot, self._add)
        self._window.Flush(0)
        return int(before[0])


def _load() -> Any:
    try:
        from mpi4py import MPI
    except ImportError as error:
        raise BackendError(
            f"this process was started by an MPI launcher, but mpi4py cannot be imported ({error}); "
            "install it (pip install 'vicollapse[mpi]'), or start one process without the launcher"
        ) from None
    except RuntimeError as error:
        raise BackendError(
            f"mpi4py finds no MPI library ({error}); install one (pip install mpich), or load the cluster's module"
        ) from None
    return MPI
