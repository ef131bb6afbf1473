"""How far a study is: shards done, running, failed, interrupted and left, speed, time left."""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from vicollapse.experiments.recheck import COUNTERS
from vicollapse.sweep.aggregate import FILE_NAME
from vicollapse.sweep.calibration import stored
from vicollapse.sweep.cost import shard_seconds
from vicollapse.sweep.shard_state import ShardState, shard_states

if TYPE_CHECKING:
    from vicollapse.sweep.shards import Shard


@dataclass
class Status:
    """The state of one study.

    Parameters
    ----------
    study : its name.
    done, running, failed, interrupted, left : shards; those left have not been begun.
    ranks : of the shards that are running now.
    trajectories, trajectories_done : wanted, and simulated (unfinished shards count by their finished batches).
    per_second : trajectories per second of the runs that there are now (of one run, if there is none); 0 if unknown.
    per_second_per_rank : the same of one rank, on average.
    speed_of : what the speed is taken from: "running", "finished" or "begun" shards, a "measured" one, or "".
    seconds_left : predicted; None if the speed is unknown.
    aggregated : whether there is a phase diagram that is newer than every shard.
    rechecked, recheck_disagreements : trajectories of the phase diagram whose fate was checked at a tighter tolerance,
        and those of them whose fate was another one.
    errors : shard -> why its last run failed.
    shards : every one of them.
    """

    study: str
    done: int = 0
    running: int = 0
    failed: int = 0
    interrupted: int = 0
    left: int = 0
    ranks: int = 0
    trajectories: int = 0
    trajectories_done: int = 0
    per_second: float = 0.0
    per_second_per_rank: float = 0.0
    speed_of: str = ""
    seconds_left: float | None = None
    aggregated: bool = False
    rechecked: int = 0
    recheck_disagreements: int = 0
    errors: dict[str, str] = field(default_factory=dict)
    shards: list[ShardState] = field(default_factory=list)

    def to_dict(self, *, shards: bool = False) -> dict[str, Any]:
        """Plain data, for `--json`; with or without every shard."""
        data = asdict(self)
        return data if shards else {name: value for name, value in data.items() if name != "shards"}


def study_status(name: str, folder: Path, shards: Sequence["Shard"], *, thorough: bool = False) -> Status:
    """Look at the files of a study.

    Parameters
    ----------
    name, folder : of the study.
    shards : of the study.
    thorough : find the speed of every finished shard, too.

    Returns
    -------
    Status : a snapshot; nothing is changed.
    """
    states = shard_states(name, folder, shards, thorough=thorough)
    counts = Counter(state.state for state in states)
    running = [state for state in states if state.state == "running"]
    status = Status(
        name,
        done=counts["done"],
        running=counts["running"],
        failed=counts["failed"],
        interrupted=counts["interrupted"],
        left=counts["left"],
        ranks=sum(max(1, state.ranks) for state in running),
        trajectories=sum(state.trajectories for state in states),
        trajectories_done=sum(state.trajectories_done for state in states),
        errors={state.shard: state.reason for state in states if state.state == "failed"},
        shards=states,
    )
    _predict(status, folder, shards)
    status.aggregated = status.done == len(shards) and _newer(folder / FILE_NAME, states)
    if status.aggregated:
        status.rechecked, status.recheck_disagreements = _rechecked(folder / FILE_NAME)
    return status


def _predict(status: Status, folder: Path, shards: Sequence["Shard"]) -> None:
    missing = status.trajectories - status.trajectories_done
    for source in ("running", "done", "interrupted", "failed"):
        known = [each for each in status.shards if each.state == source and each.per_second_per_rank]
        if known and not status.speed_of:
            status.speed_of = {"done": "finished", "running": "running"}.get(source, "begun")
            ranks = [max(1, each.ranks) for each in known]
            total = sum(each.per_second_per_rank * n for each, n in zip(known, ranks, strict=True))
            status.per_second_per_rank = total / sum(ranks)
            status.per_second = status.per_second_per_rank * (status.ranks or max(ranks))
    if not status.speed_of and missing and (speed := stored(folder, shards[0].experiment)):
        status.speed_of = "measured"
        seconds = sum(shard_seconds(shard, speed) for shard in shards)
        status.per_second = status.per_second_per_rank = status.trajectories / seconds
    if status.per_second > 0 or not missing:
        status.seconds_left = missing / status.per_second if missing else 0.0


def _rechecked(path: Path) -> list[int]:
    # a file that is damaged or of another version says nothing; who opens it learns why
    with suppress(OSError), h5py.File(path, "r", locking=False) as file:
        return [int(np.ravel(file.attrs.get(name, 0))[0]) for name in COUNTERS]
    return [0, 0]


def _newer(path: Path, states: Sequence[ShardState]) -> bool:
    newest = max((state.since or 0.0 for state in states), default=0.0)
    return path.exists() and path.stat().st_mtime >= newest
