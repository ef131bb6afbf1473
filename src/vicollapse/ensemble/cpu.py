"""The CPU backend: generated lanes, compiled by numba, one queue of chunks for all threads."""

import sys
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np

from vicollapse.ensemble import cache as kernel_cache
from vicollapse.ensemble.methods import Rosenbrock, method
from vicollapse.ensemble.solution import Array, Problem, Solution, Status

_CHUNK = 2048
"""Trajectories per piece of work: small enough to balance threads, large enough to keep the lanes full."""


def integrate(
    problem: Problem,
    states: Array,
    parameters: dict[str, Array],
    t_end: Array,
    save_at: Array,
    *,
    rtol: float,
    atol: float,
    method: str,
    terms: int,
    dt_max: float,
    max_steps: int,
    threads: int,
) -> Solution:
    """Integrate n trajectories; arguments as in `ensemble.solve`, already broadcast to n rows."""
    kernel = _compiled(problem, method, terms)
    _check_columns(kernel, states, parameters)
    n = len(states)
    columns = [parameters[name] for name in kernel.PARAMETER_NAMES]
    table = np.ascontiguousarray(np.column_stack([*columns]) if columns else np.empty((n, 0)))
    work = _arrays(kernel, np.array(states, float, order="C"), len(save_at))

    def advance(start):
        rows = slice(start, start + _CHUNK)
        per_row = (work[name][rows] for name in ("output", "events", "status", "accepted", "rejected", "times"))
        kernel.integrate(
            work["states"][rows], table[rows], t_end[rows], save_at, rtol, atol, dt_max, max_steps, *per_row
        )
        kernel.observe_all(work["states"][rows], table[rows], work["observables"][rows])

    with ThreadPoolExecutor(max(1, threads)) as pool:
        for _ in pool.map(advance, range(0, n, _CHUNK)):
            pass
    return _solution(kernel, work)


def _arrays(kernel, states, saves):
    n = len(states)
    integers = {name: np.zeros(n, np.int64) for name in ("status", "accepted", "rejected")}
    return integers | {
        "states": states,
        "output": np.full((n, saves, kernel.N), np.nan),
        "events": np.full((n, kernel.EVENTS), np.nan),
        "times": np.zeros(n),
        "observables": np.empty((n, kernel.OBSERVABLES)),
    }


def _solution(kernel, work):
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


def _check_columns(kernel, states, parameters):
    if states.shape[1] != kernel.N:
        raise ValueError(f"states need {kernel.N} columns {kernel.STATE_NAMES}, got {states.shape[1]}")
    if set(parameters) != set(kernel.PARAMETER_NAMES):
        raise ValueError(f"parameters must be {kernel.PARAMETER_NAMES}, got {tuple(parameters)}")


@cache
def _compiled(problem: Problem, method_name: str, terms: int):
    scheme: Rosenbrock = method(method_name)
    kernel = kernel_cache.kernel_module(problem, scheme, terms)
    with kernel_cache.one_compiler(kernel):
        if not kernel_cache.is_compiled(kernel):
            print(
                f"vicollapse: compiling {kernel.__name__} (once on this machine, about half a minute)",
                file=sys.stderr,
                flush=True,
            )
        nothing = _arrays(kernel, np.empty((0, kernel.N)), 0)
        table, none = np.empty((0, kernel.PARAMETERS)), np.empty(0)
        rows = (nothing[name] for name in ("output", "events", "status", "accepted", "rejected", "times"))
        kernel.integrate(nothing["states"], table, none, none, 1e-6, 1e-9, 1.0, 1, *rows)
        kernel.observe_all(nothing["states"], table, nothing["observables"])
    return kernel
