"""The fake experiment of tests/sweep, slowed down, so that there is time to kill it; for other processes."""

import os
import resource
import signal
import sys
import time

import fake_experiment

from vicollapse import experiments

SECONDS = 0.04
"""Real time of a block."""
FAULT = "SLOW_FAULT"
"""Environment variable `what:rank:call`: what happens to a rank at that call of the experiment, counted from 1."""
FAULTS = {
    "raise": lambda: 1 / 0,
    "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "crash": lambda: os.kill(os.getpid(), signal.SIGSEGV),
    "hang": lambda: time.sleep(1000),
    "terminate": lambda: os.kill(os.getpid(), signal.SIGTERM),
    "full": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)),
}
_calls = []


class Slow(fake_experiment.Fake):
    """Every block takes a while; the predicted time makes batches of two blocks."""

    name = "slow"

    def seconds(self, parameters):
        """Predicted, far too much."""
        return 10 / 520

    def run(self, blocks, *, threads=1, backend="cpu"):
        """As the fake experiment, later."""
        _perhaps_fail()
        time.sleep(SECONDS * len(blocks))
        return super().run(blocks, threads=threads, backend=backend)


def _perhaps_fail():
    _calls.append(1)
    what, rank, call = os.environ.get(FAULT, "none:0:0").split(":")
    if rank == os.environ.get("PMI_RANK", "0") and int(call) == len(_calls):
        FAULTS[what]()


def register():
    """Make the experiment known as 'slow' in this process."""
    sys.modules["vicollapse.experiments.slow"] = sys.modules[__name__]
    experiments._MODULES["slow"] = "Slow"
    experiments.get.cache_clear()
