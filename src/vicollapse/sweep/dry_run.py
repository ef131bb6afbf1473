"""What `simulate` would do: shard by shard, with the time that each would take; nothing is computed or written."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from vicollapse.sweep.cost import shard_seconds
from vicollapse.sweep.plan import outlook
from vicollapse.sweep.progress import duration
from vicollapse.sweep.shard_state import State, shard_states
from vicollapse.sweep.study import Config, Study

_TODO: dict[State, str] = {
    "done": "is done",
    "running": "runs in another process",
    "failed": "would run again",
    "interrupted": "would go on",
    "left": "would run",
}


@dataclass(frozen=True)
class Pending:
    """One shard, and what a run would do with it.

    Parameters
    ----------
    study, shard, state : names, and what has become of it so far.
    trajectories, trajectories_left : in it, and not simulated yet.
    core_seconds : predicted for those; 0 if it is done or running.
    measured : whether the prediction rests on a measured speed.
    """

    study: str
    shard: str
    state: State
    trajectories: int
    trajectories_left: int
    core_seconds: float
    measured: bool

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for `--json`."""
        return asdict(self)


def dry_run(config: Config, study: Study) -> list[Pending]:
    """Every shard of a study, in the order in which `simulate` would take them.

    Parameters
    ----------
    config : results folder and shard size.
    study : one of its studies.

    Raises
    ------
    ConfigError : a combination of axis values that is not allowed.
    StorageError : the ledger of the study cannot be read.
    """
    shards, _, speed = outlook(config, study)
    result = []
    for shard, state in zip(shards, shard_states(study.name, config.results / study.name, shards), strict=True):
        left = state.trajectories - state.trajectories_done
        idle = state.state in ("done", "running")
        seconds = 0.0 if idle else shard_seconds(shard, speed) * left / state.trajectories
        result.append(
            Pending(study.name, shard.id, state.state, state.trajectories, left, seconds, measured=speed is not None)
        )
    return result


def table(pending: Sequence[Pending], cores: int = 1) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Heading and rows of the table that `vicollapse simulate --dry-run` prints; the last row is the sum.

    Parameters
    ----------
    pending : of all studies.
    cores : ranks times threads, for the time.
    """
    measured = {"measured here" if each.measured else "predicted" for each in pending}
    kinds = f" ({' or '.join(sorted(measured))})" if measured else ""
    time = f"time on {cores} core{'s' if cores > 1 else ''}{kinds}"
    heading = ("study", "shard", "what", "trajectories", "to simulate", time)
    rows = [
        (p.study, p.shard, _TODO[p.state], f"{p.trajectories:,}", f"{p.trajectories_left:,}", _time(p, cores))
        for p in pending
    ]
    run = [each for each in pending if each.state not in ("done", "running")]
    counts = sum(each.trajectories for each in pending), sum(each.trajectories_left for each in run)
    seconds = sum(each.core_seconds for each in run) / cores
    total = ("all", f"{len(run)} of {len(pending)}", "would run", *(f"{n:,}" for n in counts), duration(seconds))
    return heading, [*rows, total]


def _time(pending: Pending, cores: int) -> str:
    return duration(pending.core_seconds / cores) if pending.core_seconds else "-"
