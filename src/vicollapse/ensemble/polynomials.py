"""Polynomials of the exponential function in the generated kernels."""

import numpy as np
from numpy.typing import NDArray


def horner(coefficients: NDArray[np.float64], x: str) -> str:
    """Text of the polynomial in the variable `x`, in Horner's form; lowest coefficient first."""
    head = "(".join(f"{float(c)!r} + {x} * " for c in coefficients[:-1])
    return head + repr(float(coefficients[-1])) + ")" * (len(coefficients) - 2)


def exp_degree(terms: int) -> int:
    """Degree of exp's polynomial beside integrals of so many terms: an order of magnitude better than they are."""
    return 8 if terms <= 14 else 11


def exp_coefficients(degree: int = 11) -> NDArray[np.float64]:
    """Taylor coefficients of exp, lowest first; error 7e-15 for |r| <= log(2)/2."""
    return 1 / np.cumprod([1.0, *range(1, degree + 1)])
