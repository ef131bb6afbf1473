"""The part files of an unfinished shard: which of them can be used, and that all of them have arrived."""

import logging
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from vicollapse.errors import StorageError
from vicollapse.sweep import storage
from vicollapse.sweep.batches import Batch

_logger = logging.getLogger(__name__)
_PATIENCE = 60.0
"""Seconds until a file that another machine has written must be seen here; network file systems remember for a while
that there was none."""


def part_path(folder: Path, batch: Batch) -> Path:
    """The part file of a batch."""
    return folder / f"{batch.name}.h5"


def part_attributes(identity: dict[str, Any], batch: Batch) -> dict[str, Any]:
    """Root attributes that the part file of a batch must have."""
    return identity | {"part": f"{batch.name}.h5"}


def usable_parts(folder: Path, identity: dict[str, Any]) -> list[Batch]:
    """Batches that earlier runs have finished, without overlap; files that are of no use are deleted.

    Parameters
    ----------
    folder : of the parts; the caller must hold its lock.
    identity : root attributes of the shard's files.

    Returns
    -------
    list of Batch : each of them read once and found whole.
    """
    found: list[Batch] = []
    for path in sorted(folder.glob("*.tmp")) + sorted(folder.glob(".*.tmp")):
        path.unlink(missing_ok=True)
    for path in sorted(folder.glob("*.h5")):
        batch = _batch(path)
        if batch is None or any(_overlap(batch, other) for other in found[-1:]) or not _whole(path, batch, identity):
            path.unlink(missing_ok=True)
        else:
            found.append(batch)
    return found


def wait_for_parts(folder: Path, batches: Iterable[Batch], patience: float = _PATIENCE) -> None:
    """Wait until the part files of all batches, which other ranks may have written, are seen by this machine.

    Parameters
    ----------
    folder : of the parts.
    batches : all of them finished.
    patience : seconds.

    Raises
    ------
    StorageError : a file does not appear.
    """
    wanted, end = {part_path(folder, batch).name for batch in batches}, time.monotonic() + patience
    while missing := wanted - {path.name for path in folder.iterdir()}:
        if time.monotonic() > end:
            raise StorageError(
                f"{folder / min(missing)} and {len(missing) - 1} more files of other ranks do not appear here: "
                "'results' must be on a file system that all nodes share; set it so and run again"
            )
        time.sleep(0.1)


def _batch(path: Path) -> Batch | None:
    try:
        start, stop = (int(number) for number in path.stem.removeprefix("trace-").split("-"))
    except ValueError:
        return None
    return Batch(start, stop, path.stem.startswith("trace-"))


def _overlap(a: Batch, b: Batch) -> bool:
    return a.trace == b.trace and a.start < b.stop and b.start < a.stop


def _whole(path: Path, batch: Batch, identity: dict[str, Any]) -> bool:
    try:
        storage.read(path, part_attributes(identity, batch))
        return True
    except StorageError as error:
        _logger.warning("%s (this batch alone is computed again now)", error)
        return False
