"""Polynomials of the elementary functions in the generated kernels."""

import math

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import NDArray
from scipy.special import erfcx


def horner(coefficients: NDArray[np.float64], x: str) -> str:
    """Text of the polynomial in the variable `x`, in Horner's form; lowest coefficient first."""
    head = "(".join(f"{float(c)!r} + {x} * " for c in coefficients[:-1])
    return head + repr(float(coefficients[-1])) + ")" * (len(coefficients) - 2)


def exp_coefficients(degree: int = 11) -> NDArray[np.float64]:
    """Taylor coefficients of exp, lowest first; error 7e-15 for |r| <= log(2)/2."""
    return 1 / np.cumprod([1.0, *range(1, degree + 1)])


def tail_coefficients(degree: int = 16, centre: float = 3.5) -> NDArray[np.float64]:
    """Coefficients of erfcx(x) (x + centre) in y = (x - centre) / (x + centre), x >= 0, lowest first; error 1e-12.

    Exact at x = 0, so that the normal distribution function does not jump there: small starts would amplify the jump.
    """

    def scaled(y):
        x = centre * (1 + y) / (1 - y)
        return float(erfcx(x)) * (x + centre)

    coefficients = np.array(chebyshev.cheb2poly(_interpolate(scaled, degree + 1)), float).round(14)
    coefficients[0] += centre - np.polyval(coefficients[::-1], -1.0)
    return coefficients


def _interpolate(function, n):
    # as Chebyshev.interpolate, but without BLAS and SIMD cosines, whose last bits depend on the processor
    angles = [math.pi * (k + 0.5) / n for k in range(n)]
    values = [function(math.cos(angle)) for angle in angles]
    sums = [math.fsum(v * math.cos(j * a) for v, a in zip(values, angles, strict=True)) for j in range(n)]
    return [sums[0] / n, *(2 * total / n for total in sums[1:])]
