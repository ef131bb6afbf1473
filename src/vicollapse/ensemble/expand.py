"""Logistic-normal integrals become polynomials, by the expansion of `mixture/expansion.py`."""

from collections.abc import Callable, Sequence
from math import factorial

import sympy as sp

from vicollapse.mixture.expansion import expansion
from vicollapse.symbolic import LogisticNormal

_Name = Callable[[str, sp.Expr], sp.Expr]
_HALF = sp.Rational(1, 2)


def expand_integrals(program: dict[sp.Symbol, sp.Expr], terms: int) -> dict[sp.Symbol, sp.Expr]:
    """Replace every LogisticNormal(n, a, v), n = 0..3, by an expansion of so many terms.

    S is exactly dL/da, so that the approximate flow is still the gradient of an approximate KL. What depends on v alone
    is computed once for all a, and once per trajectory if v is a parameter.
    """
    used = sorted({e for x in program.values() for e in x.atoms(LogisticNormal)}, key=str)
    points = sorted({e.args[1:] for e in used}, key=str)
    variances = sorted({v for _, v in points}, key=str)
    added: dict[sp.Symbol, sp.Expr] = {}

    def named(label, expression):
        symbol = sp.Symbol(label, real=True)
        assert symbol not in program, f"'{label}' is a name of the generator"
        added.setdefault(symbol, expression)
        return symbol

    in_v = {v: _in_variance(named, i, v, terms) for i, v in enumerate(variances)}
    integrals = {(a, v): _in_argument(named, i, a, *in_v[v]) for i, (a, v) in enumerate(points)}
    return added | {s: x.xreplace({e: integrals[e.args[1:]][e.args[0]] for e in used}) for s, x in program.items()}


def _in_variance(named: _Name, i: int, v: sp.Expr, terms: int) -> tuple[sp.Expr, list[sp.Expr]]:
    """c^2, and the coefficients of the powers of y."""
    table = expansion(terms)
    inverse = named(f"narrow{i}", 1 / (v + table.shift))
    z = named(f"power{i}", 2 * table.shift * inverse - 1)
    coefficients = [named(f"coefficient{i}_{j}", _horner(row, z)) for j, row in enumerate(table.coefficients)]
    slope, constant, bend = table.square
    return named(f"square{i}", slope * v + constant + bend * inverse), coefficients


def _in_argument(named: _Name, i: int, a: sp.Expr, square: sp.Expr, coefficients: list[sp.Expr]) -> list[sp.Expr]:
    """L, S and the next two derivatives in a at one point: s is the part of S in u, t that of the next one."""
    a = named(f"argument{i}", a)
    length = named(f"length{i}", a**2 + square)
    per_q = named(f"per_length{i}", 1 / sp.sqrt(length))
    u = named(f"near{i}", square * per_q**2)
    r, r1, r2, r3 = _taylor(named, i, coefficients, named(f"centred{i}", 2 * u - 1))
    s = _HALF - u * (r + 2 * u * r1)
    ds, dds = -(r + 5 * u * r1 + 2 * u**2 * r2), -(6 * r1 + 9 * u * r2 + 2 * u**2 * r3)
    t, dt = s - 2 * (1 - u) * ds, 3 * ds - 2 * (1 - u) * dds
    return [
        (a + length * per_q) / 2 + square * per_q * r,
        _HALF + a * per_q * s,
        u * per_q * t,
        -a * u * per_q**3 * (3 * t + 2 * u * dt),
    ]


def _taylor(named: _Name, i: int, coefficients: list[sp.Expr], y: sp.Expr) -> list[sp.Expr]:
    """A polynomial and its first three derivatives with respect to u = (1 + y) / 2, by Horner's rule."""
    values: list[sp.Expr] = [coefficients[-1], sp.Integer(0), sp.Integer(0), sp.Integer(0)]
    for j, c in reversed(list(enumerate(coefficients[:-1]))):
        values = [
            named(f"taylor{n}_{i}_{j}", b + y * x)
            for n, (x, b) in enumerate(zip(values, [c, *values[:3]], strict=True))
        ]
    return [2**n * factorial(n) * x for n, x in enumerate(values)]


def _horner(coefficients: Sequence[float], x: sp.Expr) -> sp.Expr:
    value: sp.Expr = sp.Integer(0)
    for c in reversed(coefficients):
        value = c + x * value
    return value
