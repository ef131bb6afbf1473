"""The expansion of the logistic-normal integral: its stated errors, its limits, and that its fit can be repeated."""

import json

import numpy as np
import pytest
import sympy as sp

from vicollapse.ensemble.expand import expand_integrals
from vicollapse.mixture.expansion import FILE, SHAPES, expansion, fit
from vicollapse.mixture.integrals import logistic_normal
from vicollapse.symbolic import LogisticNormal

A, V = sp.symbols("a v", real=True)


def evaluated(terms, a, v):
    """L, S and the next two derivatives by the assignments that go into the kernels."""
    wanted = {sp.Symbol(f"wanted{n}", real=True): LogisticNormal(n, A, V) for n in range(4)}
    values = {A: a, V: v}
    for symbol, x in expand_integrals(wanted, terms).items():
        inside = sorted(x.free_symbols, key=str)
        values[symbol] = sp.lambdify(inside, x, "numpy")(*(values[s] for s in inside))
    return [values[symbol] for symbol in wanted]


def plane():
    """Points (a, v): |a| from 0 to 1000 widths, v from 0 to 10^6."""
    v, x = np.meshgrid(np.r_[0, np.logspace(-3, 6, 120)], np.r_[0, np.logspace(-3, 3, 240)])
    return np.concatenate([x, -x]) * np.sqrt(np.concatenate([v, v]) + 3), np.concatenate([v, v])


@pytest.mark.parametrize("terms", SHAPES)
def test_errors_are_those_stated(terms):
    a, v = plane()
    S, L = logistic_normal(a, np.sqrt(v))
    found_L, found_S, *_ = evaluated(terms, a, v)
    error = expansion(terms).error
    assert 0.3 * error < np.abs(found_S - S).max() <= error
    assert (np.abs(found_L - L) / np.maximum(1, np.sqrt(v))).max() <= error


@pytest.mark.parametrize("terms", SHAPES)
def test_derivatives_are_those_of_the_expansion_itself(terms):
    a, v = plane()
    h = 1e-4 * np.sqrt(v + 1)
    up, down, (_, S, second, third) = evaluated(terms, a + h, v), evaluated(terms, a - h, v), evaluated(terms, a, v)
    np.testing.assert_allclose((up[0] - down[0]) / (2 * h), S, atol=3e-8)
    np.testing.assert_allclose((up[1] - down[1]) / (2 * h), second, atol=3e-8)
    np.testing.assert_allclose((up[2] - down[2]) / (2 * h), third, atol=3e-8)


@pytest.mark.parametrize("terms", SHAPES)
def test_the_derivative_in_v_is_half_the_second_in_a(terms):
    """Of the integral; of its expansion up to 40 errors: the Jacobian is nearly exact."""
    a, v = plane()
    h = 1e-4 * (v + 1)
    up, here, (_, _, second, third) = evaluated(terms, a, v + 2 * h), evaluated(terms, a, v), evaluated(terms, a, v + h)
    error = 40 * expansion(terms).error + 1e-7
    np.testing.assert_allclose((up[0] - here[0]) / (2 * h), second / 2, atol=error)
    np.testing.assert_allclose((up[1] - here[1]) / (2 * h), third / 2, atol=error)


def test_symmetry_is_exact():
    """S(a) + S(-a) = 1: a symmetric start stays symmetric until rounding breaks it."""
    a, v = np.abs(plane())
    _, S, *_ = evaluated(14, a, v)
    _, mirrored, *_ = evaluated(14, -a, v)
    np.testing.assert_allclose(S + mirrored, 1, atol=3e-16)


@pytest.mark.parametrize("terms", [8, 14])
def test_the_stored_coefficients_are_those_of_the_fit(terms):
    stored = np.array(json.loads(FILE.read_text())[str(terms)])
    np.testing.assert_allclose(fit(terms), stored, atol=1e-9 * np.abs(stored).max())


def test_coefficients_can_be_stored_again(request):
    if request.config.getoption("--fix"):
        FILE.write_text(json.dumps({str(n): fit(n).tolist() for n in SHAPES}) + "\n")
    assert {int(n) for n in json.loads(FILE.read_text())} == set(SHAPES)


def test_other_numbers_of_terms_are_refused():
    with pytest.raises(ValueError, match="8, 14, 17, 20 terms, not 10"):
        expansion(10)
