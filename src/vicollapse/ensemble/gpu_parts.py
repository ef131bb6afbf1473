"""Parts of the CUDA text beside the flow itself: elementary functions, tables of a method, error norm, observables."""

from collections.abc import Iterable
from importlib.resources import files

import sympy as sp

from vicollapse.ensemble.derive import derive_observables
from vicollapse.ensemble.gpu_text import DeviceFunction, booleans, numbers, standing_for
from vicollapse.ensemble.methods import Rosenbrock
from vicollapse.ensemble.observer import OBSERVABLE_TERMS
from vicollapse.ensemble.polynomials import exp_coefficients, exp_degree, horner
from vicollapse.symbolic import System

_ENDS = ("_y{}", "_z[{}]")
"""The state before and after a step."""


def error_norm(system: System, rows: dict[str, int]) -> DeviceFunction:
    """Norm of the error: of each state relative to itself, or to the vector that it is part of.

    Parameters
    ----------
    system : the equations.
    rows : of the work array.
    """
    signature = "double norm(const double* _w, const double (&_z)[N], double (&_e)[N], double _rtol, double _atol)"
    function = DeviceFunction(signature, rows)
    lengths: dict[tuple[sp.Symbol, ...], str] = {}
    index = {x: i for i, x in enumerate(system.state)}
    for x, i in index.items():
        size = f"larger(fabs(_y{i}), fabs(_z[{i}]))"
        if vector := system.relative_to.get(x):
            squares = (" + ".join(f"{r.format(index[v])} * {r.format(index[v])}" for v in vector) for r in _ENDS)
            if vector not in lengths:
                lengths[vector] = f"_length{len(lengths)}"
                function.let(lengths[vector], f"sqrt(larger({', '.join(squares)}))")
            size = lengths[vector]
        function.assign(f"_e[{i}]", f"_e[{i}] * reciprocal(_atol + _rtol * {size})")
    function.let("_sum", " + ".join(f"_e[{i}] * _e[{i}]" for i in index.values()))
    function.give(f"sqrt(_sum * {1 / len(index)!r})")
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


def template(name: str) -> str:
    """Text of a file in `templates/`.

    Parameters
    ----------
    name : of the file.
    """
    return files("vicollapse.ensemble").joinpath("templates", name).read_text()


def runtime(terms: int) -> str:
    """Elementary functions, an order of magnitude better than the integrals.

    Parameters
    ----------
    terms : of the expansion of the integrals.
    """
    return template("gpu_runtime.cuh").replace("EXP_POLYNOMIAL", horner(exp_coefficients(exp_degree(terms)), "r"))
