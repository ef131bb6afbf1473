"""How the work of a shard is cut into batches, each of them one call of the experiment and one part file."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vicollapse.experiments.base import BLOCK, Block, Experiment
from vicollapse.sweep.parameters import get_value
from vicollapse.sweep.points import block_key

if TYPE_CHECKING:
    from vicollapse.sweep.shards import Shard

MAX_TRAJECTORIES = 262_144
MAX_SECONDS = 10.0
MAX_BYTES = 2**28
_LARGER = {"gpu": 4}
"""How many times as much a batch of a backend may hold: a device with 100,000 lanes is full only at a million."""
BATCHES_PER_RANK = 16
"""At least so many for each of several ranks, as far as blocks go, so that all of them end at about the same time."""


@dataclass(frozen=True)
class Batch:
    """Items [start, stop) of a shard: its blocks point by point, or, for kept trajectories (`trace`), its points."""

    start: int
    stop: int
    trace: bool = False

    @property
    def name(self) -> str:
        """Name of the batch's part file without its suffix."""
        return f"{'trace-' if self.trace else ''}{self.start:08d}-{self.stop:08d}"


@dataclass(frozen=True)
class Limits:
    """What a batch may hold: trajectories, predicted core-seconds, and bytes of memory."""

    trajectories: int
    seconds: float
    bytes: float


def limits(
    shard: "Shard", experiment: Experiment, *, ranks: int = 1, memory: float | None = None, backend: str = "cpu"
) -> Limits:
    """Limits of a batch: of this module, less where many ranks share one shard or a device has little memory.

    Parameters
    ----------
    shard, experiment : what is cut.
    ranks : that share the work.
    memory : bytes that a batch may use on its device.
    backend : which computes.
    """
    whole = largest(backend)
    whole = whole if memory is None else replace(whole, bytes=min(memory, whole.bytes))
    if ranks == 1:
        return whole
    each = ranks * BATCHES_PER_RANK
    seconds = sum(experiment.seconds(point.parameters) for point in shard.points) * (shard.stop - shard.first) / each
    return Limits(min(whole.trajectories, -(-shard.trajectories // each)), min(whole.seconds, seconds), whole.bytes)


def largest(backend: str) -> Limits:
    """What a batch of a backend may hold at most."""
    times = _LARGER.get(backend, 1)
    return Limits(times * MAX_TRAJECTORIES, times * MAX_SECONDS, times * MAX_BYTES)


def blocks_per_point(shard: "Shard") -> int:
    """Number of blocks of every point in a shard; the last one may be short."""
    return -(-(shard.stop - shard.first) // BLOCK)


def block_size(shard: "Shard", block: int) -> int:
    """Replicates in a shard's block of that number, counted from the shard's first."""
    return min(BLOCK, shard.stop - shard.first - block * BLOCK)


def batches(
    shard: "Shard", experiment: Experiment, limit: Limits | None = None, done: Collection[Batch] = ()
) -> list[Batch]:
    """The work of a shard: whole blocks, equal in the static parameters; then the trajectories that are kept.

    Blocks are numbered point after point: block b of point p has number p * `blocks_per_point` + b.

    Parameters
    ----------
    shard : the shard.
    experiment : its experiment.
    limit : of a batch; a single block may exceed it. By default that of one rank.
    done : batches whose work need not be done again.

    Returns
    -------
    list of Batch : without overlap; with `done` they cover every block, and every point with kept trajectories, once.
    """
    limit, per_point = limit or limits(shard, experiment), blocks_per_point(shard)
    static = [static_values(experiment, point.parameters) for point in shard.points]
    share = [_share(experiment, point.parameters, limit) for point in shard.points]
    sizes_ = [block_size(shard, block) for block in range(per_point)]
    lines = max(1, kept(shard) * len(shard.save_times))
    room = limit.bytes / (4 * 128 * lines)  # points; 16 numbers at every time, and temporaries

    def of_block(item: int) -> tuple[Any, float]:
        point, block = divmod(item, per_point)
        return static[point], share[point] * sizes_[block]

    blocks = _left(len(shard.points) * per_point, [batch for batch in done if not batch.trace])
    points = _left(len(shard.points) if kept(shard) else 0, [batch for batch in done if batch.trace])
    return [*_cut(blocks, of_block, False), *_cut(points, lambda point: (static[point], 1 / room), True)]


def kept(shard: "Shard") -> int:
    """Trajectories that are kept of every point in a shard, all of its first block."""
    return min(shard.keep_trajectories, shard.stop, BLOCK) if shard.first == 0 else 0


def sizes(shard: "Shard", batch: Batch) -> NDArray[np.int64]:
    """(blocks,) trajectories in every block of a batch."""
    block = np.arange(batch.start, batch.stop) % blocks_per_point(shard)
    return np.minimum(BLOCK, shard.stop - shard.first - block * BLOCK)


def batch_blocks(shard: "Shard", batch: Batch) -> list[Block]:
    """What the experiment is given for a batch; for kept trajectories the head of every point's first block."""
    if batch.trace:
        return [_block(shard, point, 0, kept(shard)) for point in range(batch.start, batch.stop)]
    per_point = blocks_per_point(shard)
    return [_block(shard, *divmod(item, per_point)) for item in range(batch.start, batch.stop)]


def _block(shard: "Shard", point: int, block: int, limit: int = BLOCK) -> Block:
    entry = shard.points[point]
    size = min(block_size(shard, block), limit)
    return Block(entry.parameters, block_key(shard.seed, entry.id, shard.first // BLOCK + block), size)


def _left(total: int, done: Iterable[Batch]) -> list[int]:
    missing = np.ones(total, bool)
    for batch in done:
        missing[batch.start : batch.stop] = False
    return np.flatnonzero(missing).tolist()


def _cut(items: Iterable[int], measure: Callable[[int], tuple[Any, float]], trace: bool) -> list[Batch]:
    # consecutive items of one group whose shares of a whole batch add up to at most 1
    result: list[Batch] = []
    group, load = None, 0.0
    for item in items:
        own, share = measure(item)
        if result and result[-1].stop == item and own == group and load + share <= 1 + 1e-9:
            result[-1] = Batch(result[-1].start, item + 1, trace)
            load += share
        else:
            result.append(Batch(item, item + 1, trace))
            group, load = own, share
    return result


def _share(experiment: Experiment, parameters: Any, limit: Limits) -> float:
    # the part of a whole batch that one trajectory takes
    return max(
        1 / limit.trajectories,
        experiment.seconds(parameters) / limit.seconds,
        experiment.bytes_per_trajectory(parameters) / limit.bytes,
    )


def static_values(experiment: Experiment, parameters: Any) -> tuple[Any, ...]:
    """Values of the static parameters, which all trajectories of one call share."""
    return tuple(get_value(parameters, name) for name in experiment.static)
