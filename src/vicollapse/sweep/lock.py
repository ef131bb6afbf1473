"""One run per shard: an advisory lock that the kernel drops when its holder dies, and that says who holds it."""

import fcntl
import json
import logging
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vicollapse.errors import StorageError
from vicollapse.sweep.storage import write_error

_TRIES, _PAUSE = 20, 0.05  # `status` holds the lock for an instant when it looks
_logger = logging.getLogger(__name__)


@contextmanager
def exclusive(path: Path, *, ranks: int = 1) -> Iterator[None]:
    """Hold the lock file during the block; it may be deleted inside it.

    Parameters
    ----------
    path : the lock file; its folder is created.
    ranks : processes that work under this lock, for those who ask.

    Raises
    ------
    StorageError : another process holds it (says which), or the folder is not writable.
    """
    try:
        descriptor = _acquire(path)
        os.ftruncate(descriptor, 0)
        me = {"pid": os.getpid(), "host": socket.gethostname(), "started": time.time(), "ranks": ranks}
        os.pwrite(descriptor, json.dumps(me).encode(), 0)
    except OSError as error:
        raise write_error(path, error) from error
    try:
        yield
    finally:
        os.close(descriptor)


def holder(path: Path) -> dict[str, Any] | None:
    """Who holds a lock: a mapping with pid, host, started (seconds since 1970), ranks; None if nobody does."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return None
    except BlockingIOError:
        return _read(descriptor)
    except OSError:
        return None
    finally:
        os.close(descriptor)


def _acquire(path: Path) -> int:
    for _ in range(_TRIES):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        if _locked(descriptor, path) and _same_file(descriptor, path):
            return descriptor
        os.close(descriptor)
        time.sleep(_PAUSE)
    who = holder(path) or {}
    raise StorageError(
        f"{path.parent} is in use by process {who.get('pid', '?')} on {who.get('host', '?')}; "
        "wait for it, or stop it and run again"
    )


def _locked(descriptor: int, path: Path) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        _logger.warning("%s: this file system has no locks (%s); start no second run here", path, error.strerror)
    return True


def _same_file(descriptor: int, path: Path) -> bool:
    # the last holder may have deleted the file between our opening and locking it
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False


def _read(descriptor: int) -> dict[str, Any]:
    try:
        found = json.loads(os.pread(descriptor, 4096, 0))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
