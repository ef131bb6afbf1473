"""A file that remembers a failed write instead of raising it: HDF5 crashes the process when the disk is full."""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class Sink(io.RawIOBase):
    """A file to write HDF5 into; once a write has failed, all later ones are dropped and `error` says why.

    Parameters
    ----------
    path : the file; an old one is overwritten.
    """

    def __init__(self, path: Path) -> None:
        self.error: OSError | None = None
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o666)
        self._position = self._size = 0

    def readable(self) -> bool:
        """True: HDF5 reads back what it wrote."""
        return True

    def writable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to a position, bytes."""
        self._position = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        return self._position

    def tell(self) -> int:
        """The position, bytes."""
        return self._position

    def write(self, data: Any) -> int:
        """Write all of `data`, or drop it after a failure; the number of bytes either way."""
        view = memoryview(data).cast("B")
        self._try(_write_all, self._descriptor, view, self._position)
        self._position += len(view)
        self._size = max(self._size, self._position)
        return len(view)

    def readinto(self, buffer: Any) -> int:
        """Read; zeros stand for what could not be written."""
        view = memoryview(buffer).cast("B")
        data = os.pread(self._descriptor, len(view), self._position)
        view[:] = data + bytes(len(view) - len(data))
        self._position += len(view)
        return len(view)

    def truncate(self, size: int | None = None) -> int:
        """Set the size, bytes."""
        self._size = self._position if size is None else size
        self._try(os.ftruncate, self._descriptor, self._size)
        return self._size

    def close(self) -> None:
        """Push everything to the disk and close."""
        if not self.closed:
            self._try(os.fsync, self._descriptor)
            os.close(self._descriptor)
        super().close()

    def raise_error(self) -> None:
        """Raise the failure that was remembered, if there is one."""
        if self.error is not None:
            raise self.error

    def _try(self, action: Any, *arguments: Any) -> None:
        if self.error is None:
            try:
                action(*arguments)
            except OSError as error:
                self.error = error


@contextmanager
def sink(path: Path) -> Iterator[Sink]:
    """A `Sink` that is closed at the end of the block and then raises the failure that it remembered.

    Raises
    ------
    OSError : a write failed.
    """
    target = Sink(path)
    try:
        yield target
    finally:
        target.close()
    target.raise_error()


def _write_all(descriptor: int, view: memoryview, position: int) -> None:
    while view:
        written = os.pwrite(descriptor, view, position)
        view, position = view[written:], position + written
