"""Collapse probabilities against an independent computation (another integrator, another random generator)."""

import numpy as np
import pytest

import vicollapse

DRAWS = {"fixed": 6000, "softmax": 3000}
FIXED = {  # (dimension, init_scale): P(collapsed) at |mu| = 2, 2.5, 3, 4, 6, 10; t_end = 150
    (1, 0.01): (0, 0.001, 0.010, 0.065, 0.158, 0.295),
    (1, 0.1): (0, 0.021, 0.071, 0.166, 0.277, 0.382),
    (1, 1.0): (0, 0.220, 0.307, 0.389, 0.426, 0.465),
    (10, 0.1): (0, 0.026, 0.072, 0.187, 0.294, 0.379),
    (10, 1.0): (0, 0.348, 0.417, 0.463, 0.488, 0.490),
    (100, 0.1): (0, 0.037, 0.110, 0.226, 0.335, 0.404),
    (100, 1.0): (0, 0.434, 0.471, 0.499, 0.500, 0.493),
}
SOFTMAX = {  # (dimension, init_scale): (aligned, vanished) at |mu| = 1.5, 3, 4, 6, 10; t_end = 1e4
    (2, 0.1): ((0, 0), (0, 0), (0.063, 0.014), (0.023, 0.270), (0, 0.896)),
    (2, 1.0): ((0, 0), (0, 0), (0.214, 0.029), (0.060, 0.400), (0.003, 0.887)),
    (100, 0.1): ((0, 0), (0, 0), (0.084, 0.016), (0.031, 0.326), (0.001, 0.906)),
    (100, 1.0): ((0, 0), (0, 0.916), (0.002, 0.946), (0.002, 0.976), (0, 0.998)),
}
ANNEALED = {  # (init_scale, separation): P(collapsed) for fixed, softmax, P(aligned) for softmax; none, beta0 = .1, .01
    (0.1, 6): ((0.332, 0.115, 0.092), (0.349, 0.099, 0.078), (0.026, 0.099, 0.078)),
    (0.1, 10): ((0.387, 0.183, 0.126), (0.904, 0.257, 0.137), (0, 0.107, 0.123)),
    (1.0, 6): ((0.507, 0.497, 0.478), (0.977, 0.665, 0.497), (0.001, 0.294, 0.497)),
    (1.0, 10): ((0.490, 0.502, 0.495), (0.996, 0.918, 0.588), (0.001, 0.069, 0.390)),
}  # dimension 100, linear ramps of duration 1000, t_end = 1e4
REPLICATES = 4096


def assert_equal_probabilities(estimate, known, draws, what, errors=4):
    """So many standard errors of the difference; of some 90 comparisons one is false with probability 0.005."""
    p = np.clip((estimate * REPLICATES + known * draws) / (REPLICATES + draws), 1 / draws, 1)
    error = np.sqrt(p * (1 - p) * (1 / REPLICATES + 1 / draws))
    assert abs(estimate - known) < errors * error + 0.0005, (what, estimate, known)


def probability(**parameters):
    return vicollapse.collapse_probability(replicates=REPLICATES, seed=20, **parameters)


@pytest.mark.parametrize(("dimension", "init_scale"), FIXED)
def test_fixed_weights(dimension, init_scale):
    for separation, known in zip((2, 2.5, 3, 4, 6, 10), FIXED[dimension, init_scale], strict=True):
        point = {"dimension": dimension, "init_scale": init_scale, "separation": separation}
        result = probability(weights="fixed", t_end=150.0, **point)
        assert_equal_probabilities(result.collapsed, known, DRAWS["fixed"], point)
        assert result.probability["vanished"] == result.probability["failed"] == 0


@pytest.mark.parametrize(("dimension", "init_scale"), SOFTMAX)
def test_softmax_weights(dimension, init_scale):
    for separation, known in zip((1.5, 3, 4, 6, 10), SOFTMAX[dimension, init_scale], strict=True):
        point = {"dimension": dimension, "init_scale": init_scale, "separation": separation}
        result = probability(weights="softmax", t_end=1e4, **point)
        for mechanism, value in zip(("aligned", "vanished"), known, strict=True):
            assert_equal_probabilities(result.probability[mechanism], value, DRAWS["softmax"], (point, mechanism))
        assert result.probability["failed"] == 0


@pytest.mark.parametrize(("init_scale", "separation"), ANNEALED)
@pytest.mark.parametrize("weights", ["fixed", "softmax"])
def test_annealing(weights, init_scale, separation):
    """Within three standard errors, the mechanism too: with annealing what is left of the collapse is alignment."""
    fixed, softmax, aligned = ANNEALED[init_scale, separation]
    known = (fixed, fixed) if weights == "fixed" else (softmax, aligned)
    point = {"dimension": 100, "init_scale": init_scale, "separation": separation, "weights": weights, "t_end": 1e4}
    for beta0, collapsed, by_alignment in zip((None, 0.1, 0.01), *known, strict=True):
        schedule = None if beta0 is None else {"schedule": "linear", "beta0": beta0, "duration": 1000.0}
        result = probability(**point, annealing=schedule)
        assert_equal_probabilities(result.collapsed, collapsed, 3000, (point, beta0), errors=3)
        assert_equal_probabilities(
            result.probability["aligned"], by_alignment, 3000, (point, beta0, "aligned"), errors=3
        )
        assert result.probability["failed"] == 0


def test_redundant_components_are_not_collapse():
    """d = 100, unit init scale, |mu| = 1.5: one Gaussian serves both modes (.93 of 3000 draws), none is lost."""
    result = probability(weights="softmax", t_end=1e4, dimension=100, init_scale=1.0, separation=1.5)
    assert result.collapsed == 0
    assert_equal_probabilities(result.redundant, 0.93, 3000, "redundant")


def test_below_the_critical_separation_nothing_collapses():
    result = probability(weights="fixed", t_end=1e3, dimension=100, init_scale=1.0, separation=2.2)
    assert result.collapsed == 0


def test_fates_do_not_need_tight_tolerances():
    point = {"dimension": 10, "init_scale": 0.3, "separation": 5.0, "weights": "softmax", "t_end": 1e4}
    tight, loose = probability(**point), probability(**point, fates_only=True)
    assert abs(tight.collapsed - loose.collapsed) <= 3 / REPLICATES  # the same starts: only separatrices differ
