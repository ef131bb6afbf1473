"""An end to what hangs: a batch that takes absurdly long ends its process, and with it all ranks of its job."""

import faulthandler
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

PATIENCE = 900.0
"""Seconds; far more than the ten that a batch is planned for."""
_LATER = 30.0


@contextmanager
def watchdog(seconds: float, explain: Callable[[], str]) -> Iterator[None]:
    """End this process with exit code 1 if the block takes too long.

    Parameters
    ----------
    seconds : until the end; none ever if 0.
    explain : what to print then; must not wait for anything.
    """
    if not seconds:
        yield
        return

    def end() -> None:
        print(f"vicollapse: error: {explain()}", file=sys.stderr, flush=True)
        faulthandler.dump_traceback(all_threads=True)
        os._exit(1)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    faulthandler.dump_traceback_later(seconds + _LATER, exit=True)  # should the interpreter itself be stuck
    try:
        yield
    finally:
        timer.cancel()
        faulthandler.cancel_dump_traceback_later()
