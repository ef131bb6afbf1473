"""The fake experiment of tests/sweep at a pace that a file sets; each batch leaves a line: where it was computed."""

import json
import os
import sys
import time
from pathlib import Path

import fake_experiment

from vicollapse import experiments

PACE = Path("pace")
"""Seconds per batch."""
COMPUTED = Path("computed")
"""One JSON line per computed batch."""


class Paced(fake_experiment.Fake):
    """Two blocks make a batch."""

    name = "paced"

    def seconds(self, parameters):
        """Predicted: so much that batches are small."""
        return 10 / 520

    def run(self, blocks, *, threads=1, backend="cpu"):
        """As the fake experiment, later."""
        time.sleep(float(PACE.read_text()))
        asked = ("SLURM_JOB_ID", "CUDA_VISIBLE_DEVICES", "PMI_RANK")
        line = {name: os.environ.get(name) for name in asked} | {"blocks": [block.key for block in blocks]}
        with COMPUTED.open("a") as file:
            file.write(json.dumps(line) + "\n")
        return super().run(blocks, threads=threads, backend=backend)


def register():
    """Make the experiment known in this process."""
    sys.modules["vicollapse.experiments.paced"] = sys.modules[__name__]
    experiments._MODULES["paced"] = "Paced"
    experiments.get.cache_clear()
