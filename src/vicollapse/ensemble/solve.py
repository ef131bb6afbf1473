"""One call for every backend: broadcast the input, choose method and integrals from rtol, integrate."""

from collections.abc import Mapping
from importlib import import_module

import numpy as np
from numpy.typing import ArrayLike

from vicollapse.ensemble.solution import Problem, Solution
from vicollapse.errors import BackendError, ConfigError, did_you_mean

BACKENDS = {name: f"vicollapse.ensemble.{name}" for name in ("cpu", "gpu", "reference")}
MAX_STEPS = 100_000
ATOL_OVER_RTOL = 1e-3


def default_method(rtol: float) -> str:
    """The cheapest method at a tolerance (measured: docs/numerics.md)."""
    return "GRK4T" if rtol >= 1e-6 else "Rodas5P"


def default_terms(rtol: float) -> int:
    """Terms of the integrals whose error (1.2e-5, 1.1e-7, 2.7e-9, 2.8e-10) stays below what a tolerance asks for."""
    return 8 if rtol >= 1e-3 else 14 if rtol >= 1e-6 else 17 if rtol >= 1e-8 else 20


def solve(
    problem: Problem,
    states: ArrayLike,
    parameters: Mapping[str, ArrayLike],
    t_end: ArrayLike,
    *,
    save_at: ArrayLike | None = None,
    rtol: float = 1e-6,
    atol: float | None = None,
    method: str | None = None,
    terms: int | None = None,
    dt_max: float = np.inf,
    max_steps: int = MAX_STEPS,
    threads: int = 1,
    backend: str = "cpu",
) -> Solution:
    """Integrate an ensemble of independent trajectories, each with its own time, step and status.

    Parameters
    ----------
    problem : the equations.
    states : (n, N) initial states, or (N,) for all.
    parameters : name -> (n,) or scalar.
    t_end : (n,) or scalar, end of each trajectory; up to 1e8 and beyond.
    save_at : (S,) increasing times at which states are kept, or None.
    rtol, atol : tolerances of a step, per state and relative / absolute; atol is 1e-3 rtol by default.
    method, terms : Rosenbrock method and terms of the expansion of the integrals; chosen from rtol by default.
    dt_max : longest step.
    max_steps : attempts after which a trajectory gets the status STEP_LIMIT.
    threads : threads of the CPU backend; results do not depend on it.
    backend : "cpu", "gpu" (the current CUDA device), or "reference" (slow, accurate quadrature).

    Returns
    -------
    Solution : never raises for a bad trajectory; `Solution.status` says what happened.

    Raises
    ------
    BackendError : unknown backend, or one that cannot work here; says what is missing.
    ConfigError : tolerances, times or shapes that make no sense.
    """
    if backend not in BACKENDS:
        raise BackendError(f"unknown backend '{backend}'{did_you_mean(backend, BACKENDS)}")
    times = np.empty(0) if save_at is None else np.array(save_at, float, ndmin=1)
    atol = ATOL_OVER_RTOL * rtol if atol is None else atol
    _check(rtol, atol, dt_max, max_steps, np.asarray(t_end, float), times)
    states = np.atleast_2d(np.asarray(states, float))
    n = np.broadcast_shapes((len(states),), np.shape(t_end), *(np.shape(p) for p in parameters.values()))[0]
    return import_module(BACKENDS[backend]).integrate(
        problem,
        np.broadcast_to(states, (n, states.shape[1])),
        {name: np.ascontiguousarray(np.broadcast_to(np.asarray(p, float), n)) for name, p in parameters.items()},
        np.ascontiguousarray(np.broadcast_to(np.asarray(t_end, float), n)),
        times,
        rtol=float(rtol),
        atol=float(atol),
        method=method or default_method(rtol),
        terms=terms or default_terms(rtol),
        dt_max=float(dt_max),
        max_steps=int(max_steps),
        threads=int(threads),
    )


def _check(rtol, atol, dt_max, max_steps, t_end, times):
    for name, value in (("rtol", rtol), ("atol", atol), ("dt_max", dt_max)):
        if not value > 0:
            raise ConfigError(f"{name} must be positive, got {value}")
    if not (t_end >= 0).all():
        raise ConfigError("t_end must not be negative, nor NaN")
    if max_steps < 1:
        raise ConfigError(f"max_steps must be at least 1, got {max_steps}")
    if not (np.isfinite(times).all() and (np.diff(times) > 0).all() and (times >= 0).all()):
        raise ConfigError("save_at must be finite, not negative and strictly increasing")
