"""The status of studies and shards as tables and sentences for people."""

import time
from collections.abc import Iterable, Iterator

from vicollapse.experiments.recheck import report
from vicollapse.sweep.progress import duration
from vicollapse.sweep.shard_state import ShardState
from vicollapse.sweep.status import Status

Table = tuple[tuple[str, ...], list[tuple[str, ...]]]
MOST_LINES = 10
"""Failed and interrupted shards that are told of one by one."""


def table(statuses: Iterable[Status]) -> Table:
    """Heading and rows of the table of studies."""
    counts = ("done", "running", "failed", "interrupted", "left")
    speeds = ("per second", "per rank", "time left")
    return ("study", *counts, "trajectories", *speeds, "phase diagram"), [_study_row(status) for status in statuses]


def shard_table(statuses: Iterable[Status]) -> Table:
    """Heading and rows of the table of shards, in which only failures have a reason."""
    heading = ("study", "shard", "state", "progress", "per second and rank", "ranks", "host", "since", "log", "reason")
    return heading, [_shard_row(status.study, state) for status in statuses for state in status.shards]


def accuracy(status: Status) -> Iterator[str]:
    """A line that says whether the fates of a finished study depend on the tolerance, if that was checked."""
    if status.rechecked:
        yield f"{status.study}: {report(status.rechecked, status.recheck_disagreements)}"


def problems(status: Status) -> Iterator[str]:
    """A line for every shard that failed or was interrupted, the first ones at least, and where to read more."""
    told = [state for state in status.shards if state.state in ("failed", "interrupted")]
    for state in told[:MOST_LINES]:
        yield f"{status.study} {state.shard} {_fate(state)}{f' (log: {state.log})' if state.log else ''}"
    if len(told) > MOST_LINES:
        yield f"{status.study}: {len(told) - MOST_LINES} more shards failed or were interrupted; --shards lists all"


def _fate(state: ShardState) -> str:
    if state.state == "failed":
        return f"failed: {state.reason}"
    who = f"process {state.pid} on {state.host}, " if state.host else ""
    return (
        f"interrupted: {who}last sign of life {_date(state.since)}; {_percent(state)} are kept, run again to continue"
    )


def _study_row(s: Status) -> tuple[str, ...]:
    percent = 100 * s.trajectories_done // max(s.trajectories, 1)
    return (
        s.study,
        *(str(number) for number in (s.done, s.running, s.failed, s.interrupted, s.left)),
        f"{s.trajectories_done:,} of {s.trajectories:,} ({percent} %)",
        _number(s.per_second),
        _number(s.per_second_per_rank),
        "-" if s.seconds_left is None else duration(s.seconds_left),
        "written" if s.aggregated else "to do",
    )


def _shard_row(study: str, state: ShardState) -> tuple[str, ...]:
    return (
        study,
        state.shard,
        state.state,
        _percent(state),
        _number(state.per_second_per_rank),
        str(state.ranks or "-"),
        state.host or "-",
        _date(state.since),
        state.log or "-",
        _first_line(state.reason),
    )


def _percent(state: ShardState) -> str:
    return f"{100 * state.trajectories_done // max(state.trajectories, 1)} %"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value else "-"


def _date(seconds: float | None) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds)) if seconds else "-"


def _first_line(text: str) -> str:
    return text.splitlines()[0] if text else ""
