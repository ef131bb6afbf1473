"""The reference backend: the same equations by SciPy with accurate integrals; slow, no generated code."""

from functools import cache, lru_cache

import numpy as np
import sympy as sp
from scipy.integrate import solve_ivp
from scipy.special import expit

from vicollapse.ensemble.solution import Array, Problem, Solution, Status
from vicollapse.mixture.integrals import logistic_normal
from vicollapse.symbolic import System

_SMALLEST_RTOL = 2.3e-14  # what LSODA accepts


def integrate(
    problem: Problem,
    states: Array,
    parameters: dict[str, Array],
    t_end: Array,
    save_at: Array,
    *,
    rtol: float,
    atol: float,
    max_steps: int,
    **_: object,
) -> Solution:
    """Integrate n trajectories one by one; arguments as in `ensemble.solve` (method, terms, threads do not apply)."""
    equations = _equations(problem)
    system = equations.system
    n, count = states.shape
    solution = Solution(
        states=np.array(states, float),
        t=np.zeros(n),
        status=np.full(n, Status.NOT_FINITE, np.int64),
        saved=np.full((n, len(save_at), count), np.nan),
        accepted=np.zeros(n, np.int64),
        rejected=np.zeros(n, np.int64),
        event_times={name: np.full(n, np.nan) for name in system.events},
        observables={name: np.full(n, np.nan) for name in system.observables},
    )
    for i in range(n):
        values = [parameters[str(p)][i] for p in system.parameters]
        if np.isfinite([*states[i], *values]).all():
            _one(equations, solution, i, values, t_end[i], save_at, max(rtol, _SMALLEST_RTOL), atol)
    return solution


class _Equations:
    """A system as Python functions of (t, *state, *parameters); SymPy never sees the substituted expressions."""

    def __init__(self, system: System):
        self.system = system
        self.rhs = self._function(list(system.rhs))
        self.observe = self._function(list(system.observables.values()))
        self.events = {name: self._function(event) for name, event in system.events.items()}
        self.breakpoints = sp.lambdify(system.parameters, system.breakpoints, [_FUNCTIONS, "numpy"])

    def _function(self, outputs):
        inputs = [self.system.time, *self.system.state, *self.system.parameters]
        definitions = list(self.system.definitions.items())
        return sp.lambdify(inputs, outputs, [_FUNCTIONS, "numpy"], cse=lambda _: (definitions, outputs))

    def event_functions(self, values):
        """Functions of (t, y) as SciPy wants them."""
        return [self._event(name, function, values) for name, function in self.events.items()] or None

    def _event(self, name, function, values):
        def value(t, y):
            return float(function(t, *y, *values))

        value.terminal = name in self.system.terminal  # type: ignore[attr-defined]
        return value


@cache
def _equations(problem: Problem) -> _Equations:
    return _Equations(problem.system())


def _one(equations, solution, i, values, t_end, save_at, rtol, atol):
    y, now = np.array(solution.states[i]), 0.0
    solution.saved[i, save_at == now] = y
    kinks = [float(b) for b in equations.breakpoints(*values)]
    for stop in sorted({t for t in (*kinks, *save_at) if 0 < t < t_end} | {t_end}):
        run = solve_ivp(
            lambda t, y: np.array(equations.rhs(t, *y, *values), float),
            (now, stop),
            y,
            method="LSODA",
            rtol=rtol,
            atol=atol,
            events=equations.event_functions(values),
        )
        y, now = run.y[:, -1], float(run.t[-1])
        solution.accepted[i] += len(run.t) - 1
        _note_events(solution, i, run.t_events)
        if run.status != 0:
            break
        solution.saved[i, save_at == stop] = y
    status = {0: Status.REACHED, 1: Status.STOPPED, -1: Status.STEP_TOO_SMALL}[run.status]
    solution.states[i], solution.t[i], solution.status[i] = y, now, status
    if status.succeeded:
        for name, value in zip(solution.observables, equations.observe(now, *y, *values), strict=True):
            solution.observables[name][i] = value


def _note_events(solution, i, times):
    for name, crossings in zip(solution.event_times, times or (), strict=False):
        if len(crossings) and np.isnan(solution.event_times[name][i]):
            solution.event_times[name][i] = crossings[0]


def _integral(order, a, v):
    if order not in (0, 1):
        raise NotImplementedError(f"derivative {order} of the logistic-normal integral")
    return _both_integrals(float(a), float(v))[order]


@lru_cache(maxsize=32)
def _both_integrals(a, v):
    S, L = logistic_normal(a, np.sqrt(max(v, 0.0)))
    return float(L), float(S)


_FUNCTIONS = {
    "LogisticNormal": _integral,
    "sigmoid": expit,
    "where": lambda s, x, y: x if s >= 0 else y,
}
