"""The logistic-normal integral against mpmath quadrature, and its own identities."""

import warnings

import mpmath as mp
import numpy as np
import pytest
from scipy.special import expit

from vicollapse.mixture.integrals import SERIES_FROM, logistic_normal


def quadrature(a, b, size=1.0):
    """S and L by 25-digit quadrature; `size` is their rough value, because mpmath stops at an absolute error."""
    with mp.workdps(25):
        a, b = mp.mpf(float(a)), mp.mpf(float(b))
        if b == 0:
            return 1 / (1 + mp.exp(-a)), mp.log1p(mp.exp(a))
        near = [-a / b + k / b for k in (-40, -15, -5, 0, 5, 15, 40)]
        pieces = sorted({mp.mpf(z) for z in range(-40, 41, 4)} | {z for z in near if abs(z) < 40})

        def normal(z):
            return mp.exp(-z * z / 2) / mp.sqrt(2 * mp.pi)

        S = mp.quad(lambda z: normal(z) / size / (1 + mp.exp(-a - b * z)), pieces) * size
        L = mp.quad(lambda z: normal(z) / size * mp.log1p(mp.exp(a + b * z)), pieces) * size
        return S, L


def relative(value, exact):
    return float(abs(mp.mpf(float(value)) - exact) / exact)


rng = np.random.default_rng(11)
POINTS = [
    *zip(rng.uniform(-200, 200, 12), rng.uniform(0, 30, 12), strict=True),
    *zip(rng.normal(0, 10, 12), rng.uniform(0, 12, 12), strict=True),
    *[(sign * 200.0, b) for sign in (-1, 1) for b in (0.0, 1e-8, 30.0)],
    *[(a, b) for a in (-40.5, -1.0, 0.0) for b in (0.0, 1.0, np.nextafter(SERIES_FROM, 0), SERIES_FROM, 30.0)],
]


@pytest.mark.parametrize(("a", "b"), POINTS)
def test_accuracy_on_the_stated_domain(a, b):
    S, L = logistic_normal(a, b)
    exact_S, exact_L = quadrature(a, b)
    assert abs(mp.mpf(float(S)) - exact_S) < 1e-15
    assert abs(mp.mpf(float(L)) - exact_L) < 1e-14 * max(1, exact_L)


@pytest.mark.parametrize("b", [0.3, 2.0, 6.0, 8.9, 9.1, 15.0, 25.0])
@pytest.mark.parametrize("fraction", [0.3, 0.9, 1.0, 1.1, 2.0])
def test_S_keeps_relative_accuracy_in_the_tail(b, fraction):
    a = -fraction * b * b / 2
    S, _ = logistic_normal(a, b)
    assert relative(S, quadrature(a, b, size=float(S))[0]) < 1e-12


def test_no_jump_between_the_two_methods():
    a = np.linspace(-60, 60, 241)
    below, above = logistic_normal(a, np.nextafter(SERIES_FROM, 0)), logistic_normal(a, SERIES_FROM)
    np.testing.assert_allclose(below[0], above[0], atol=3e-16, rtol=1e-12)
    np.testing.assert_allclose(below[1], above[1], atol=2e-15, rtol=1e-15)


def test_S_is_the_slope_of_L_and_both_obey_the_heat_equation():
    a, b = (g.ravel() for g in np.meshgrid(np.linspace(-20, 20, 21), [0.4, 1.7, 5.0, 8.0, 10.0, 20.0]))
    step = 1e-3

    def derivative(f, order=1):  # fourth order
        f = {k: f(k * step) for k in (-2, -1, 0, 1, 2)}
        if order == 1:
            return (f[-2] - 8 * f[-1] + 8 * f[1] - f[2]) / (12 * step)
        return (-f[-2] + 16 * f[-1] - 30 * f[0] + 16 * f[1] - f[2]) / (12 * step**2)

    S, _ = logistic_normal(a, b)
    np.testing.assert_allclose(derivative(lambda e: logistic_normal(a + e, b)[1]), S, atol=3e-11)
    for which in (0, 1):
        in_b = derivative(lambda e, which=which: logistic_normal(a, b + e)[which])
        np.testing.assert_allclose(
            in_b, b * derivative(lambda e, which=which: logistic_normal(a + e, b)[which], 2), atol=1e-6
        )


@pytest.mark.parametrize("log_odds", [5.0, 50.0, 800.0])
@pytest.mark.parametrize("distance", [1e-3, 1.0, 6.0, 12.0])
def test_responsibilities_obey_detailed_balance(log_odds, distance):
    """w_1 R_12 = w_2 R_21; component 2 is the lighter one, and R_12 is tiny but has all its digits."""
    half = distance**2 / 2
    R_12, R_21 = (float(logistic_normal(sign * log_odds - half, distance)[0]) for sign in (-1, 1))
    exact = quadrature(log_odds - half, distance, size=R_21)[0]
    assert relative(R_21, exact) < 1e-12
    balanced = exact * mp.exp(-log_odds)
    if balanced > 1e-300:
        assert relative(R_12, balanced) < 1e-11
    else:
        assert R_12 <= 1e-300


def test_extreme_input_has_the_right_limits_without_warnings():
    a = np.array([1e6, -1e6, 1e6, -1e6, 0.0, 1e308, -1e308, 0.0, 700.0, -1e300])
    b = np.array([1e4, 1e4, 0.0, 1e-8, 1e300, 1.0, 1e150, 1e4, 5e-324, 1e-300])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        S, L = logistic_normal(a, b)
    np.testing.assert_allclose(S, [1, 0, 1, 0, 0.5, 1, 0, 0.5, 1, 0], atol=1e-12)
    root = 1 / np.sqrt(2 * np.pi)
    np.testing.assert_allclose(L, [1e6, 0, 1e6, 0, root * 1e300, 1e308, 0, root * 1e4, 700, 0], rtol=1e-7)


def test_not_finite_gives_nan_only_where_it_is():
    S, L = logistic_normal([np.nan, 0.0, np.inf, 1.0], [1.0, np.inf, 1.0, 0.0])
    assert np.isnan(S[:3]).all()
    assert np.isnan(L[:3]).all()
    assert S[3] == pytest.approx(expit(1.0), rel=1e-15)


def test_broadcasts_ignores_the_sign_of_b_and_does_not_depend_on_neighbours():
    a, b = np.linspace(-30, 30, 101)[:, None], np.linspace(-14, 14, 57)
    S, L = logistic_normal(a, b)
    assert S.shape == L.shape == (101, 57)
    np.testing.assert_array_equal(S, S[:, ::-1])
    alone = np.array([[float(logistic_normal(a[i, 0], b[j])[0]) for j in (0, 13, 40)] for i in (0, 50, 77)])
    np.testing.assert_array_equal(S[np.ix_([0, 50, 77], [0, 13, 40])], alone)
    assert logistic_normal(np.empty(0), 1.0)[0].shape == (0,)
    assert logistic_normal(0.0, 1.0)[0].shape == ()
