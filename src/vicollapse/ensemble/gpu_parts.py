"""Parts of the CUDA text beside the flow itself: tables of a method, error norm, observables."""

from collections.abc import Iterable

import sympy as sp

from vicollapse.ensemble.derive import derive_observables
from vicollapse.ensemble.error_scales import error_scales
from vicollapse.ensemble.gpu_text import DeviceFunction, booleans, numbers, standing_for
from vicollapse.ensemble.methods import Rosenbrock
from vicollapse.ensemble.observer import OBSERVABLE_TERMS
from vicollapse.symbolic import System


def error_norm(system: System, rows: dict[str, int]) -> DeviceFunction:
    """Norm of the error: of each state relative to itself, or to the vector that it is part of.

    Parameters
    ----------
    system : the equations.
    rows : of the work array.
    """
    signature = "double norm(const double* _w, const double (&_z)[N], double (&_e)[N], double _rtol, double _atol)"
    function = DeviceFunction(signature, rows)
    lengths, sizes = error_scales(system, "_y{}", "_z[{}]")
    for name, length in lengths.items():
        function.let(name, length)
    for i, size in enumerate(sizes):
        function.assign(f"_e[{i}]", f"_e[{i}] * reciprocal(_atol + _rtol * {size})")
    function.let("_sum", " + ".join(f"_e[{i}] * _e[{i}]" for i in range(len(sizes))))
    function.give(f"sqrt(_sum * {1 / len(sizes)!r})")
    return function


def observer(system: System) -> str:
    """`observe`: the observables of a state.

    Parameters
    ----------
    system : the equations.
    """
    program = derive_observables(system, OBSERVABLE_TERMS)
    function = DeviceFunction("void observe(const double* _state, const double* _parameters, double* _output)", {})
    given = standing_for((x, f"_state[{i}]") for i, x in enumerate(system.state))
    given |= standing_for((p, f"_parameters[{i}]") for i, p in enumerate(system.parameters))
    given[system.time] = sp.Integer(0)
    wanted = {f"_output[{i}]": program.outputs[f"observable{i}"] for i in range(len(system.observables))}
    function.evaluate(program.assignments | given, wanted)
    return function.cuda()


def tables(method: Rosenbrock) -> str:
    """The coefficients of a method, and at which stages the right-hand side is evaluated.

    Parameters
    ----------
    method : the Rosenbrock method.
    """
    same = [method.evaluated_at(s) for s in range(method.stages)]
    fresh = [0 < s == first for s, first in enumerate(same)]
    last = [max(s for s in range(stage + 1) if s == same[s]) for stage in range(method.stages)]
    assert last == same, "a right-hand side is used again after another one"
    slopes = [x if abs(x) > 1e-12 else 0.0 for x in method.slopes]
    tables: dict[str, Iterable[float]] = {"A": method.A.ravel(), "C": method.C.ravel()}
    tables |= {"NODES": method.nodes, "SLOPES": slopes, "NEW": method.new, "ERROR": method.error}
    return "\n".join([*(numbers(k, x) for k, x in tables.items()), booleans("EVALUATED", fresh)])
