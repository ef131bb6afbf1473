"""How a shard is cut into batches, each of them one call of the experiment: determined by the shard alone."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vicollapse.experiments.base import BLOCK, Block, Experiment
from vicollapse.sweep.parameters import get_value
from vicollapse.sweep.points import block_key

if TYPE_CHECKING:
    from vicollapse.sweep.shards import Shard

MAX_TRAJECTORIES = 65_536
MAX_SECONDS = 10.0
MAX_BYTES = 2**28


@dataclass(frozen=True)
class Batch:
    """Items [start, stop) of a shard: its blocks point by point, or, of a trace, its points."""

    start: int
    stop: int

    @property
    def name(self) -> str:
        """Name of the batch's part file without its suffix."""
        return f"{self.start:08d}-{self.stop:08d}"


def blocks_per_point(shard: "Shard") -> int:
    """Number of blocks of every point in a shard; the last one may be short."""
    return -(-(shard.stop - shard.first) // BLOCK)


def block_size(shard: "Shard", block: int) -> int:
    """Replicates in a shard's block of that number, counted from the shard's first."""
    return min(BLOCK, shard.stop - shard.first - block * BLOCK)


def batches(shard: "Shard", experiment: Experiment) -> list[Batch]:
    """The batches of a shard: whole blocks, equal in the static parameters, limited in number, time and memory.

    Blocks are numbered point after point: block b of point p has number p * `blocks_per_point` + b.

    Parameters
    ----------
    shard : the shard.
    experiment : its experiment.

    Returns
    -------
    list of Batch : consecutive, covering every block once.
    """
    per_point = blocks_per_point(shard)
    result: list[Batch] = []
    start, group, load = 0, None, 0.0
    for number, point in enumerate(shard.points):
        share, static = _share(experiment, point.parameters), _static(experiment, point.parameters)
        for block in range(per_point):
            item, more = number * per_point + block, share * block_size(shard, block)
            if item > start and (static != group or load + more > 1):
                result.append(Batch(start, item))
                start, load = item, 0.0
            group, load = static, load + more
    return [*result, Batch(start, len(shard.points) * per_point)]


def trace_batches(shard: "Shard", experiment: Experiment) -> list[Batch]:
    """Ranges of points whose kept trajectories are computed together; none if the shard keeps none."""
    count = kept(shard)
    result: list[Batch] = []
    start, group = 0, None
    room = max(1, MAX_BYTES // (4 * 128 * max(count, 1) * max(len(shard.save_times), 1)))  # 16 numbers at every time
    for number, point in enumerate(shard.points if count else ()):
        static = _static(experiment, point.parameters)
        if number > start and (static != group or number - start >= room):
            result.append(Batch(start, number))
            start = number
        group = static
    return [*result, Batch(start, len(shard.points))] if count else []


def kept(shard: "Shard") -> int:
    """Trajectories that are kept of every point in a shard, all of its first block."""
    return min(shard.keep_trajectories, shard.stop, BLOCK) if shard.first == 0 else 0


def sizes(shard: "Shard", batch: Batch) -> NDArray[np.int64]:
    """(blocks,) trajectories in every block of a batch."""
    block = np.arange(batch.start, batch.stop) % blocks_per_point(shard)
    return np.minimum(BLOCK, shard.stop - shard.first - block * BLOCK)


def batch_blocks(shard: "Shard", batch: Batch) -> list[Block]:
    """What the experiment is given for a batch."""
    per_point = blocks_per_point(shard)
    return [_block(shard, *divmod(item, per_point)) for item in range(batch.start, batch.stop)]


def trace_blocks(shard: "Shard", batch: Batch) -> list[Block]:
    """What the experiment is given for the kept trajectories of a range of points: the head of each first block."""
    return [_block(shard, point, 0, kept(shard)) for point in range(batch.start, batch.stop)]


def _block(shard: "Shard", point: int, block: int, limit: int = BLOCK) -> Block:
    entry = shard.points[point]
    size = min(block_size(shard, block), limit)
    return Block(entry.parameters, block_key(shard.seed, entry.id, shard.first // BLOCK + block), size)


def _share(experiment: Experiment, parameters: Any) -> float:
    # the part of a whole batch that one trajectory takes
    return max(
        1 / MAX_TRAJECTORIES,
        experiment.seconds(parameters) / MAX_SECONDS,
        experiment.bytes_per_trajectory(parameters) / MAX_BYTES,
    )


def _static(experiment: Experiment, parameters: Any) -> tuple[Any, ...]:
    return tuple(get_value(parameters, name) for name in experiment.static)
