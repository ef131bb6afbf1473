"""The ledger of a study: which shards exist, in `shards.json`, so that later plans keep what is computed."""

import hashlib
import json
import os
import warnings
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vicollapse.errors import StorageError
from vicollapse.sweep.parameters import DIGITS

FORMAT_VERSION = 1


@dataclass(frozen=True)
class Entry:
    """A shard as the ledger keeps it, complete enough to make its points again.

    Parameters
    ----------
    id : 16 hex digits of the content: everything below but `fixed`, `axes`, `coordinates` and `minutes`.
    experiment, version, seed : what is simulated.
    points : (points,) complete identities.
    first, stop : replicates.
    keep_trajectories, save_times : whole trajectories kept per point.
    fixed, axes, coordinates : how `make_point` makes the points: plain data, dotted names, (points, axes) values.
    minutes : core-minutes that the shard was planned for.
    """

    id: str
    experiment: str
    version: int
    seed: int
    points: tuple[str, ...]
    first: int
    stop: int
    keep_trajectories: int
    save_times: tuple[float, ...]
    fixed: dict[str, Any]
    axes: tuple[str, ...]
    coordinates: tuple[tuple[Any, ...], ...]
    minutes: float


def shard_id(
    experiment: str,
    version: int,
    seed: int,
    points: Sequence[str],
    first: int,
    stop: int,
    keep_trajectories: int,
    save_times: Sequence[float],
) -> str:
    """Content address of a shard: 16 hex digits of the SHA-256 of its canonical JSON."""
    times = [format(t, f".{DIGITS}g") for t in save_times]
    content = [experiment, version, seed, list(points), first, stop, keep_trajectories, times]
    return hashlib.sha256(json.dumps(content, separators=(",", ":")).encode()).hexdigest()[:16]


def ledger_path(folder: Path) -> Path:
    """The ledger of the study with that folder."""
    return folder / "shards.json"


def computed(folder: Path) -> tuple[set[str], set[str]]:
    """Ids of the shards that are done, and of those that are done or begun."""
    done = {path.stem for path in _list(folder / "shards") if path.suffix == ".h5" and not path.name.startswith(".")}
    return done, done | {path.name for path in _list(folder / "parts")}


def read_ledger(folder: Path) -> list[Entry]:
    """All entries in their order; none if there is no ledger, or (with a warning) if it is damaged.

    Raises
    ------
    StorageError : it cannot be read, or a newer version wrote it.
    """
    path = ledger_path(folder)
    try:
        data = json.loads(path.read_bytes())
        if int(data["format_version"]) > FORMAT_VERSION:
            raise StorageError(f"{path}: written by a newer vicollapse; upgrade, or choose another 'results' folder")
        return [_entry(raw) for raw in data["shards"]]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise StorageError(f"{path}: cannot be read: {error.strerror}; check the permissions") from None
    except (ValueError, KeyError, TypeError):
        message = f"{path} is damaged; planning anew: shards that are not in the new plan are computed again"
        warnings.warn(message, stacklevel=2)
        return []


def write_ledger(folder: Path, entries: Sequence[Entry]) -> None:
    """Replace the ledger in one step; nothing is touched if it says the same already.

    Raises
    ------
    StorageError : the folder cannot be written.
    """
    path = ledger_path(folder)
    lines = ",\n".join(json.dumps(vars(entry), separators=(",", ":")) for entry in entries)
    text = f'{{"format_version":{FORMAT_VERSION},"shards":[\n{lines}\n]}}\n'
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        if path.exists() and path.read_text() == text:
            return
        folder.mkdir(parents=True, exist_ok=True)
        with temporary.open("w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        why = f"cannot be written: {error.strerror}"
        raise StorageError(f"{path}: {why}; free space, check the permissions, or change 'results'") from None


def _list(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _entry(raw: dict[str, Any]) -> Entry:
    points, times = tuple(map(str, raw["points"])), tuple(map(float, raw["save_times"]))
    coordinates = tuple(tuple(values) for values in raw["coordinates"])
    entry = Entry(
        **{**raw, "points": points, "save_times": times, "axes": tuple(raw["axes"]), "coordinates": coordinates}
    )
    if entry.id != _id(entry) or len(points) != len(coordinates) or not points:
        raise ValueError("an entry does not fit its id")
    return entry


def _id(e: Entry) -> str:
    return shard_id(e.experiment, e.version, e.seed, e.points, e.first, e.stop, e.keep_trajectories, e.save_times)
