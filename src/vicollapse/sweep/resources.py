"""Is there room for what a plan needs? Asked before anything is computed."""

import os
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from vicollapse.errors import ConfigError, StorageError

if TYPE_CHECKING:
    from vicollapse.sweep.plan import Plan

_CGROUP = Path("/sys/fs/cgroup")
_MEMINFO = Path("/proc/meminfo")


def check_resources(plans: "Sequence[Plan]", folder: Path) -> None:
    """Raise unless the results can be written, fit on the disk, and one process fits in memory.

    Parameters
    ----------
    plans : of the studies to simulate.
    folder : of the results; need not exist yet.

    Raises
    ------
    StorageError : the folder cannot be written, or the disk is too full.
    ConfigError : too little memory.
    """
    existing = _existing(folder)
    _check_writable(existing, folder)
    needed, free = sum(plan.disk_bytes_left for plan in plans), shutil.disk_usage(existing).free
    if needed > free:
        raise StorageError(
            f"the results need about {format_bytes(needed)}, but {existing} has {format_bytes(free)} left; "
            "free space, set 'results' to another disk, or lower 'replicates' or 'keep_trajectories'"
        )
    memory, available = max((plan.memory_bytes for plan in plans), default=0), available_memory()
    if available is not None and memory > available:
        raise ConfigError(
            f"one process needs about {format_bytes(memory)} of memory, but {format_bytes(available)} are available; "
            "close other programs, use a larger machine, or lower 'shard_minutes'"
        )


def available_memory() -> int | None:
    """Bytes of memory that a new process can have here, limits of containers and jobs included; None if unknown."""
    found = [left for left in (job_memory(),) if left is not None]
    with suppress(OSError, ValueError, IndexError, StopIteration):
        line = next(line for line in _MEMINFO.read_text().splitlines() if line.startswith("MemAvailable:"))
        found.append(int(line.split()[1]) * 1024)
    if not found:
        with suppress(OSError, ValueError, AttributeError):
            found.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return min(found, default=None)


def job_memory(membership: Path = Path("/proc/self/cgroup"), root: Path | None = None) -> int | None:
    """Bytes left of the limits of this process's control groups, the outer ones included; None without a limit.

    Parameters
    ----------
    membership, root : what the system says of this process's groups, and where the groups are.
    """
    root = root or _CGROUP
    left = _left(root, "/", "memory.max", "memory.current")  # of a container, which may show no other group
    with suppress(OSError):
        for line in membership.read_text().splitlines():
            number, controllers, path = line.split(":", 2)
            if number == "0":
                left += _left(root, path, "memory.max", "memory.current")
            elif "memory" in controllers.split(","):
                left += _left(root / "memory", path, "memory.limit_in_bytes", "memory.usage_in_bytes")
    return min(left, default=None)


def _left(root: Path, path: str, limit: str, used: str) -> list[int]:
    found, group = [], root / path.lstrip("/")
    for folder in (group, *group.parents):
        if folder == root.parent:
            break
        with suppress(OSError, ValueError):  # no such group, or "max"
            found.append(max(0, int((folder / limit).read_text()) - int((folder / used).read_text())))
    return found


def _existing(folder: Path) -> Path:
    folder = folder.absolute()
    while not folder.exists():
        folder = folder.parent
    return folder


def _check_writable(existing: Path, folder: Path) -> None:
    if not existing.is_dir():
        raise StorageError(f"{folder}: {existing} is a file, not a folder; rename it, or change 'results'")
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        raise StorageError(
            f"{folder}: nothing can be written there ({error.strerror}); check the permissions, or change 'results'"
        ) from None


def format_bytes(number: float) -> str:
    """A number of bytes for people: "3.2 MB"."""
    for unit in ("B", "kB", "MB", "GB"):
        if number < 999.5:
            return f"{number:.3g} {unit}"
        number /= 1000
    return f"{number:.3g} TB"
