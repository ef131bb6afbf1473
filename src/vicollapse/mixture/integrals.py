"""The logistic-normal integral, exact to rounding; what the kernels use in its place is in `expansion.py`."""

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, zeta

Array = NDArray[np.float64]

SERIES_FROM = 9.0
"""From this b on the series in 1/b^2 is exact to rounding; below it the trapezoid rule is used."""

_REACH = 10.0  # the trapezoid rule covers |z| <= 10
_STEP_TIMES_B = 0.45  # step * b: the poles of the logistic function leave an error exp(-2 pi^2 / 0.45) = 1e-19
_LARGEST_STEP = 0.4
_TERMS = 36
_CHUNK = 1 << 14  # doubles per work array: they stay in the cache
_ETA = (1 - 2.0 ** (1 - 2 * np.arange(1, _TERMS))) * zeta(2 * np.arange(1, _TERMS))  # Dirichlet eta(2n), n >= 1
_INV_SQRT_2PI = 1 / np.sqrt(2 * np.pi)


def logistic_normal(a: ArrayLike, b: ArrayLike) -> tuple[Array, Array]:
    """Expectations of the logistic function and of its antiderivative under a normal law.

    S(a, b) = E sigmoid(a + b z) and L(a, b) = E log(1 + exp(a + b z)), z ~ N(0, 1). S has *relative* accuracy 1e-12
    also where it is tiny; L is accurate to 1e-13 max(1, L). Every finite a and b is allowed: no overflow, right limits.

    Parameters
    ----------
    a : any shape; mean of the logit. Dimensionless.
    b : broadcastable with `a`; standard deviation of the logit. Its sign does not matter (z is symmetric).

    Returns
    -------
    S, L : float64 arrays of the broadcast shape; NaN where `a` or `b` is NaN or infinite.

    Source: trapezoid rule, Trefethen and Weideman, SIAM Rev. 56 (2014) 385, for |b| < 9; above, Sommerfeld's expansion
    of the logistic step in derivatives of the normal law, with Dirichlet's eta function.
    """
    a_, b_ = np.broadcast_arrays(np.asarray(a, np.float64), np.abs(np.asarray(b, np.float64)))
    flat_a, flat_b = a_.ravel(), b_.ravel()
    good = np.isfinite(flat_a) & np.isfinite(flat_b)
    S, L = np.full(flat_a.size, np.nan), np.full(flat_a.size, np.nan)
    with np.errstate(over="ignore", under="ignore"):
        S[good], L[good] = _finite(flat_a[good], flat_b[good])
    return S.reshape(a_.shape), L.reshape(a_.shape)


def _finite(a: Array, b: Array) -> tuple[Array, Array]:
    """By symmetry at -|a|; S in the far tail by the identity S(a, b) = exp(a + b^2/2) S(-a - b^2, b)."""
    low = -np.abs(a)
    S, L = _negative(low, b)
    tail = np.flatnonzero(low < -b * b / 2)
    shifted = -low[tail] - b[tail] ** 2
    moderate = _negative(-np.abs(shifted), b[tail])[0]
    S[tail] = np.exp(low[tail] + b[tail] ** 2 / 2) * np.where(shifted > 0, 1 - moderate, moderate)
    return np.where(a > 0, 1 - S, S), np.maximum(a, 0) + L


def _negative(a: Array, b: Array) -> tuple[Array, Array]:
    """S and L for a <= 0, b >= 0, in groups of similar b, so that each group has the fewest trapezoid nodes."""
    S, L = np.empty_like(a), np.empty_like(a)
    group = np.where(b < SERIES_FROM, np.ceil(np.maximum(b, 1.0)), np.inf)
    for largest in np.unique(group):
        rows = np.flatnonzero(group == largest)
        if np.isinf(largest):
            S[rows], L[rows] = _in_chunks(_series, a[rows], b[rows], _CHUNK)
        else:
            z, w = _nodes(largest)
            S[rows], L[rows] = _in_chunks(partial(_trapezoid, z=z, w=w), a[rows], b[rows], max(1, _CHUNK // z.size))
    return S, L


def _in_chunks(f: Callable[[Array, Array], tuple[Array, Array]], a: Array, b: Array, size: int) -> tuple[Array, Array]:
    S, L = np.empty_like(a), np.empty_like(a)
    for i in range(0, a.size, size):
        part = slice(i, i + size)
        S[part], L[part] = f(a[part], b[part])
    return S, L


def _nodes(b: float) -> tuple[Array, Array]:
    """Equally spaced nodes and normalised Gaussian weights, fine enough for standard deviations up to b."""
    h = min(_LARGEST_STEP, _STEP_TIMES_B / b)
    n = int(np.ceil(_REACH / h))
    z = h * np.arange(-n, n + 1, dtype=np.float64)
    w = np.exp(-0.5 * z * z)
    return z, w / w.sum()


def _trapezoid(a: Array, b: Array, z: Array, w: Array) -> tuple[Array, Array]:
    x = a[:, None] + b[:, None] * z
    e = np.exp(-np.abs(x))
    S = np.where(x > 0, 1.0, e) / (1 + e)
    L = np.maximum(x, 0) + np.log1p(e)
    return np.einsum("ij,j->i", S, w), np.einsum("ij,j->i", L, w)  # unlike BLAS: every row on its own


def _series(a: Array, b: Array) -> tuple[Array, Array]:
    """S = Phi(x) + sum_n 2 eta(2n) b^-2n Phi^(2n)(x), x = a/b, and b times the antiderivative of the same."""
    x: Array = np.maximum(a / b, -40.0)  # phi(40) = 0 in double precision; further out the polynomials would overflow
    phi, Phi = _INV_SQRT_2PI * np.exp(-0.5 * x * x), ndtr(x)
    even, odd = 1 / b, x / b**2  # b^(1-2n) He_(2n-2)(x) and b^(-2n) He_(2n-1)(x), He = Hermite polynomials
    sum_S, sum_L = np.zeros_like(x), np.zeros_like(x)
    for n, eta in enumerate(_ETA, start=1):
        sum_S -= eta * odd
        sum_L += eta * even
        even = (x * odd - (2 * n - 1) * even / b) / b
        odd = (x * even - 2 * n * odd / b) / b
    return Phi + 2 * phi * sum_S, b * (x * Phi + phi) + 2 * phi * sum_L
