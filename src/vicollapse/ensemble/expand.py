"""Logistic-normal integrals as sums over the terms of a probit mixture, sigmoid(x) ~ sum_i p_i Phi(s_i x)."""

import numpy as np
import sympy as sp

from vicollapse.mixture.integrals import probit_mixture
from vicollapse.symbolic import LogisticNormal


class gauss(sp.Function):
    """exp(-x^2 / 2)."""


class cdf(sp.Function):
    """cdf(x, gauss(x)): the normal distribution function."""


def expand_integrals(program: dict[sp.Symbol, sp.Expr], terms: int) -> dict[sp.Symbol, sp.Expr]:
    """Replace every LogisticNormal(n, a, v), n = 0..3, by its sum over `terms` probits.

    With q_i = sqrt(v + 1/s_i^2) and x_i = a / q_i: S = sum p_i Phi(x_i), L = a S + sum p_i phi(x_i) q_i, and the next
    two derivatives in a; S is exactly dL/da, so the approximate flow is still the gradient of an approximate KL.

    Source: Monahan & Stefanski, in Handbook of the Logistic Distribution (1992), chapter 17.
    """
    used = sorted({e for x in program.values() for e in x.atoms(LogisticNormal)}, key=str)
    points = sorted({e.args[1:] for e in used}, key=str)
    variances = sorted({v for _, v in points}, key=str)
    weights, slopes, _ = probit_mixture(terms)
    added: dict[sp.Symbol, sp.Expr] = {}

    def named(label, expression):
        symbol = sp.Symbol(label, real=True)
        assert symbol not in program, f"'{label}' is a name of the generator"
        added.setdefault(symbol, expression)
        return symbol

    def scales(i, v):
        q = [named(f"root{i}_{k}", sp.sqrt(v + float(1 / s**2))) for k, s in enumerate(slopes)]
        return q, [named(f"width{i}_{k}", 1 / q_k) for k, q_k in enumerate(q)]

    scale = {v: scales(i, v) for i, v in enumerate(variances)}
    for i, (a, v) in enumerate(points):
        q, c = scale[v]
        orders = {e.args[0] for e in used if e.args[1:] == (a, v)}
        _expand_point(named, i, a, q, c, weights, orders)
    names = {e: sp.Symbol(f"integral{e.args[0]}_{points.index(e.args[1:])}", real=True) for e in used}
    return added | {s: x.xreplace(names) for s, x in program.items()}


def _expand_point(named, i, a, q, c, weights, orders):
    a = named(f"argument{i}", a)
    x = [named(f"argument{i}_{k}", c_k * a) for k, c_k in enumerate(c)]
    g = [named(f"gauss{i}_{k}", gauss(x_k)) for k, x_k in enumerate(x)]
    density = [
        named(f"density{i}_{k}", float(p / np.sqrt(2 * np.pi)) * g_k)
        for k, (p, g_k) in enumerate(zip(weights, g, strict=True))
    ]
    S = named(f"integral1_{i}", sp.Add(*(float(p) * cdf(x_k, g_k) for p, x_k, g_k in zip(weights, x, g, strict=True))))
    if 0 in orders:
        named(f"integral0_{i}", a * S + sp.Add(*(d * q_k for d, q_k in zip(density, q, strict=True))))
    if orders & {2, 3}:
        steep = [named(f"steep{i}_{k}", d * c_k) for k, (d, c_k) in enumerate(zip(density, c, strict=True))]
        named(f"integral2_{i}", sp.Add(*steep))
        named(f"integral3_{i}", -a * sp.Add(*(s * c_k**2 for s, c_k in zip(steep, c, strict=True))))
