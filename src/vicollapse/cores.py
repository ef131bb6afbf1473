"""How many cores this process may use."""

import os


def available_threads() -> int:
    """Cores that the scheduler allows this process, or all of the machine where that is not known."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
