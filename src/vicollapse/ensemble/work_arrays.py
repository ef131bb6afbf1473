"""Arrays that a kernel reads and fills, one row per trajectory: the same for the CPU and for GPUs."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vicollapse.ensemble.solution import Array, Solution, Status

Work = dict[str, NDArray[Any]]

FILLED = ("output", "events", "status", "accepted", "rejected", "times")
"""What `integrate` of a kernel fills, in the order of its arguments; the states it replaces."""


Kernel = Any
"""A generated module of the CPU or a `gpu.Kernel`: its STATE_NAMES, PARAMETER_NAMES, EVENT_NAMES, OBSERVABLE_NAMES."""


def check_columns(kernel: Kernel, states: Array, parameters: Mapping[str, Array]) -> None:
    """Refuse input that is not that of a kernel.

    Parameters
    ----------
    kernel : what shall be run.
    states : (n, N).
    parameters : name -> (n,).

    Raises
    ------
    ValueError : another number of states, or other parameters.
    """
    if states.shape[1] != len(kernel.STATE_NAMES):
        raise ValueError(f"states need {len(kernel.STATE_NAMES)} columns {kernel.STATE_NAMES}, got {states.shape[1]}")
    if set(parameters) != set(kernel.PARAMETER_NAMES):
        raise ValueError(f"parameters must be {kernel.PARAMETER_NAMES}, got {tuple(parameters)}")


def parameter_table(kernel: Kernel, parameters: Mapping[str, Array], n: int) -> Array:
    """The parameters (n, P) of n trajectories, in the order of a kernel.

    Parameters
    ----------
    kernel : what shall be run.
    parameters : name -> (n,).
    n : trajectories.
    """
    columns = [parameters[name] for name in kernel.PARAMETER_NAMES]
    return np.ascontiguousarray(np.column_stack([*columns]) if columns else np.empty((n, 0)))


def work_arrays(kernel: Kernel, states: Array, saves: int) -> Work:
    """Arrays for the results of n trajectories with N states: what a kernel does not fill is 0 or NaN.

    Parameters
    ----------
    kernel : what shall be run.
    states : (n, N), the start; the kernel replaces it by the end.
    saves : save times, S.

    Returns
    -------
    dict : `states`, `output` (n, S, N), `events` (n, E), `times` (n,), `observables` (n, O), and (n,) integers
        `status`, `accepted`, `rejected`.
    """
    n = len(states)
    integers = {name: np.zeros(n, np.int64) for name in ("status", "accepted", "rejected")}
    return integers | {
        "states": states,
        "output": np.full((n, saves, len(kernel.STATE_NAMES)), np.nan),
        "events": np.full((n, len(kernel.EVENT_NAMES)), np.nan),
        "times": np.zeros(n),
        "observables": np.empty((n, len(kernel.OBSERVABLE_NAMES))),
    }


def solution(kernel: Kernel, work: Work) -> Solution:
    """The filled arrays as a `Solution`; failed trajectories have no observables.

    Parameters
    ----------
    kernel : what was run.
    work : of `work_arrays`.
    """
    work["observables"][work["status"] > Status.STOPPED] = np.nan
    return Solution(
        states=work["states"],
        t=work["times"],
        status=work["status"],
        saved=work["output"],
        accepted=work["accepted"],
        rejected=work["rejected"],
        event_times=dict(zip(kernel.EVENT_NAMES, work["events"].T, strict=True)),
        observables=dict(zip(kernel.OBSERVABLE_NAMES, work["observables"].T, strict=True)),
    )
