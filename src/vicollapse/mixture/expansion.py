"""An expansion of the logistic-normal integral that kernels can afford: one square root, one division, polynomials.

With c^2 = slope v + constant + bend / (v + shift), q^2 = a^2 + c^2 and u = c^2 / q^2 in (0, 1],

    L(a, v) = (a + q) / 2 + c^2 / q * sum_jk r_jk y^j z^k,    y = 2 u - 1,    z = 2 shift / (v + shift) - 1.

L - a/2 is even and smooth in a for any v, and L has the right limits for |a| -> infinity term by term. The coefficients
are fitted by least squares to L and to S = dL/da together.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import NDArray

from vicollapse.mixture.integrals import logistic_normal

Array = NDArray[np.float64]

FILE = Path(__file__).with_name("expansion.json")
"""The fitted coefficients; fitted once, because the last bits of a fit depend on the processor."""


@dataclass(frozen=True)
class Expansion:
    """One member of the family.

    Parameters
    ----------
    square : slope, constant and bend of c^2.
    shift : of c^2 and z.
    error : largest absolute error of S over all a and v >= 0; that of L is below error max(1, sqrt(v)).
    coefficients : (terms, m), of y^j z^k.
    """

    square: tuple[float, float, float]
    shift: float
    error: float
    coefficients: tuple[tuple[float, ...], ...]


SHAPES: dict[int, tuple[int, tuple[float, float, float], float, float]] = {
    8: (5, (13.46, 30.65, -7.54), 2.94, 1.2e-5),
    14: (9, (10.87, 24.80, 5.86), 2.953, 1.1e-7),
    17: (13, (17.92, 36.02, 0.994), 3.094, 2.7e-9),
    20: (16, (21.34, 36.96, 0.397), 2.94, 2.8e-10),
}
"""terms -> powers of z, c^2, shift, stated error; c^2 and shift are the best that a search found."""


@cache
def expansion(terms: int) -> Expansion:
    """The expansion of so many terms.

    Parameters
    ----------
    terms : 8, 14, 17 or 20.

    Raises
    ------
    ValueError : any other number.
    """
    if terms not in SHAPES:
        raise ValueError(f"expansions have {', '.join(map(str, SHAPES))} terms, not {terms}")
    _, square, shift, error = SHAPES[terms]
    stored = json.loads(FILE.read_text())[str(terms)]
    return Expansion(square, shift, error, tuple(map(tuple, stored)))


def fit(terms: int) -> Array:
    """Coefficients (terms, m) by least squares on Chebyshev nodes; what `FILE` keeps.

    Parameters
    ----------
    terms : 8, 14, 17 or 20.
    """
    m, (slope, constant, bend), shift, _ = SHAPES[terms]
    y, z = (grid.ravel() for grid in np.meshgrid(_nodes(4 * terms), _nodes(4 * m), indexing="ij"))
    u, v = (1 + y) / 2, 2 * shift / (1 + z) - shift
    square = slope * v + constant + bend / (v + shift)
    q = np.sqrt(square / u)
    a = q * np.sqrt(1 - u)
    S, L = logistic_normal(a, np.sqrt(v))
    basis, basis_slope = _chebyshev(y, terms), 2 * _chebyshev(y, terms, derivative=True)
    of_S = -(a / q * u)[:, None] * (basis + 2 * u[:, None] * basis_slope)  # d/da of c^2 / q * basis(u)
    of_L = (square / q / np.sqrt(v + shift))[:, None] * basis
    left = np.vstack([_times(part, _chebyshev(z, m)) for part in (of_S, of_L)])
    right = np.r_[S - (1 + a / q) / 2, (L - (a + q) / 2) / np.sqrt(v + shift)]
    found = np.linalg.lstsq(left, right, rcond=None)[0].reshape(terms, m)
    return _powers(terms) @ found @ _powers(m).T


def _nodes(n: int) -> Array:
    return np.cos(np.pi * (np.arange(n) + 0.5) / n)


def _chebyshev(x: Array, n: int, derivative: bool = False) -> Array:
    """(points, n) values of the polynomials T_0 .. T_(n-1), or of their derivatives."""
    return np.stack([chebyshev.chebval(x, chebyshev.chebder(T) if derivative else T) for T in np.eye(n)], axis=1)


def _times(first: Array, second: Array) -> Array:
    return (first[:, :, None] * second[:, None, :]).reshape(len(first), -1)


def _powers(n: int) -> Array:
    """(n, n) columns: T_0 .. T_(n-1) in powers of their argument."""
    return np.array([np.pad(p := chebyshev.cheb2poly(T), (0, n - len(p))) for T in np.eye(n)]).T
