"""One batch of a shard, simulated and reduced, and its part file."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vicollapse.experiments.base import Experiment
from vicollapse.parallel.team import Team
from vicollapse.sweep import shard_file, storage
from vicollapse.sweep.batches import Batch, batch_blocks, kept, sizes, static_values
from vicollapse.sweep.parts import part_attributes, part_path
from vicollapse.sweep.reduce import check, reduce

if TYPE_CHECKING:
    from vicollapse.sweep.shards import Shard

_SHORTEST_PIECE = 8
"""Blocks that a thread takes at once; fewer would not keep the kernel's lanes busy."""


@dataclass(frozen=True)
class Worker:
    """What computes, as it stands in every part file.

    Parameters
    ----------
    team : of which this rank is one.
    threads, backend : given to the experiment.
    kernels : static parameters of the trajectories that it has computed.
    """

    team: Team
    threads: int
    backend: str
    kernels: set[tuple[Any, ...]] = field(default_factory=set)


def trajectories(shard: "Shard", batch: Batch) -> int:
    """Replicates that a batch adds to the shard; those that are kept as a whole are among them already."""
    return 0 if batch.trace else int(sizes(shard, batch).sum())


@dataclass(frozen=True)
class Part:
    """What is kept of a batch.

    Parameters
    ----------
    batch : the batch.
    arrays, attributes : content of its part file, and who made it.
    """

    batch: Batch
    arrays: storage.Arrays
    attributes: dict[str, Any]


def compute_part(shard: "Shard", experiment: Experiment, batch: Batch, worker: Worker) -> Part:
    """Simulate a batch.

    Parameters
    ----------
    shard, experiment, batch : what to do.
    worker : what does it.

    Raises
    ------
    ValueError : the experiment returns something else than it declares.
    """
    start = time.perf_counter()
    arrays = (_trace if batch.trace else _reduced)(shard, experiment, batch, worker)
    attributes = {
        "seconds": time.perf_counter() - start,
        "trajectories": trajectories(shard, batch),
        "backend": worker.backend,
        "threads": worker.threads,
        "rank": worker.team.rank,
        "host": worker.team.hosts[worker.team.rank],
        "pid": os.getpid(),
    }
    return Part(batch, arrays, attributes)


def write_part(part: Part, shard: "Shard", experiment: Experiment, folder: Path) -> None:
    """Write a part file.

    Parameters
    ----------
    part : what to write.
    shard, experiment : what it belongs to.
    folder : of the parts.

    Raises
    ------
    StorageError : the file cannot be written.
    """
    attributes = part_attributes(shard_file.identity(shard, experiment), part.batch) | part.attributes
    with storage.writing(part_path(folder, part.batch), attributes) as file:
        storage.store(file, part.arrays, compress=False)


def _reduced(shard: "Shard", experiment: Experiment, batch: Batch, worker: Worker) -> storage.Arrays:
    # a thread takes a piece through all steps, from its random starts to its counts
    work = partial(_reduced_piece, shard, experiment, backend=worker.backend)
    pieces, found = _pieces(experiment, batch, worker), []
    if len(pieces) == 1:
        return work(batch, threads=worker.threads)
    if _new_kernel(shard, experiment, batch, worker):  # which one thread compiles for all
        found = [work(replace(batch, stop=batch.start + 1), threads=1)]
        pieces = _pieces(experiment, replace(batch, start=batch.start + 1), worker)
    with ThreadPoolExecutor(worker.threads) as pool:
        found += pool.map(partial(work, threads=1), pieces)
    return {name: np.concatenate([arrays[name] for arrays in found]) for name in found[0]}


def _new_kernel(shard: "Shard", experiment: Experiment, batch: Batch, worker: Worker) -> bool:
    parameters = batch_blocks(shard, replace(batch, stop=batch.start + 1))[0].parameters
    static = static_values(experiment, parameters)
    known = static in worker.kernels
    worker.kernels.add(static)
    return not known


def _pieces(experiment: Experiment, batch: Batch, worker: Worker) -> list[Batch]:
    # long ones first, short ones last, so that all threads end together; a device takes a batch as a whole
    if worker.backend != "cpu" or not experiment.divisible:
        return [batch]
    pieces, start = [], batch.start
    while start < batch.stop:
        left = batch.stop - start
        length = max(_SHORTEST_PIECE, left // (2 * worker.threads))
        pieces.append(replace(batch, start=start, stop=min(start + length, batch.stop)))
        start = pieces[-1].stop
    return pieces


def _reduced_piece(
    shard: "Shard", experiment: Experiment, piece: Batch, *, threads: int, backend: str
) -> storage.Arrays:
    in_block = sizes(shard, piece)
    outcomes = experiment.run(batch_blocks(shard, piece), threads=threads, backend=backend)
    check(experiment, outcomes, in_block)
    return reduce(experiment, outcomes, in_block)


def _trace(shard: "Shard", experiment: Experiment, batch: Batch, worker: Worker) -> storage.Arrays:
    blocks, times = batch_blocks(shard, batch), np.asarray(shard.save_times, float)
    traces = experiment.trace(blocks, times, threads=worker.threads, backend=worker.backend)
    arrays: storage.Arrays = {f"trajectories/{name}": array for name, array in traces.items()}
    arrays["trajectories/outcome"] = experiment.run(blocks, threads=worker.threads, backend=worker.backend).outcome
    return {name: a.reshape(len(blocks), kept(shard), *a.shape[1:]) for name, a in arrays.items()}
