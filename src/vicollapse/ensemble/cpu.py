"""The CPU backend: generated lanes, compiled by numba, one queue of chunks for all threads."""

import sys
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np

from vicollapse.ensemble import cache as kernel_cache
from vicollapse.ensemble.methods import Rosenbrock, method
from vicollapse.ensemble.solution import Array, Problem, Solution
from vicollapse.ensemble.work_arrays import FILLED, check_columns, parameter_table, solution, work_arrays

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
    check_columns(kernel, states, parameters)
    n = len(states)
    table = parameter_table(kernel, parameters, n)
    work = work_arrays(kernel, np.array(states, float, order="C"), len(save_at))

    def advance(start):
        rows = slice(start, start + _CHUNK)
        per_row = (work[name][rows] for name in FILLED)
        kernel.integrate(
            work["states"][rows], table[rows], t_end[rows], save_at, rtol, atol, dt_max, max_steps, *per_row
        )
        kernel.observe_all(work["states"][rows], table[rows], work["observables"][rows])

    with ThreadPoolExecutor(max(1, threads)) as pool:
        for _ in pool.map(advance, range(0, n, _CHUNK)):
            pass
    return solution(kernel, work)


@cache
def _compiled(problem: Problem, method_name: str, terms: int):
    scheme: Rosenbrock = method(method_name)
    kernel = kernel_cache.kernel_module(problem, scheme, terms)
    with kernel_cache.one_compiler(kernel):
        if not kernel_cache.is_compiled(kernel):
            print(
                f"vicollapse: compiling {kernel.__name__} (once on this machine, 10 to 40 s)",
                file=sys.stderr,
                flush=True,
            )
        nothing = work_arrays(kernel, np.empty((0, kernel.N)), 0)
        table, none = np.empty((0, kernel.PARAMETERS)), np.empty(0)
        rows = (nothing[name] for name in FILLED)
        kernel.integrate(nothing["states"], table, none, none, 1e-6, 1e-9, 1.0, 1, *rows)
        kernel.observe_all(nothing["states"], table, nothing["observables"])
    return kernel
