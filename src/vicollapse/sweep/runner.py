"""Simulate one shard: batch after batch into part files, then one file; whatever is there already is not repeated."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vicollapse import experiments
from vicollapse.errors import StorageError
from vicollapse.experiments.base import Block, Experiment, Outcomes
from vicollapse.sweep import shard_file, storage
from vicollapse.sweep.batches import Batch, batch_blocks, batches, kept, sizes, trace_batches, trace_blocks
from vicollapse.sweep.lock import exclusive
from vicollapse.sweep.provenance import provenance
from vicollapse.sweep.reduce import check, reduce
from vicollapse.sweep.signals import termination

if TYPE_CHECKING:
    from vicollapse.sweep.shards import Shard

Progress = Callable[[int], None]
_logger = logging.getLogger(__name__)


def simulate(
    shard: "Shard", folder: Path, *, threads: int = 1, backend: str = "cpu", progress: Progress | None = None
) -> Path:
    """Simulate a shard, continuing where an earlier run was stopped.

    Parameters
    ----------
    shard : what to simulate.
    folder : of the study, `results/<study>`.
    threads, backend : given to the experiment.
    progress : called with the number of trajectories that have become ready, those of earlier runs too.

    Returns
    -------
    Path : the file of the shard.

    Raises
    ------
    StorageError : another process runs this shard, a file there belongs to something else, or nothing can be written.
    SystemExit : 143, after SIGTERM; finished batches are kept.
    """
    run = _Run(shard, folder, threads, backend, progress or (lambda _: None))
    if run.done() and not run.parts.exists():
        run.progress(len(shard.points) * (shard.stop - shard.first))
        return run.path
    with exclusive(run.parts / "lock"), termination() as stop, _failure_noted(run.parts / "error.txt"):
        storage.remove_leftovers(run.path)
        if not run.done():
            parts = {batch: run.part(batch, stop.check) for batch in batches(shard, run.experiment)}
            traces = {batch: run.trace(batch, stop.check) for batch in trace_batches(shard, run.experiment)}
            shard_file.merge(run.path, shard, run.experiment, parts, traces, run.provenance())
        shard_file.remove_parts(folder, shard.id)
    return run.path


@dataclass
class _Run:
    shard: "Shard"
    folder: Path
    threads: int
    backend: str
    progress: Progress
    seconds: float = 0.0
    backends: set[str] = field(default_factory=set)

    @property
    def experiment(self) -> Experiment:
        return experiments.get(self.shard.experiment)

    @property
    def path(self) -> Path:
        return shard_file.shard_path(self.folder, self.shard.id)

    @property
    def parts(self) -> Path:
        return shard_file.parts_folder(self.folder, self.shard.id)

    def done(self) -> bool:
        if not self.path.exists():
            return False
        try:
            with storage.reading(self.path, shard_file.identity(self.shard, self.experiment)):
                return True
        except storage.DamagedFile as error:
            _logger.warning("%s; computing it again", error)
            return False

    def part(self, batch: Batch, stop: Callable[[], None]) -> Path:
        in_block = sizes(self.shard, batch)

        def compute() -> storage.Arrays:
            outcomes = self._run(batch_blocks(self.shard, batch))
            check(self.experiment, outcomes, in_block)
            return reduce(self.experiment, outcomes, in_block)

        path = self._ensure(f"{batch.name}.h5", compute, int(in_block.sum()))
        self.progress(int(in_block.sum()))
        stop()
        return path

    def trace(self, batch: Batch, stop: Callable[[], None]) -> Path:
        def compute() -> storage.Arrays:
            blocks, times = trace_blocks(self.shard, batch), np.asarray(self.shard.save_times, float)
            traces = self.experiment.trace(blocks, times, threads=self.threads, backend=self.backend)
            arrays: storage.Arrays = {f"trajectories/{name}": array for name, array in traces.items()}
            arrays["trajectories/outcome"] = self._run(blocks).outcome
            points = batch.stop - batch.start
            return {name: a.reshape(points, kept(self.shard), *a.shape[1:]) for name, a in arrays.items()}

        path = self._ensure(f"trace-{batch.name}.h5", compute)
        stop()
        return path

    def provenance(self) -> dict[str, Any]:
        backends = ", ".join(sorted(self.backends))
        return provenance(backend=backends, threads=self.threads, wall_seconds=self.seconds)

    def _run(self, blocks: list[Block]) -> Outcomes:
        return self.experiment.run(blocks, threads=self.threads, backend=self.backend)

    def _ensure(self, name: str, compute: Callable[[], storage.Arrays], trajectories: int = 0) -> Path:
        path = self.parts / name
        expected = shard_file.identity(self.shard, self.experiment) | {"part": name}
        attributes = _attributes(path, expected)
        if attributes is None:
            storage.remove_leftovers(path)
            start = time.perf_counter()
            arrays = compute()
            took = time.perf_counter() - start
            attributes = {"seconds": took, "backend": self.backend, "trajectories": trajectories}
            with storage.writing(path, expected | attributes) as file:
                storage.store(file, arrays, compress=False)
        self.seconds += float(attributes["seconds"])
        self.backends.add(str(attributes["backend"]))
        return path


def _attributes(path: Path, expected: dict[str, Any]) -> dict[str, Any] | None:
    # of a part of an earlier run that is whole and belongs here; None if it must be computed
    if not path.exists():
        return None
    try:
        return storage.read(path, expected)[1]
    except StorageError as error:
        _logger.warning("%s (this batch alone is computed again now)", error)
        return None


@contextmanager
def _failure_noted(path: Path) -> Iterator[None]:
    # for `status`: why the last run of this shard failed
    path.unlink(missing_ok=True)
    try:
        yield
    except Exception as error:
        with suppress(OSError):
            path.write_text(f"{type(error).__name__}: {error}\n")
        raise
