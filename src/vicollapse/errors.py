"""The errors that users see: each says what is wrong, where, and what to do next."""

from collections.abc import Iterable
from difflib import get_close_matches


class VicollapseError(Exception):
    """Base of all errors raised on purpose; the command line prints it in one line, without a traceback."""


class ConfigError(VicollapseError, ValueError):
    """A config file, study or parameter is not valid."""


class StorageError(VicollapseError):
    """A file or folder cannot be read, written or trusted."""


class BackendError(VicollapseError):
    """The compute backend that was asked for is not available."""


def did_you_mean(name: str, choices: Iterable[str]) -> str:
    """End of an error message for an unknown name: the nearest valid one, or all of them.

    Parameters
    ----------
    name : the unknown name.
    choices : the valid names.

    Returns
    -------
    str : ``"; did you mean 'x'?"`` or ``"; valid: 'x', 'y'"``.
    """
    choices = list(choices)
    near = get_close_matches(str(name), choices, n=1, cutoff=0.6)
    return f"; did you mean '{near[0]}'?" if near else "; valid: " + ", ".join(f"'{c}'" for c in choices)


def first_line(error: Exception) -> str:
    """The first line of what an exception of another library says, for a message of one line; else its class.

    Parameters
    ----------
    error : whatever was raised.
    """
    return (str(error).strip() or type(error).__name__).splitlines()[0]
