"""Exchange between ranks that survives a rank that fails: every rank learns of it, at the same place of the check."""

import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from vicollapse.checkup.findings import Finding, error, places
from vicollapse.errors import VicollapseError
from vicollapse.parallel.team import Team

T = TypeVar("T")
_Answer = tuple[bool, Any]  # whether it worked; the value, or why not


class RankFailure(Exception):
    """Some ranks have failed in a check; raised on all ranks alike.

    Parameters
    ----------
    reasons : rank -> why.
    """

    def __init__(self, reasons: dict[int, str]) -> None:
        super().__init__(str(reasons))
        self.reasons = reasons

    def finding(self, hosts: Sequence[str]) -> Finding:
        """The failure as the result of the check."""
        alike = {why: [rank for rank, other in self.reasons.items() if other == why] for why in self.reasons.values()}
        found = "; ".join(f"{places(ranks, hosts)}: {why}" for why, ranks in alike.items())
        return error(found, "put this right, and check again")


class Collective:
    """Gathers values of all ranks; a rank that has none to give sends the reason instead.

    All exchange of a check goes through one object of this class. So a rank that fails anywhere in a check meets the
    others at their next exchange, whichever that is.

    Parameters
    ----------
    team : all ranks.
    """

    def __init__(self, team: Team) -> None:
        self._team = team

    def gather(self, value: T) -> list[T]:
        """The values of all ranks, on every rank.

        Raises
        ------
        RankFailure : some rank has failed.
        """
        return self._exchange((True, value))

    def everywhere(self, measure: Callable[[], T], seconds: float = 30.0) -> list[T]:
        """Call a function on every rank, in a thread of its own that is left behind if it does not end.

        Parameters
        ----------
        measure : called without arguments; it must not use MPI.
        seconds : bound in time.

        Returns
        -------
        list : what it returned, by rank, on every rank.

        Raises
        ------
        RankFailure : it has raised something on some rank, or not returned in time.
        """
        return self._exchange(_in_thread(measure, seconds))

    def here(self, measure: Callable[[], T]) -> list[T]:
        """As `everywhere`, in the thread of the caller: for what uses MPI; `measure` bounds its own time."""
        return self._exchange(_attempt(measure))

    def fail(self, problem: BaseException) -> None:
        """Tell the others, at their next exchange, that this rank has failed.

        Raises
        ------
        RankFailure : always, here too.
        """
        self._exchange((False, _reason(problem)))

    def _exchange(self, answer: _Answer) -> list[Any]:
        answers = self._team.gather(answer)
        reasons = {rank: str(why) for rank, (worked, why) in enumerate(answers) if not worked}
        if reasons:
            raise RankFailure(reasons)
        return [value for _, value in answers]


def _in_thread(measure: Callable[[], Any], seconds: float) -> _Answer:
    answers: list[_Answer] = []
    thread = threading.Thread(target=lambda: answers.append(_attempt(measure)), daemon=True)
    thread.start()
    thread.join(seconds)
    return answers[0] if answers else (False, f"no answer within {seconds:g} s")


def _attempt(measure: Callable[[], Any]) -> _Answer:
    try:
        return True, measure()
    except Exception as problem:  # whatever it is, it must become a row of the table
        return False, _reason(problem)


def _reason(problem: BaseException) -> str:
    text = str(problem).strip()
    if isinstance(problem, VicollapseError) and text:
        return text
    return f"{type(problem).__name__}: {text}" if text else type(problem).__name__
