"""Simulate one shard, with one rank or many: batch after batch into part files, then one file; nothing is repeated."""

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from vicollapse import experiments
from vicollapse.experiments.base import Experiment
from vicollapse.parallel.team import Solo, Team, WorkQueue
from vicollapse.sweep import shard_file, storage
from vicollapse.sweep.batches import Batch, batches, limits
from vicollapse.sweep.behind import Behind
from vicollapse.sweep.compute import Worker, compute_part, trajectories, write_part
from vicollapse.sweep.lock import exclusive
from vicollapse.sweep.parts import usable_parts, wait_for_parts
from vicollapse.sweep.signals import EXIT_CODE, Termination, termination
from vicollapse.sweep.watchdog import PATIENCE, watchdog

if TYPE_CHECKING:
    from vicollapse.sweep.shards import Shard

Progress = Callable[[int], None]
T = TypeVar("T")
_logger = logging.getLogger(__name__)


def simulate(
    shard: "Shard",
    folder: Path,
    *,
    team: Team | None = None,
    threads: int = 1,
    backend: str = "cpu",
    memory: float | None = None,
    progress: Progress | None = None,
    patience: float = PATIENCE,
) -> Path:
    """Simulate a shard, continuing where an earlier run was stopped; its file does not depend on who computes what.

    Parameters
    ----------
    shard : what to simulate.
    folder : of the study, `results/<study>`, which all ranks share.
    team : the ranks that work together, all of which call this; this process alone by default.
    threads, backend : given to the experiment.
    memory : bytes that a batch may use on the backend's device; None for no limit but the usual one.
    progress : called on rank 0 with the number of trajectories that have become ready, those of earlier runs too.
    patience : seconds after which a batch counts as hanging and ends the process; never if 0.

    Returns
    -------
    Path : the file of the shard.

    Raises
    ------
    StorageError : another process runs this shard, a file there belongs to something else, or nothing can be written.
    SystemExit : 143, after SIGTERM on any rank; finished batches are kept.
    """
    worker = Worker(team or Solo(), threads, backend)
    run = _Run(shard, folder, worker, memory, progress or (lambda _: None), patience)
    if run.on_first(run.finished):
        return run.path
    with run.alone(), termination() as stop, run.failure_noted():
        work = run.on_first(run.left)
        if run.work_through(work, stop):
            raise SystemExit(EXIT_CODE)
        run.on_first(run.merge)
    return run.path


@dataclass
class _Run:
    shard: "Shard"
    folder: Path
    worker: Worker
    memory: float | None
    progress: Progress
    patience: float
    done: list[Batch] = field(default_factory=list)
    shown: int = 0

    @property
    def experiment(self) -> Experiment:
        return experiments.get(self.shard.experiment)

    @property
    def team(self) -> Team:
        return self.worker.team

    @property
    def path(self) -> Path:
        return shard_file.shard_path(self.folder, self.shard.id)

    @property
    def parts(self) -> Path:
        return shard_file.parts_folder(self.folder, self.shard.id)

    @property
    def me(self) -> str:
        team = self.team
        return f"rank {team.rank} of {team.size} on {team.hosts[team.rank]}"

    def on_first(self, action: Callable[[], T]) -> T:
        """What `action` gives on rank 0, which alone does it, on every rank."""
        with watchdog(2 * self.patience, lambda: f"{self.me}: waited {2 * self.patience:.0f} s for rank 0"):
            return self.team.on_first(action)

    def alone(self) -> AbstractContextManager[None]:
        """The lock of the shard, held by rank 0 for all."""
        return exclusive(self.parts / "lock", ranks=self.team.size) if self.team.is_first else nullcontext()

    def finished(self) -> bool:
        if self.parts.exists() or not self._is_whole():
            return False
        self.progress(self.shard.trajectories)
        return True

    def left(self) -> list[Batch]:
        """The batches that are still to be done."""
        storage.remove_leftovers(self.path)
        if self._is_whole():
            self.progress(self.shard.trajectories)
            return []
        found = usable_parts(self.parts, shard_file.identity(self.shard, self.experiment))
        self.progress(sum(trajectories(self.shard, batch) for batch in found))
        limit = limits(
            self.shard, self.experiment, ranks=self.team.size, memory=self.memory, backend=self.worker.backend
        )
        work = batches(self.shard, self.experiment, limit, found)
        self.done = [*found, *work]
        return work

    def work_through(self, work: list[Batch], stop: Termination) -> bool:
        """Do batches, all ranks together, until there are none; True if SIGTERM came to some rank before."""
        with self.team.queue(len(work)) as queue:
            with Behind() as writer:
                while (number := queue.take()) is not None:
                    self._compute(work[number], writer)
                    queue.report(trajectories(self.shard, work[number]))
                    self._look(queue, stop)
                with self._patient("writing the last batch"):
                    writer.wait()
            with watchdog(2 * self.patience, lambda: f"{self.me}: waited {2 * self.patience:.0f} s for other ranks"):
                self.team.meet(lambda: self._look(queue, stop))
            self._look(queue, stop)
            return self.team.share(queue.closed())

    def merge(self) -> None:
        if not self._is_whole():
            wait_for_parts(self.parts, self.done)
            shard_file.merge(self.path, self.shard, self.experiment, self.done, self.parts)
        shard_file.remove_parts(self.folder, self.shard.id)

    @contextmanager
    def failure_noted(self) -> Iterator[None]:
        """For `status`: why the last run of this shard failed."""
        note = self.parts / "error.txt"
        if self.team.is_first:
            note.unlink(missing_ok=True)
        try:
            yield
        except Exception as error:
            where = f" ({self.me})" if self.team.size > 1 else ""
            with suppress(OSError):
                note.write_text(f"{type(error).__name__}: {error}{where}\n")
            raise

    def _is_whole(self) -> bool:
        if not self.path.exists():
            return False
        try:
            with storage.reading(self.path, shard_file.identity(self.shard, self.experiment)):
                return True
        except storage.DamagedFile as error:
            _logger.warning("%s; computing it again", error)
            return False

    def _compute(self, batch: Batch, writer: Behind) -> None:
        # the file of a batch is written while the next one is computed
        with self._patient(f"batch {batch.name}"):
            part = compute_part(self.shard, self.experiment, batch, self.worker)
            writer.do(lambda: write_part(part, self.shard, self.experiment, self.parts))

    def _patient(self, what: str) -> AbstractContextManager[None]:
        text = (
            f"{self.me}: {what} of shard {self.shard.id} has taken more than {self.patience:.0f} s; "
            "a file system or a device may hang. Run again: finished batches are kept (--watchdog sets the limit)"
        )
        return watchdog(self.patience, lambda: text)

    def _look(self, queue: WorkQueue, stop: Termination) -> None:
        # between batches and while waiting
        if stop.asked:
            queue.close()
        if self.team.is_first and (ready := queue.reported()) > self.shown:
            self.progress(ready - self.shown)
            self.shown = ready
