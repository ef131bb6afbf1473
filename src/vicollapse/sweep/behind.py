"""One thing done in the background while the next one is prepared, such as writing what was just computed."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType


class Behind:
    """A thread beside this one that does one thing at a time; used as a context, at whose end all is done."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1)
        self._doing: Future[None] | None = None

    def do(self, action: Callable[[], None]) -> None:
        """Wait for what was to be done before, then let the thread do `action`.

        Raises
        ------
        Exception : of what was to be done before.
        """
        self.wait()
        self._doing = self._thread.submit(action)

    def wait(self) -> None:
        """Wait until all is done.

        Raises
        ------
        Exception : of what was to be done.
        """
        doing, self._doing = self._doing, None
        if doing:
            doing.result()

    def __enter__(self) -> "Behind":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.shutdown()
        if error is None:
            self.wait()
