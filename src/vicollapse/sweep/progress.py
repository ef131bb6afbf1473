"""How far a run is: a bar on a terminal, a plain line now and then in a log."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO


@contextmanager
def progress_bar(
    total: int, label: str, *, stream: TextIO | None = None, interval: float = 10.0
) -> Iterator[Callable[[int], None]]:
    """Show the progress of a run during the block.

    Parameters
    ----------
    total : trajectories to simulate.
    label : what is simulated.
    stream : where to; stderr by default.
    interval : seconds between two plain lines, where the stream is no terminal.

    Returns
    -------
    callable : to be called with the number of trajectories that have become ready.
    """
    stream = sys.stderr if stream is None else stream
    with (_bar if stream.isatty() else _lines)(total, label, stream, interval) as advance:
        yield advance


def duration(seconds: float) -> str:
    """A time in words that are read at a glance: "42 s", "7 min", "3.5 h", "2.1 d"."""
    for unit, size in (("d", 86400), ("h", 3600)):
        if seconds >= 1.5 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds / 60:.0f} min" if seconds >= 100 else f"{seconds:.0f} s"


@contextmanager
def _bar(total: int, label: str, stream: TextIO, interval: float) -> Iterator[Callable[[int], None]]:
    from rich import progress
    from rich.console import Console

    columns = [
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.TaskProgressColumn(),
        progress.MofNCompleteColumn(),
        progress.TimeElapsedColumn(),
        progress.TimeRemainingColumn(),
    ]
    with progress.Progress(*columns, console=Console(file=stream)) as bar:
        task = bar.add_task(label, total=total)
        yield lambda count: bar.advance(task, count)


@contextmanager
def _lines(total: int, label: str, stream: TextIO, interval: float) -> Iterator[Callable[[int], None]]:
    counter = _Lines(total, label, stream, interval)
    yield counter.advance
    counter.show(final=True)


class _Lines:
    def __init__(self, total: int, label: str, stream: TextIO, interval: float) -> None:
        self.total, self.label, self.stream, self.interval = total, label, stream, interval
        self.done, self.start = 0, time.monotonic()
        self.shown = self.start

    def advance(self, count: int) -> None:
        self.done += count
        if time.monotonic() - self.shown >= self.interval and self.done < self.total:
            self.show()

    def show(self, final: bool = False) -> None:
        self.shown = time.monotonic()
        elapsed = self.shown - self.start
        rate = self.done / max(elapsed, 1e-9)
        end = f"in {duration(elapsed)}" if final else f"{duration((self.total - self.done) / max(rate, 1e-9))} left"
        percent = 100 * self.done // max(self.total, 1)
        line = f"{self.label}: {self.done:,} of {self.total:,} trajectories ({percent} %), {rate:,.0f}/s, {end}"
        print(line, file=self.stream, flush=True)
