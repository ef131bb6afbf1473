"""What a check says: a verdict, what was found, what to do about it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How a check ended; an error means that studies will fail or be wrong here."""

    OK = "ok"
    SKIPPED = "skipped"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    Parameters
    ----------
    verdict : how it ended.
    found : what was seen or measured, in words.
    advice : what to do about it; "" if nothing.
    """

    verdict: Verdict
    found: str
    advice: str = ""


Findings = dict[str, Finding]
"""Name of a check -> what it says, in the order of the checks."""


def ok(found: str) -> Finding:
    """All is well."""
    return Finding(Verdict.OK, found)


def skipped(found: str) -> Finding:
    """Nothing to check."""
    return Finding(Verdict.SKIPPED, found)


def warning(found: str, advice: str) -> Finding:
    """Studies will work, slower or with less protection."""
    return Finding(Verdict.WARNING, found, advice)


def error(found: str, advice: str) -> Finding:
    """Studies will fail or be wrong."""
    return Finding(Verdict.ERROR, found, advice)


def place(rank: int, hosts: Sequence[str]) -> str:
    """A rank for people: "rank 3 (node2)"."""
    return f"rank {rank} ({hosts[rank]})"


def places(ranks: Iterable[int], hosts: Sequence[str], most: int = 3) -> str:
    """Some ranks for people, the first few by name: "rank 3 (node2), rank 4 (node2) and 9 more"."""
    ranks = list(ranks)
    named = ", ".join(place(rank, hosts) for rank in ranks[:most])
    return named + (f" and {len(ranks) - most} more" if len(ranks) > most else "")


def number_of(count: int, noun: str) -> str:
    """A count with its noun: "1 rank", "2 ranks"."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def microseconds(seconds: float) -> str:
    """A short time for people: "4.2 µs", "2,110 µs"."""
    number = 1e6 * seconds
    return f"{number:,.0f} µs" if number >= 100 else f"{number:.3g} µs"
