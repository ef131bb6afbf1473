"""What a study will cost, before anything is spent: points, shards, trajectories, memory, disk, time."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from vicollapse import experiments
from vicollapse.experiments.base import BLOCK, Experiment
from vicollapse.sweep.batches import MAX_BYTES, MAX_SECONDS, MAX_TRAJECTORIES
from vicollapse.sweep.ledger import computed
from vicollapse.sweep.progress import duration
from vicollapse.sweep.resources import check_resources, format_bytes
from vicollapse.sweep.shards import Shard, plan_shards
from vicollapse.sweep.study import Config, Study

__all__ = ["Plan", "check_resources", "estimate", "estimate_shards", "table"]

PROCESS_BYTES = 300 * 2**20
"""Interpreter, libraries and compiled kernels."""
POINT_BYTES = 1000
"""Names, parameters and probabilities of a point, in the shard and in the phase diagram."""
STATE_BYTES = 128
"""One kept trajectory at one time."""


@dataclass(frozen=True)
class Plan:
    """What a study needs.

    Parameters
    ----------
    study : its name.
    points, shards_total, shards_done : how many.
    trajectories, trajectories_left : in the study, and in the shards that are not done.
    memory_bytes : of one process at most.
    disk_bytes, disk_bytes_left : of all results, and of those that are not there yet; about, rather too much.
    core_seconds : predicted for the shards that are not done; divide by the threads.
    """

    study: str
    points: int
    shards_total: int
    shards_done: int
    trajectories: int
    trajectories_left: int
    memory_bytes: int
    disk_bytes: int
    disk_bytes_left: int
    core_seconds: float

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for `--json`."""
        return asdict(self)


def estimate(config: Config, study: Study) -> Plan:
    """Predict the cost of a study; nothing is written.

    Parameters
    ----------
    config : results folder and shard size.
    study : one of its studies.

    Raises
    ------
    ConfigError : a combination of axis values that is not allowed.
    StorageError : the ledger of the study cannot be read.
    """
    folder = config.results / study.name
    shards = plan_shards(study, folder, minutes=config.shard_minutes)
    return estimate_shards(study, shards, computed(folder)[0])


def estimate_shards(study: Study, shards: Sequence[Shard], done: set[str]) -> Plan:
    """As `estimate`, for shards that are planned already, and the ids of those that are done."""
    experiment = experiments.get(study.experiment)
    points = _count_points(study)
    left = [shard for shard in shards if shard.id not in done]
    return Plan(
        study=study.name,
        points=points,
        shards_total=len(shards),
        shards_done=len(shards) - len(left),
        trajectories=points * study.replicates,
        trajectories_left=sum(shard.trajectories for shard in left),
        memory_bytes=max((_memory(experiment, shard) for shard in shards), default=PROCESS_BYTES),
        disk_bytes=_disk(experiment, shards, points),
        disk_bytes_left=_disk(experiment, left, points) if left else 0,
        core_seconds=sum(_seconds(experiment, shard) for shard in left),
    )


def table(plans: Sequence[Plan], threads: int = 1) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Heading and rows of the table that `vicollapse plan` prints.

    Parameters
    ----------
    plans : one per study.
    threads : for the predicted time.

    Returns
    -------
    heading, rows : texts; the last row is the sum if there are several studies.
    """
    time = "time on 1 thread" if threads == 1 else f"time on {threads} threads"
    heading = ("study", "points", "shards", "done", "trajectories", "to simulate", "memory", "disk", time)
    rows = [*plans, _total(plans)] if len(plans) > 1 else plans
    return heading, [_row(plan, threads) for plan in rows]


def _count_points(study: Study) -> int:
    count = 1
    for values in study.axes.values():
        count *= len(values)
    return count


def _seconds(experiment: Experiment, shard: Shard) -> float:
    replicates = shard.stop - shard.first
    work = sum(experiment.seconds(point.parameters) for point in shard.points) * replicates
    return experiment.start_up_seconds(shard.points[0].parameters) + work


def _memory(experiment: Experiment, shard: Shard) -> int:
    most = 0.0
    for point in shard.points:
        each = max(experiment.bytes_per_trajectory(point.parameters), 1.0)
        seconds = max(experiment.seconds(point.parameters), 1e-9)
        limits = (MAX_TRAJECTORIES, MAX_SECONDS / seconds, MAX_BYTES / each)
        most = max(most, each * max(BLOCK, min(*limits, shard.trajectories)))
    return int(PROCESS_BYTES + most + _shard_bytes(experiment, shard))


def _disk(experiment: Experiment, shards: Sequence[Shard], points: int) -> int:
    diagram = points * (POINT_BYTES + 2 * _counts(experiment))
    return int(diagram + sum(_shard_bytes(experiment, shard) + _kept_bytes(shard) for shard in shards))


def _shard_bytes(experiment: Experiment, shard: Shard) -> int:
    sums = sum(2 * 8 * observable.size for observable in experiment.observables)
    blocks = -(-(shard.stop - shard.first) // BLOCK)
    return len(shard.points) * (POINT_BYTES + 2 * _counts(experiment) + blocks * sums)


def _counts(experiment: Experiment) -> int:
    bins = sum(observable.size * (len(observable.edges) - 1) for observable in experiment.observables)
    return 8 * (len(experiment.outcomes) + len(experiment.flags) + len(experiment.counters) + bins)


def _kept_bytes(shard: Shard) -> int:
    return 2 * STATE_BYTES * len(shard.points) * shard.keep_trajectories * len(shard.save_times)


def _total(plans: Sequence[Plan]) -> Plan:
    values = {name: sum(getattr(plan, name) for plan in plans) for name in Plan.__dataclass_fields__ if name != "study"}
    return Plan(study="all", **values | {"memory_bytes": max(plan.memory_bytes for plan in plans)})


def _row(plan: Plan, threads: int) -> tuple[str, ...]:
    counts = (plan.points, plan.shards_total, plan.shards_done, plan.trajectories, plan.trajectories_left)
    sizes = (format_bytes(plan.memory_bytes), format_bytes(plan.disk_bytes))
    return (plan.study, *(f"{n:,}" for n in counts), *sizes, duration(plan.core_seconds / threads))
