"""One batch of a shard, simulated and reduced into its part file."""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vicollapse.experiments.base import Experiment
from vicollapse.parallel.team import Team
from vicollapse.sweep import shard_file, storage
from vicollapse.sweep.batches import Batch, batch_blocks, kept, sizes
from vicollapse.sweep.parts import part_attributes, part_path
from vicollapse.sweep.reduce import check, reduce

if TYPE_CHECKING:
    from vicollapse.sweep.shards import Shard


@dataclass(frozen=True)
class Worker:
    """What computes, as it stands in every part file.

    Parameters
    ----------
    team : of which this rank is one.
    threads, backend : given to the experiment.
    """

    team: Team
    threads: int
    backend: str


def trajectories(shard: "Shard", batch: Batch) -> int:
    """Replicates that a batch adds to the shard; those that are kept as a whole are among them already."""
    return 0 if batch.trace else int(sizes(shard, batch).sum())


def compute_part(shard: "Shard", experiment: Experiment, batch: Batch, folder: Path, worker: Worker) -> None:
    """Simulate a batch and write its part file.

    Parameters
    ----------
    shard, experiment, batch : what to do.
    folder : of the parts.
    worker : what does it.

    Raises
    ------
    StorageError : the file cannot be written.
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
    path = part_path(folder, batch)
    with storage.writing(path, part_attributes(shard_file.identity(shard, experiment), batch) | attributes) as file:
        storage.store(file, arrays, compress=False)


def _reduced(shard: "Shard", experiment: Experiment, batch: Batch, worker: Worker) -> storage.Arrays:
    in_block = sizes(shard, batch)
    outcomes = experiment.run(batch_blocks(shard, batch), threads=worker.threads, backend=worker.backend)
    check(experiment, outcomes, in_block)
    return reduce(experiment, outcomes, in_block)


def _trace(shard: "Shard", experiment: Experiment, batch: Batch, worker: Worker) -> storage.Arrays:
    blocks, times = batch_blocks(shard, batch), np.asarray(shard.save_times, float)
    traces = experiment.trace(blocks, times, threads=worker.threads, backend=worker.backend)
    arrays: storage.Arrays = {f"trajectories/{name}": array for name, array in traces.items()}
    arrays["trajectories/outcome"] = experiment.run(blocks, threads=worker.threads, backend=worker.backend).outcome
    return {name: a.reshape(len(blocks), kept(shard), *a.shape[1:]) for name, a in arrays.items()}
