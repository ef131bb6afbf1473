"""The target's weights, density, responsibilities and peaks."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from vicollapse.mixture import target


def test_imbalance_and_weights_are_inverse_and_precise():
    h = np.array([-20.0, -1.0, 0.0, 0.3, 20.0])
    weights = target.mode_weights(h)
    np.testing.assert_allclose(weights.sum(axis=-1), 1, rtol=1e-15)
    np.testing.assert_allclose(0.5 * np.log(weights[:, 0] / weights[:, 1]), h, rtol=1e-14)
    np.testing.assert_allclose(target.imbalance_of(weights), h, rtol=1e-14)
    np.testing.assert_allclose(target.mode_weights(0.5 * np.log(3)), [0.75, 0.25], rtol=1e-15)


def test_a_weight_of_zero_is_refused():
    with pytest.raises(ValueError, match="must be positive"):
        target.imbalance_of([1.0, 0.0])


def test_separation_is_half_the_smallest_distance():
    assert target.separation_of([[3.0, 0, 0], [-3.0, 0, 0]]) == 3.0
    assert target.separation_of([[0.0, 0], [0, 8], [6, 0], [6, 10]]) == 3.0
    with pytest.raises(ValueError, match="at least two"):
        target.separation_of([[1.0, 2.0]])


@pytest.mark.parametrize("d", [1, 3])
def test_density_and_responsibilities_against_scipy(d):
    rng = np.random.default_rng(d)
    means, weights, x = rng.normal(0, 2, (3, d)), np.array([0.2, 0.5, 0.3]), rng.normal(0, 3, (4, 5, d))
    terms = [w * multivariate_normal(m, np.eye(d)).pdf(x) for w, m in zip(weights, means, strict=True)]
    np.testing.assert_allclose(target.log_density(x, means, weights), np.log(sum(terms)), rtol=1e-12)
    expected = np.stack(terms, axis=-1) / sum(terms)[..., None]
    np.testing.assert_allclose(target.responsibilities(x, means, weights), expected, rtol=1e-11)


def test_far_out_and_absent_components_stay_finite():
    means = np.array([[3.0, 0.0], [-3.0, 0.0]])
    x = np.array([1e3, 0.0])
    assert target.log_density(x, means, [0.5, 0.5]) == pytest.approx(-0.5 * 997**2 - np.log(4 * np.pi), rel=1e-14)
    np.testing.assert_array_equal(target.responsibilities(x, means, [0.5, 0.5]), [1.0, 0.0])
    np.testing.assert_array_equal(target.responsibilities([-9.0, 0.0], means, [1.0, 0.0]), [1.0, 0.0])


def peaks(separation, imbalance):
    x = np.linspace(-separation - 4, separation + 4, 200_001)[:, None]
    density = target.log_density(x, [[separation], [-separation]], target.mode_weights(imbalance))
    return int(((density[1:-1] > density[:-2]) & (density[1:-1] > density[2:])).sum())


@pytest.mark.parametrize("separation", [0.5, 0.97, 1.03, 1.5, 3.0])
def test_single_peak_criterion_balanced(separation):
    assert bool(target.is_single_peaked(separation)) == (peaks(separation, 0.0) == 1)
    assert bool(target.is_single_peaked(separation)) == (separation <= 1)


@pytest.mark.parametrize("separation", [0.9, 1.2, 2.0, 3.0])
@pytest.mark.parametrize("factor", [-1.02, -0.98, 0.98, 1.02])
def test_single_peak_criterion_with_imbalance(separation, factor):
    wide = max(separation, 1.0)
    h = factor * (wide * np.sqrt(wide**2 - 1) - np.arccosh(wide))
    assert bool(target.is_single_peaked(separation, h)) == (peaks(separation, h) == 1)
    assert bool(target.is_single_peaked(separation, h)) == (separation <= 1 or abs(factor) > 1)


def test_the_boundary_itself_is_single_peaked():
    np.testing.assert_array_equal(target.is_single_peaked([1.0, np.nextafter(1.0, 2)]), [True, False])
