"""What one job of a batch system asks for: memory and time of a shard, by ranks and threads, more on each try."""

import math
from dataclasses import dataclass

from vicollapse.sweep.calibration import Speed
from vicollapse.sweep.cost import shard_memory, shard_seconds
from vicollapse.sweep.shards import Shard

SAFETY = 2.0
"""Asked for over predicted time: other machines than ours, ranks that wait for the last batch."""
START_MINUTES = 5
"""Starts of Snakemake and of the ranks, imports from a slow file system, the first compilation of a kernel."""
WORKFLOW_BYTES = 500 * 2**20
"""The two processes of Snakemake that watch over a job, inside its memory limit."""


@dataclass(frozen=True)
class Job:
    """The needs of one shard.

    Parameters
    ----------
    core_seconds : predicted time on one core.
    process_bytes : memory of one rank.
    """

    core_seconds: float
    process_bytes: int

    def minutes(self, *, ranks: int = 1, threads: int = 1, attempt: int = 1) -> int:
        """Time limit; an attempt that reached its limit is followed by one with a longer one, which resumes.

        Parameters
        ----------
        ranks, threads : processes, and threads of each.
        attempt : 1 for the first.

        Returns
        -------
        int : whole minutes, as batch systems count.
        """
        predicted = self.core_seconds / (60 * ranks * threads)
        return attempt * (START_MINUTES + math.ceil(SAFETY * predicted))

    def megabytes(self, *, ranks_per_node: int = 1, attempt: int = 1) -> int:
        """Memory limit of a node; grows by half with every attempt.

        Parameters
        ----------
        ranks_per_node : processes on the fullest node.
        attempt : 1 for the first.

        Returns
        -------
        int : MB (2^20 bytes), as batch systems count, the workflow's own processes included.
        """
        needed = WORKFLOW_BYTES + ranks_per_node * self.process_bytes
        return math.ceil((1 + (attempt - 1) / 2) * needed / 2**20)


def simulation(shard: Shard, speed: Speed | None = None, backend: str = "cpu") -> Job:
    """The job that simulates a shard.

    Parameters
    ----------
    shard : of the plan.
    speed : measured on a machine like those of the jobs (`calibration.stored`).
    backend : which computes; batches on a GPU are larger.
    """
    return Job(shard_seconds(shard, speed), shard_memory(shard, backend))
