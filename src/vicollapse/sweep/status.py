"""How far every study of a config is: shards done, running, failed and left, speed, time left."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py

from vicollapse.sweep.aggregate import FILE_NAME
from vicollapse.sweep.batches import blocks_per_point
from vicollapse.sweep.lock import holder
from vicollapse.sweep.progress import duration
from vicollapse.sweep.shard_file import parts_folder, shard_path

if TYPE_CHECKING:
    from vicollapse.sweep.shards import Shard

_SAMPLE = 32  # files that are read for the speed


@dataclass
class Status:
    """The state of one study.

    Parameters
    ----------
    study : its name.
    done, running, failed, left : shards; those left have neither been finished, nor run now, nor failed.
    trajectories, trajectories_done : wanted, and simulated (unfinished shards count by their finished batches).
    per_second : trajectories per second of the runs that there are now (of one run, if there is none); 0 if unknown.
    seconds_left : predicted; None if the speed is unknown.
    aggregated : whether there is a phase diagram that is newer than every shard.
    errors : shard -> why its last run failed.
    """

    study: str
    done: int = 0
    running: int = 0
    failed: int = 0
    left: int = 0
    trajectories: int = 0
    trajectories_done: int = 0
    per_second: float = 0.0
    seconds_left: float | None = None
    aggregated: bool = False
    errors: dict[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for `--json`."""
        return asdict(self)


def study_status(name: str, folder: Path, shards: Sequence["Shard"]) -> Status:
    """Look at the files of a study.

    Parameters
    ----------
    name, folder : of the study.
    shards : of the study.

    Returns
    -------
    Status : a snapshot; nothing is changed.
    """
    status = Status(name)
    for shard in shards:
        _count(status, folder, shard)
    status.per_second = _speed(folder, shards) * max(status.running, 1)
    missing = status.trajectories - status.trajectories_done
    if status.per_second > 0 or missing == 0:
        status.seconds_left = missing / status.per_second if missing else 0.0
    status.aggregated = status.done == len(shards) and _newer(folder / FILE_NAME, shards, folder)
    return status


def table(statuses: Iterable[Status]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Heading and rows of the table that `vicollapse status` prints."""
    heading = ("study", "done", "running", "failed", "left", "trajectories", "per second", "time left", "phase diagram")
    return heading, [_row(status) for status in statuses]


def _row(s: Status) -> tuple[str, ...]:
    percent = 100 * s.trajectories_done // max(s.trajectories, 1)
    return (
        s.study,
        *(str(number) for number in (s.done, s.running, s.failed, s.left)),
        f"{s.trajectories_done:,} of {s.trajectories:,} ({percent} %)",
        f"{s.per_second:,.0f}" if s.per_second else "-",
        "-" if s.seconds_left is None else duration(s.seconds_left),
        "written" if s.aggregated else "to do",
    )


def _count(status: Status, folder: Path, shard: "Shard") -> None:
    total = len(shard.points) * (shard.stop - shard.first)
    parts = parts_folder(folder, shard.id)
    status.trajectories += total
    if shard_path(folder, shard.id).exists():
        status.done += 1
        status.trajectories_done += total
        return
    status.trajectories_done += int(total * _fraction(parts, shard))
    if holder(parts / "lock") is not None:
        status.running += 1
    elif (parts / "error.txt").exists():
        status.failed += 1
        status.errors[shard.id] = (parts / "error.txt").read_text(errors="replace").strip()
    else:
        status.left += 1


def _fraction(parts: Path, shard: "Shard") -> float:
    # part files are named after their blocks
    names = [path.stem.split("-") for path in parts.glob("[0-9]*-[0-9]*.h5")]
    blocks = sum(int(stop) - int(start) for start, stop in names)
    return min(1.0, blocks / (len(shard.points) * blocks_per_point(shard)))


def _speed(folder: Path, shards: Sequence["Shard"]) -> float:
    # trajectories per second of one run, from what finished files say
    trajectories = seconds = 0.0
    finished = [shard for shard in shards if shard_path(folder, shard.id).exists()]
    for shard in finished[-_SAMPLE:]:
        took = _attribute(shard_path(folder, shard.id), "wall_seconds", "provenance")
        if took is not None:
            seconds += took
            trajectories += len(shard.points) * (shard.stop - shard.first)
    for path in (path for shard in shards for path in sorted(parts_folder(folder, shard.id).glob("[0-9]*.h5"))[:4]):
        took, number = _attribute(path, "seconds"), _attribute(path, "trajectories")
        if took is not None and number is not None:
            seconds, trajectories = seconds + took, trajectories + number
    return trajectories / seconds if seconds > 0 else 0.0


def _attribute(path: Path, name: str, group: str = "/") -> float | None:
    try:
        with h5py.File(path, "r", locking=False) as file:
            return float(file[group].attrs[name])
    except (OSError, KeyError):
        return None


def _newer(path: Path, shards: Sequence["Shard"], folder: Path) -> bool:
    newest = max((shard_path(folder, shard.id).stat().st_mtime for shard in shards), default=0.0)
    return path.exists() and path.stat().st_mtime >= newest
