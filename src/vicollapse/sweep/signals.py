"""A polite end: SIGTERM lets the batch in flight finish, a second one drops it."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

EXIT_CODE = 128 + signal.SIGTERM


class Termination:
    """Whether SIGTERM has come."""

    asked = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Handle the signal: remember it; the second time, end at once."""
        if self.asked:
            raise SystemExit(EXIT_CODE)
        self.asked = True

    def check(self) -> None:
        """End the process with exit code 143 if SIGTERM has come."""
        if self.asked:
            raise SystemExit(EXIT_CODE)


@contextmanager
def termination() -> Iterator[Termination]:
    """Handle SIGTERM during the block; outside the main thread, which alone gets signals, do nothing."""
    state = Termination()
    if threading.current_thread() is not threading.main_thread():
        yield state
        return
    before = signal.signal(signal.SIGTERM, state)
    try:
        yield state
        state.check()
    finally:
        signal.signal(signal.SIGTERM, before)
