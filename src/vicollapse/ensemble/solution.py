"""What an integration returns: final states, saved states, and for each trajectory a status that says what happened."""

from dataclasses import dataclass, field
from enum import IntEnum
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from vicollapse.symbolic import System

Array = NDArray[np.float64]


class Status(IntEnum):
    """How a trajectory ended; the numbers are those of the generated kernels."""

    REACHED = 0
    STOPPED = 1
    STEP_LIMIT = 2
    STEP_TOO_SMALL = 3
    NOT_FINITE = 4

    @property
    def message(self) -> str:
        """What happened, and what to change."""
        return _MESSAGES[self]

    @property
    def succeeded(self) -> bool:
        """Whether the final state is a solution."""
        return self <= Status.STOPPED


_MESSAGES = {
    Status.REACHED: "reached t_end",
    Status.STOPPED: "ended by a terminal event",
    Status.STEP_LIMIT: "needed more than max_steps steps: raise max_steps or loosen rtol",
    Status.STEP_TOO_SMALL: "the step fell below rounding: rtol is too tight, or the solution blows up",
    Status.NOT_FINITE: "the start, a parameter or the derivative there is not finite: check the input of this row",
}


@dataclass(frozen=True)
class Problem:
    """A system of equations by name: it is built, and SymPy imported, only when its kernel is not in the cache.

    Parameters
    ----------
    build : "module:function", a function that returns a `System`.
    arguments : its positional arguments (text or numbers).
    """

    build: str
    arguments: tuple[Any, ...] = ()

    def system(self) -> "System":
        """The equations."""
        module, function = self.build.split(":")
        return getattr(import_module(module), function)(*self.arguments)

    def source(self) -> bytes:
        """Text of the module that holds the equations; it is not imported."""
        spec = find_spec(self.build.split(":")[0])
        assert spec is not None, f"no module {self.build}"
        assert spec.origin is not None, f"no source of {self.build}"
        return Path(spec.origin).read_bytes()


@dataclass(frozen=True)
class Solution:
    """n trajectories of a system with N states.

    Parameters
    ----------
    states : (n, N) at the end of each trajectory (t_end, or where it stopped).
    t : (n,) time at the end.
    status : (n,) values of `Status`.
    saved : (n, S, N) at the S save times; NaN where a trajectory had ended before.
    accepted, rejected : (n,) counts of steps.
    event_times : name -> (n,) first time at which the event's expression changed sign, NaN if never.
    observables : name -> (n,), of the final states.
    """

    states: Array
    t: Array
    status: NDArray[np.int64]
    saved: Array
    accepted: NDArray[np.int64]
    rejected: NDArray[np.int64]
    event_times: dict[str, Array] = field(default_factory=dict)
    observables: dict[str, Array] = field(default_factory=dict)

    @property
    def succeeded(self) -> NDArray[np.bool_]:
        """(n,) whether the final state is a solution."""
        return self.status <= Status.STOPPED
