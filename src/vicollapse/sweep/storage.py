"""HDF5 files that are whole or absent: written under a temporary name, synced, renamed; checked when read."""

import errno
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from vicollapse.errors import StorageError
from vicollapse.sweep.sink import Sink, sink

FORMAT_VERSION = 1
"""Version of the layout of part, shard and phase-diagram files."""

Arrays = dict[str, NDArray[Any]]
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NO_ACCESS = (errno.EACCES, errno.EPERM, errno.EROFS)


class DamagedFile(StorageError):
    """A file that is truncated, corrupt or not HDF5: its content can only be computed again."""


@contextmanager
def replacing(path: Path, verify: Callable[[Path], None] | None = None) -> Iterator[Sink]:
    """A temporary file beside `path`, renamed to it when the block ends well, removed when it does not.

    Parameters
    ----------
    path : the final name; its folder is created.
    verify : called with the temporary name before it is renamed; may raise StorageError.

    Raises
    ------
    StorageError : disk full, folder not writable, or any other failure of the file system.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with sink(temporary) as target:
            yield target
        if verify:
            verify(temporary)
        os.replace(temporary, path)
        _sync_folder(path.parent)
    except OSError as error:
        raise write_error(path, error) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextmanager
def writing(
    path: Path, attributes: Mapping[str, Any], verify: Callable[[Path], None] | None = None
) -> Iterator[h5py.File]:
    """A new HDF5 file that appears at `path`, whole, when the block ends well.

    Parameters
    ----------
    path : the file; an old one is replaced.
    attributes : attributes of the root; the format version is added.
    verify : as of `replacing`.

    Raises
    ------
    StorageError : as `replacing`.
    """
    with replacing(path, verify) as target, h5py.File(target, "w") as file:
        file.attrs.update({"format_version": FORMAT_VERSION, **attributes})
        yield file


def remove_leftovers(path: Path) -> None:
    """Remove the temporary files that killed writers of `path` left behind.

    Parameters
    ----------
    path : the final name; the caller must be its only writer.
    """
    for leftover in path.parent.glob(f".{path.name}.*.tmp"):
        leftover.unlink(missing_ok=True)


def store(file: h5py.File, arrays: Mapping[str, NDArray[Any]], *, compress: bool) -> None:
    """Write arrays with a checksum in every chunk.

    Parameters
    ----------
    file : open for writing.
    arrays : dataset name (with `/` for groups) -> array of any shape.
    compress : gzip and shuffle too.
    """
    for name, array in arrays.items():
        file.create_dataset(name, data=array, **(filters(compress) if array.size else {}))


def filters(compress: bool) -> dict[str, Any]:
    """Options of `h5py.Group.create_dataset`: checksums, and compression if wanted."""
    return {"fletcher32": True} | ({"compression": "gzip", "compression_opts": 2, "shuffle": True} if compress else {})


@contextmanager
def reading(path: Path, expected: Mapping[str, Any]) -> Iterator[h5py.File]:
    """An HDF5 file that is checked against what it should be; failed reads in the block count as damage.

    Parameters
    ----------
    path : the file.
    expected : root attributes that it must have, beside the format version.

    Raises
    ------
    DamagedFile : truncated, or a checksum does not match.
    StorageError : it does not exist, or belongs to something else or another version.
    """
    try:
        with h5py.File(path, "r", locking=False) as file:  # HDF5's own locks fail on some network file systems
            _check(path, file, expected)
            yield file
    except StorageError:
        raise
    except FileNotFoundError as error:
        raise StorageError(f"{path} does not exist") from error
    except PermissionError as error:
        raise StorageError(f"cannot read {path}: {error.strerror or error}; check its permissions") from error
    except (OSError, KeyError, RuntimeError) as error:
        why = _reason(error)
        raise DamagedFile(
            f"{path} is damaged or no HDF5 file ({why}); simulating its shard again replaces it"
        ) from error


def read(path: Path, expected: Mapping[str, Any]) -> tuple[Arrays, dict[str, Any]]:
    """All datasets and root attributes of a file, checked as by `reading`.

    Parameters
    ----------
    path : the file.
    expected : root attributes that it must have.

    Returns
    -------
    arrays, attributes : dataset name -> array, attribute name -> value.
    """
    arrays: Arrays = {}

    def collect(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            arrays[name] = item[()]

    with reading(path, expected) as file:
        file.visititems(collect)
        return arrays, dict(file.attrs)


def write_error(path: Path, error: OSError) -> StorageError:
    """The error of a failed write in words: what failed, and what to do next."""
    if error.errno in _NO_ROOM:
        return StorageError(f"no space left to write {path}; free some and run again: finished batches are kept")
    if error.errno in _NO_ACCESS:
        return StorageError(f"cannot write {path}: {_reason(error)}; make its folder writable or set another `results`")
    return StorageError(f"cannot write {path}: {_reason(error)}; put this right and run again")


def _check(path: Path, file: h5py.File, expected: Mapping[str, Any]) -> None:
    for name, value in ({"format_version": FORMAT_VERSION} | dict(expected)).items():
        found = file.attrs.get(name)
        if found is None or not np.array_equal(found, value):
            shown = "missing" if found is None else f"'{str(found)[:40]}'"
            raise StorageError(
                f"{path} belongs to another study or version: {name} is {shown}, expected '{str(value)[:40]}'; "
                "move it away or delete it, then run again"
            )


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error).split("\n")[0] or type(error).__name__


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
