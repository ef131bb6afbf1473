"""The processes ("ranks") that work together on one shard: one alone, or many through MPI."""

import socket
import sys
import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, TypeVar

from vicollapse.errors import BackendError, VicollapseError
from vicollapse.parallel.launch import launched, runs_under_mpi4py

T = TypeVar("T")
_CLOSED = 2**40
"""Added to a counter, it is beyond the end of any queue."""


class WorkQueue(ABC):
    """Numbers 0 .. length - 1, each of them given to exactly one rank; an atomic counter, nobody hands them out."""

    def __init__(self, length: int) -> None:
        self.length = length

    def take(self) -> int | None:
        """The next number, None if there is none left or the queue is closed."""
        number = self.add(0, 1)
        return number if number < self.length else None

    def close(self) -> None:
        """Give out no more, on any rank."""
        self.add(0, _CLOSED)

    def closed(self) -> bool:
        """Whether some rank has closed the queue."""
        return self.add(0, 0) >= _CLOSED

    def report(self, count: int) -> None:
        """Add to what the ranks have finished, in any units."""
        self.add(1, count)

    def reported(self) -> int:
        """What all ranks together have finished."""
        return self.add(1, 0)

    @abstractmethod
    def add(self, slot: int, count: int) -> int:
        """Add to one of the two shared counters; its value before."""


class Team(ABC):
    """The ranks that work together.

    Attributes
    ----------
    rank, size : number of this process, and how many there are.
    hosts : (size,) name of every rank's machine.
    library : the MPI library, in words.
    """

    rank: int
    size: int
    hosts: tuple[str, ...]
    library: str

    @property
    def is_first(self) -> bool:
        """Whether this is rank 0, which alone writes what there is once."""
        return self.rank == 0

    @property
    def local_rank(self) -> int:
        """Number of this process among those of its machine."""
        return self.hosts[: self.rank].count(self.hosts[self.rank])

    @property
    def local_size(self) -> int:
        """Processes on this machine."""
        return self.hosts.count(self.hosts[self.rank])

    @abstractmethod
    def share(self, value: T) -> T:
        """Rank 0's value, on every rank; all ranks call it."""

    def on_first(self, action: Callable[[], T]) -> T:
        """What `action` gives on rank 0, which alone does it, on every rank; all ranks call it."""
        return self.share(action() if self.is_first else None)  # type: ignore[return-value]

    @abstractmethod
    def gather(self, value: T) -> list[T]:
        """The values of all ranks in their order, on every rank; all ranks call it."""

    @abstractmethod
    def meet(self, while_waiting: Callable[[], object] = lambda: None) -> None:
        """Wait, asleep rather than spinning, until every rank has come here."""

    @abstractmethod
    def queue(self, length: int) -> AbstractContextManager[WorkQueue]:
        """A queue of so many items; all ranks open it and leave it together."""

    @abstractmethod
    def abort(self, code: int) -> None:
        """End every rank at once."""


class Solo(Team):
    """One process on its own."""

    rank, size = 0, 1
    library = "none"

    def __init__(self) -> None:
        self.hosts = (socket.gethostname(),)

    def share(self, value: T) -> T:
        """The value."""
        return value

    def gather(self, value: T) -> list[T]:
        """The value alone."""
        return [value]

    def meet(self, while_waiting: Callable[[], object] = lambda: None) -> None:
        """Nothing to wait for."""

    def queue(self, length: int) -> AbstractContextManager[WorkQueue]:
        """A counter of this process."""
        return nullcontext(_LocalQueue(length))

    def abort(self, code: int) -> None:
        """Nothing: the exception that is on its way ends the process."""


class _LocalQueue(WorkQueue):
    def __init__(self, length: int) -> None:
        super().__init__(length)
        self._slots = [0, 0]

    def add(self, slot: int, count: int) -> int:
        before = self._slots[slot]
        self._slots[slot] += count
        return before


@contextmanager
def joined(expected: int | None = None) -> Iterator[Team]:
    """The team that this process belongs to; what goes wrong in the block on one rank ends all ranks.

    Parameters
    ----------
    expected : ranks that there must be; not checked if None.

    Raises
    ------
    BackendError : MPI is missing or does not fit its launcher, or the number of ranks is not what was asked for.
    """
    team = _team()
    try:
        team.on_first(lambda: _check_size(team, expected))
        yield team
    except BaseException as error:
        if team.size > 1:
            team.abort(_explain(error, team))
        raise


def _team() -> Team:
    if launched()[0] == 1 and not runs_under_mpi4py():
        return Solo()
    from vicollapse.parallel.mpi import MpiTeam

    return MpiTeam()


def _check_size(team: Team, expected: int | None) -> None:
    size, launcher = launched()
    if launcher and team.size != size:
        raise BackendError(
            f"{launcher} has started {size} processes, but MPI ({team.library}) knows of {team.size}: they do not "
            "belong together. Use the mpiexec beside this Python, or another `srun --mpi=` (see `srun --mpi=list`)"
        )
    if expected is not None and team.size != expected:
        verb = "is" if team.size == 1 else "are"
        hint = f"mpiexec -n {expected} {sys.executable} -m mpi4py -m vicollapse ... --ranks {expected}"
        raise BackendError(f"asked for {expected} ranks, but there {verb} {team.size}; start them like this: {hint}")


def _explain(error: BaseException, team: Team) -> int:
    # on the failing rank itself and at once: nothing after the abort is sure to be printed
    where = f"vicollapse: rank {team.rank} of {team.size} on {team.hosts[team.rank]}"
    code: Any = 1
    if isinstance(error, SystemExit):
        code = error.code if isinstance(error.code, int) else 1
    elif isinstance(error, VicollapseError):
        code = 2
        print(f"{where}: error: {error}", file=sys.stderr, flush=True)
    else:
        traceback.print_exception(error)
        print(f"{where}: {type(error).__name__}: {error}; all ranks end now", file=sys.stderr, flush=True)
    return code or 1
