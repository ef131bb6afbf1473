"""What a study will cost, before anything is spent: points, shards, trajectories, memory, disk, time."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from vicollapse import experiments
from vicollapse.sweep.calibration import Measured, Speed, stored
from vicollapse.sweep.cost import PROCESS_BYTES, diagram_disk, shard_disk, shard_memory, shard_seconds
from vicollapse.sweep.ledger import computed
from vicollapse.sweep.progress import duration
from vicollapse.sweep.resources import check_resources, format_bytes
from vicollapse.sweep.shards import Shard, plan_shards
from vicollapse.sweep.study import Config, Study

__all__ = [
    "PROCESS_BYTES",
    "Plan",
    "check_resources",
    "estimate",
    "estimate_shards",
    "explain_times",
    "outlook",
    "table",
]


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
    speed : measured on this kind of machine; None if `core_seconds` is the experiment's own prediction.
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
    speed: Speed | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for `--json`."""
        return {**asdict(self), "time": "measured" if self.speed else "predicted"}


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
    return estimate_shards(study, *outlook(config, study))


def outlook(config: Config, study: Study) -> tuple[list[Shard], set[str], Speed | None]:
    """What predictions rest on: the shards of a study, the ids of those that are done, the speed measured here.

    Parameters
    ----------
    config, study : as of `estimate`.

    Raises
    ------
    ConfigError, StorageError : as `estimate`.
    """
    folder = config.results / study.name
    shards = plan_shards(study, folder, minutes=config.shard_minutes)
    return shards, computed(folder)[0], stored(folder, study.experiment)


def estimate_shards(study: Study, shards: Sequence[Shard], done: set[str], speed: Speed | None = None) -> Plan:
    """As `estimate`, for shards that are planned already, and the ids of those that are done.

    Parameters
    ----------
    study, shards, done : what is asked about.
    speed : measured, as `calibration.stored` gives it; it changes the time, never the shards.
    """
    points = math.prod(len(values) for values in study.axes.values())
    left = [shard for shard in shards if shard.id not in done]
    diagram = diagram_disk(experiments.get(study.experiment), points)
    return Plan(
        study=study.name,
        points=points,
        shards_total=len(shards),
        shards_done=len(shards) - len(left),
        trajectories=points * study.replicates,
        trajectories_left=sum(shard.trajectories for shard in left),
        memory_bytes=max((shard_memory(shard) for shard in shards), default=PROCESS_BYTES),
        disk_bytes=diagram + sum(shard_disk(shard) for shard in shards),
        disk_bytes_left=diagram + sum(shard_disk(shard) for shard in left) if left else 0,
        core_seconds=sum(shard_seconds(shard, speed) for shard in left),
        speed=speed,
    )


def table(plans: Sequence[Plan], threads: int = 1) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Heading and rows of the table that `vicollapse plan` prints.

    Parameters
    ----------
    plans : one per study.
    threads : for the time.

    Returns
    -------
    heading, rows : texts; the last row is the sum if there are several studies.
    """
    time = "time on 1 thread" if threads == 1 else f"time on {threads} threads"
    kinds = {"measured here" if plan.speed else "predicted" for plan in plans}
    time += f" ({' or '.join(sorted(kinds))})" if kinds else ""
    heading = ("study", "points", "shards", "done", "trajectories", "to simulate", "memory", "disk", time)
    rows = [*plans, _total(plans)] if len(plans) > 1 else plans
    return heading, [_row(plan, threads) for plan in rows]


def explain_times(plans: Sequence[Plan]) -> list[str]:
    """Lines that say where the times in the table come from."""
    lines = [f"{plan.study}: {_explain(plan.speed)}" for plan in plans if plan.speed]
    if unknown := [plan.study for plan in plans if not plan.speed]:
        lines.append(f"{', '.join(unknown)}: predicted; `vicollapse plan --measure` measures on this machine")
    return lines


def _explain(speed: Speed) -> str:
    # names of what differs between the entries, where there are several
    varying = [name for name in speed.measured[0].static if len({str(m.static[name]) for m in speed.measured}) > 1]

    def one(m: Measured) -> str:
        which = "".join(f"{name} {m.static[name]}: " for name in varying)
        spread = f" ± {1e6 * m.spread:.2g}" if m.spread else ""
        return f"{which}{1e6 * m.seconds:.3g}{spread} µs, {m.factor:.2f} times the prediction"

    texts = "; ".join(one(m) for m in speed.measured)
    return f"one core takes for a trajectory {texts} (measured {speed.date[:10]} on {speed.machine})"


def _total(plans: Sequence[Plan]) -> Plan:
    names = [name for name in Plan.__dataclass_fields__ if name not in ("study", "speed")]
    values = {name: sum(getattr(plan, name) for plan in plans) for name in names}
    return Plan(study="all", **values | {"memory_bytes": max(plan.memory_bytes for plan in plans)})


def _row(plan: Plan, threads: int) -> tuple[str, ...]:
    counts = (plan.points, plan.shards_total, plan.shards_done, plan.trajectories, plan.trajectories_left)
    sizes = (format_bytes(plan.memory_bytes), format_bytes(plan.disk_bytes))
    return (plan.study, *(f"{n:,}" for n in counts), *sizes, duration(plan.core_seconds / threads))
