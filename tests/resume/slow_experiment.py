"""The fake experiment of tests/sweep, slowed down, so that there is time to kill it; for other processes."""

import sys
import time

import fake_experiment

from vicollapse import experiments

SECONDS = 0.04
"""Real time of a block."""


class Slow(fake_experiment.Fake):
    """Every block takes a while; the predicted time makes batches of two blocks."""

    name = "slow"

    def seconds(self, parameters):
        """Predicted, far too much."""
        return 10 / 520

    def run(self, blocks, *, threads=1, backend="cpu"):
        """As the fake experiment, later."""
        time.sleep(SECONDS * len(blocks))
        return super().run(blocks, threads=threads, backend=backend)


def register():
    """Make the experiment known as 'slow' in this process."""
    sys.modules["vicollapse.experiments.slow"] = sys.modules[__name__]
    experiments._MODULES["slow"] = "Slow"
    experiments.get.cache_clear()
