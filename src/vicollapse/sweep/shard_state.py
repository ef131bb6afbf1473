"""What has become of one shard, read off its files: done, running, failed, interrupted, or left."""

import json
import socket
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import h5py

from vicollapse.sweep.batches import blocks_per_point
from vicollapse.sweep.ledger import computed
from vicollapse.sweep.lock import holder
from vicollapse.sweep.shard_file import parts_folder, shard_path

if TYPE_CHECKING:
    from vicollapse.sweep.shards import Shard

State = Literal["done", "running", "failed", "interrupted", "left"]
FRESH = 120.0
"""Seconds: on file systems whose locks do not reach other machines, a younger part is the sign of a run there."""
SAMPLE = 400
"""Files that are opened to find the speed, of all shards together, about."""
_LOGS = Path("logs/simulate")


@dataclass(frozen=True)
class ShardState:
    """One shard of a study.

    Parameters
    ----------
    shard, state : id, and what has become of it.
    trajectories, trajectories_done : wanted, and simulated so far.
    ranks, threads : processes of the run, and threads of each; 0 if unknown.
    per_second_per_rank : trajectories per second of one rank; 0 if unknown.
    host, pid : of rank 0 of the run; "" and 0 if unknown.
    since : seconds since 1970: start of the run, end of a done or failed one, last sign of life of an interrupted one.
    reason : of a failure.
    log : path of the log file, "" if there is none.
    """

    shard: str
    state: State
    trajectories: int
    trajectories_done: int = 0
    ranks: int = 0
    threads: int = 0
    per_second_per_rank: float = 0.0
    host: str = ""
    pid: int = 0
    since: float | None = None
    reason: str = ""
    log: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for `--json`."""
        return asdict(self)


def shard_states(name: str, folder: Path, shards: Sequence["Shard"], *, thorough: bool = False) -> list[ShardState]:
    """Look at the files of every shard of a study; nothing is changed.

    Parameters
    ----------
    name, folder : of the study.
    shards : of the study.
    thorough : open every finished file for its speed, not only a few.

    Returns
    -------
    list of ShardState : in the order of the shards.
    """
    done, begun = computed(folder)
    finished = [shard.id for shard in shards if shard.id in done]
    opened = set(finished if thorough else finished[-SAMPLE // 10 :])
    unfinished = sum(shard.id in begun and shard.id not in done for shard in shards)
    return [
        replace(state, log=_log(name, state.shard)) if state.state != "left" else state
        for shard in shards
        for state in [_look(shard, folder, shard.id in done, shard.id in begun, shard.id in opened, unfinished)]
    ]


def _look(shard: "Shard", folder: Path, done: bool, begun: bool, opened: bool, unfinished: int) -> ShardState:
    if not done and begun:
        with suppress(FileNotFoundError):  # it is finished at this very moment
            return _unfinished(shard, parts_folder(folder, shard.id), max(2, min(64, SAMPLE // unfinished)))
    if begun:
        return _finished(shard, shard_path(folder, shard.id), opened)
    return ShardState(shard.id, "left", shard.trajectories)


def _finished(shard: "Shard", path: Path, opened: bool) -> ShardState:
    state = ShardState(shard.id, "done", shard.trajectories, shard.trajectories)
    with suppress(OSError):
        state = replace(state, since=path.stat().st_mtime)
    made = _attributes(path, "provenance") if opened else {}
    seconds = float(made.get("wall_seconds", 0))  # of all ranks together
    return replace(
        state,
        ranks=int(made.get("ranks", 1 if made else 0)),
        threads=int(made.get("threads", 0)),
        per_second_per_rank=shard.trajectories / seconds if seconds else 0.0,
        host=str(made.get("host", "")),
    )


def _unfinished(shard: "Shard", folder: Path, sample: int) -> ShardState:
    names = [path for path in folder.iterdir() if path.suffix == ".h5" and path.name[0].isdigit()]
    alive, lock = folder.stat().st_mtime, folder / "lock"
    who, held = _last_holder(lock), holder(lock)
    error, state = folder / "error.txt", ShardState(shard.id, "left", shard.trajectories)
    state = replace(state, trajectories_done=_simulated(shard, names))
    elsewhere = bool(who) and who.get("host") != socket.gethostname() and time.time() - alive < FRESH
    if held is not None or (elsewhere and names and not error.exists()):
        who = held or who
        state = replace(state, state="running", since=who.get("started"))
    elif error.exists():
        state = replace(state, state="failed", since=error.stat().st_mtime, reason=_text(error))
    elif names or who:
        state = replace(state, state="interrupted", since=alive)
    state = replace(state, host=str(who.get("host", "")), pid=int(who.get("pid", 0)), ranks=int(who.get("ranks", 0)))
    return replace(state, **_speed(names, sample, state))


def _speed(parts: Sequence[Path], sample: int, state: ShardState) -> dict[str, Any]:
    # of a running shard only parts of this run count, which may be on another machine than the last one
    dated = sorted(((path.stat().st_mtime, path) for path in sorted(parts)[-512:]), reverse=True)
    first = (state.since or 0.0) - 5 if state.state == "running" else 0.0
    found = [_attributes(path) for date, path in dated[:sample] if date >= first]
    seconds = sum(float(each.get("seconds", 0)) for each in found)
    if not seconds:
        return {}
    trajectories = sum(int(each.get("trajectories", 0)) for each in found)
    threads = max(int(each.get("threads", 0)) for each in found)
    ranks = state.ranks or len({(each.get("host"), each.get("rank")) for each in found})
    return {"per_second_per_rank": trajectories / seconds, "threads": threads, "ranks": ranks}


def _simulated(shard: "Shard", parts: Iterable[Path]) -> int:
    # part files are named after their blocks
    ranges = [path.stem.split("-") for path in parts]
    blocks = sum(int(stop) - int(start) for start, stop in ranges)
    return int(shard.trajectories * min(1.0, blocks / (len(shard.points) * blocks_per_point(shard))))


def _last_holder(lock: Path) -> dict[str, Any]:
    try:
        found = json.loads(lock.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _attributes(path: Path, group: str = "/") -> dict[str, Any]:
    try:
        with h5py.File(path, "r", locking=False) as file:
            return dict(file[group].attrs)
    except (OSError, KeyError, RuntimeError):
        return {}


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return "unknown"


def _log(study: str, shard: str) -> str:
    path = _LOGS / study / f"{shard}.log"
    return str(path) if path.exists() else ""
