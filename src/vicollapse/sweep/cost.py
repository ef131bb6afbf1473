"""What one shard costs: time, memory, disk; from the experiment's own model, and from measured speed where there is."""

from typing import TYPE_CHECKING

from vicollapse import experiments
from vicollapse.experiments.base import BLOCK, Experiment
from vicollapse.sweep.batches import largest

if TYPE_CHECKING:
    from vicollapse.sweep.calibration import Speed
    from vicollapse.sweep.shards import Shard

PROCESS_BYTES = 300 * 2**20
"""Interpreter, libraries and compiled kernels."""
POINT_BYTES = 1000
"""Names, parameters and probabilities of a point, in the shard and in the phase diagram."""
STATE_BYTES = 128
"""One kept trajectory at one time."""


def shard_seconds(shard: "Shard", speed: "Speed | None" = None) -> float:
    """Core-seconds of a shard.

    Parameters
    ----------
    shard : not begun yet.
    speed : measured on a machine like the one that is meant; the experiment's own prediction if None.
    """
    experiment = experiments.get(shard.experiment)
    each = (experiment.seconds(p.parameters) * (speed.factor(p.parameters) if speed else 1) for p in shard.points)
    return experiment.start_up_seconds(shard.points[0].parameters) + sum(each) * (shard.stop - shard.first)


def shard_memory(shard: "Shard", backend: str = "cpu") -> int:
    """Bytes of memory of one process that simulates a shard, at most."""
    experiment, limit, most = experiments.get(shard.experiment), largest(backend), 0.0
    for point in shard.points:
        each = max(experiment.bytes_per_trajectory(point.parameters), 1.0)
        seconds = max(experiment.seconds(point.parameters), 1e-9)
        limits = (limit.trajectories, limit.seconds / seconds, limit.bytes / each)
        most = max(most, each * max(BLOCK, min(*limits, shard.trajectories)))
    return int(PROCESS_BYTES + most + _file_bytes(experiment, shard))


def shard_disk(shard: "Shard") -> int:
    """Bytes of the file of a shard, about, rather too much."""
    kept = 2 * STATE_BYTES * len(shard.points) * shard.keep_trajectories * len(shard.save_times)
    return _file_bytes(experiments.get(shard.experiment), shard) + kept


def diagram_disk(experiment: Experiment, points: int) -> int:
    """Bytes of the phase diagram of so many points, about, rather too much."""
    return points * (POINT_BYTES + 2 * _counts(experiment))


def _file_bytes(experiment: Experiment, shard: "Shard") -> int:
    sums = sum(2 * 8 * observable.size for observable in experiment.observables)
    blocks = -(-(shard.stop - shard.first) // BLOCK)
    return len(shard.points) * (POINT_BYTES + 2 * _counts(experiment) + blocks * sums)


def _counts(experiment: Experiment) -> int:
    bins = sum(observable.size * (len(observable.edges) - 1) for observable in experiment.observables)
    return 8 * (len(experiment.outcomes) + len(experiment.flags) + len(experiment.counters) + bins)
