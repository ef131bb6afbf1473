"""The definition of collapse, case by case."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import expit
from scipy.stats import norm

from vicollapse.mixture.fates import ALIGNED, COVERED, FAILED, OUTCOMES, VANISHED, classify, mode_mass
from vicollapse.mixture.target import mode_weights

BALANCED = (0.5, 0.5)


def fate(mass, weights, pi=BALANCED, failed=False, **thresholds):
    fates = classify([mass], [weights], pi, [failed], **thresholds)
    return OUTCOMES[fates.outcome[0]], bool(fates.redundant[0])


def test_the_codes_are_the_stored_ones():
    assert OUTCOMES == ("covered", "aligned", "vanished", "failed")
    assert (COVERED, ALIGNED, VANISHED, FAILED) == (0, 1, 2, 3)


@pytest.mark.parametrize(
    ("mass", "weights", "pi", "expected"),
    [
        ((0.5, 0.5), (0.5, 0.5), BALANCED, ("covered", False)),
        ((1.0, 0.0), (0.5, 0.5), BALANCED, ("aligned", False)),
        ((1.0, 0.0), (1.0, 0.0), BALANCED, ("vanished", False)),
        ((0.5, 0.5), (1.0, 0.0), BALANCED, ("covered", True)),  # one Gaussian serves both modes
        ((0.06, 0.94), (0.1, 0.9), BALANCED, ("covered", False)),
        ((0.04, 0.96), (0.1, 0.9), BALANCED, ("aligned", False)),
        ((0.04, 0.96), (0.004, 0.996), BALANCED, ("vanished", False)),
        ((0.04, 0.96), (0.006, 0.994), BALANCED, ("aligned", False)),
        # the target's own weights count: .01 is a full share of a mode of weight .01 ...
        ((0.99, 0.01), (0.99, 0.01), (0.99, 0.01), ("covered", False)),
        ((0.99, 0.01), (0.9999, 0.0001), (0.99, 0.01), ("covered", False)),
        ((0.99, 0.01), (0.99995, 0.00005), (0.99, 0.01), ("covered", True)),
        ((0.9995, 0.0005), (0.9995, 0.0005), (0.99, 0.01), ("aligned", False)),
        ((0.99995, 0.00005), (0.99995, 0.00005), (0.99, 0.01), ("vanished", False)),
        # ... and the heavy mode can be lost as well
        ((0.05, 0.95), (0.5, 0.5), (0.99, 0.01), ("aligned", False)),
    ],
)
def test_cases_and_label_symmetry(mass, weights, pi, expected):
    for m, p in ((mass, pi), (mass[::-1], pi[::-1])):
        for w in (weights, weights[::-1]):
            assert fate(m, w, p) == expected


def test_thresholds_are_strict():
    at, below = 0.125 * 0.5, np.nextafter(0.125 * 0.5, 0)
    limits = {"mass_threshold": 0.125, "weight_threshold": 0.125}
    assert fate((at, 1 - at), (0.5, 0.5), **limits) == ("covered", False)
    assert fate((below, 1 - below), (0.5, 0.5), **limits) == ("aligned", False)
    assert fate((0.0, 1.0), (at, 1 - at), **limits) == ("aligned", False)
    assert fate((0.0, 1.0), (below, 1 - below), **limits) == ("vanished", False)


def test_thresholds_are_parameters():
    assert fate((0.2, 0.8), (0.5, 0.5), mass_threshold=0.5) == ("aligned", False)
    assert fate((0.2, 0.8), (0.2, 0.8), mass_threshold=0.5, weight_threshold=0.5) == ("vanished", False)


def test_failed_comes_first_and_leaves_nothing_behind():
    for mass, weights in (((0.5, 0.5), (0.5, 0.5)), ((1.0, 0.0), (1.0, 0.0)), ((0.5, 0.5), (1.0, 0.0))):
        assert fate(mass, weights, failed=True) == ("failed", False)
    fates = classify([[0.5, 0.5], [1.0, 0.0]], [[0.5, 0.5]] * 2, BALANCED, [True, False])
    assert np.isnan([fates.mass_ratio[0], fates.weight_ratio[0]]).all()
    np.testing.assert_array_equal([fates.mass_ratio[1], fates.weight_ratio[1]], [0.0, 1.0])


def test_nan_is_never_called_covered():
    nan = np.nan
    assert fate((nan, 0.5), (0.5, 0.5)) == ("failed", False)
    assert fate((0.5, 0.5), (0.5, nan)) == ("failed", False)


def test_vectorised_with_one_target_per_trajectory():
    h = np.array([0.0, 1.0, -1.0, 2.0])
    pi = mode_weights(h)
    mass = np.where([[False], [False], [True], [True]], [1.0, 0.0], pi)
    fates = classify(mass, pi, pi, False)
    np.testing.assert_array_equal(fates.outcome, [COVERED, COVERED, ALIGNED, ALIGNED])
    assert fates.outcome.dtype == np.uint8
    assert fates.redundant.dtype == bool
    np.testing.assert_allclose(fates.mass_ratio, [1, 1, 0, 0], rtol=1e-15)
    np.testing.assert_allclose(fates.weight_ratio, 1, rtol=1e-15)


@pytest.mark.parametrize(("separation", "imbalance"), [(0.7, 0.0), (2.0, 0.6), (6.0, -1.0)])
def test_mode_mass_against_quadrature_of_the_density(separation, imbalance):
    means, weights = np.array([1.3, -0.4]) * separation, np.array([0.3, 0.7])

    def integrand(x):
        q = weights @ norm.pdf(x, means)
        return q * expit(2 * (separation * x + imbalance))

    wide = separation * 1.3 + 12
    expected = quad(integrand, -wide, wide, limit=500, epsabs=1e-13, points=[-imbalance / separation, *means])[0]
    mass = mode_mass(separation * means, weights, separation, imbalance)
    np.testing.assert_allclose(mass, [expected, 1 - expected], atol=1e-11)


def test_mode_mass_at_the_optimum_is_the_mode_weight():
    h = np.array([-1.0, 0.0, 0.5])
    mass = mode_mass([[9.0, -9.0]] * 3, mode_weights(h), 3.0, h)
    np.testing.assert_allclose(mass, mode_weights(h), rtol=1e-12)
