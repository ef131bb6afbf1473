"""Linear rates against the derivatives of the closed equations, thresholds against the flow."""

import numpy as np
import pytest
from scipy.stats import norm

import vicollapse as vc
from vicollapse.ensemble.reference import _equations
from vicollapse.ensemble.solution import Problem
from vicollapse.mixture import annealing_rates, theory

EQUATIONS = _equations(Problem("vicollapse.mixture.equations:two_modes", ("fixed", "constant")))
MEAN, DIFF = slice(0, None, 2), slice(1, None, 2)  # mean_1, diff_1, mean_2, diff_2, mean_3, diff_3


def derivative(state, direction, separation, beta):
    """d(flow)/d(state) along a direction, by central differences of the closed equations."""
    step = 1e-5

    def rhs(y):
        return np.array(EQUATIONS.rhs(0.0, *y, separation, 0.0, beta, 0.0), float)

    direction = np.asarray(direction, float)
    return (rhs(state + step * direction) - rhs(state - step * direction)) / (2 * step)


def along(mean, diff):
    return np.array([mean, diff, 0, 0, 0, 0], float)


@pytest.mark.parametrize(("separation", "beta"), [(1.2, 1.0), (3.0, 0.4), (8.0, 0.05)])
@pytest.mark.parametrize("distance", [0.0, 1.0, 3.0])
def test_rates_at_the_origin(separation, beta, distance):
    state = np.zeros(6)
    state[3] = distance  # across mu
    rates = annealing_rates.origin_rates(separation, beta, distance)
    assert derivative(state, along(0, 1), separation, beta)[1] == pytest.approx(rates.along_difference, abs=1e-8)
    assert derivative(state, along(1, 0), separation, beta)[0] == pytest.approx(rates.along_sum, abs=1e-8)
    assert derivative(state, [0, 0, 0, 0, 0, 1], separation, beta)[5] == pytest.approx(
        rates.across_difference, abs=1e-8
    )
    assert derivative(state, [0, 0, 0, 0, 1, 0], separation, beta)[4] == pytest.approx(rates.across_sum, abs=1e-8)


@pytest.mark.parametrize(("separation", "beta"), [(2.27, 1.0), (3.0, 1.0), (3.0, 0.5), (4.0, 0.1), (6.0, 0.01)])
def test_rates_at_the_aligned_pair(separation, beta):
    outer, inner = np.multiply(theory.aligned_means(separation, beta), separation)
    state = along((outer + inner) / 2, outer - inner)
    rates = annealing_rates.aligned_rates(separation, beta)
    plane = np.column_stack([derivative(state, along(*axis), separation, beta)[:2] for axis in np.eye(2)])
    np.testing.assert_allclose(sorted(np.linalg.eigvals(plane).real), rates.along[::-1], atol=2e-7)
    across = [derivative(state, axis, separation, beta)[i] for i, axis in ((3, np.eye(6)[3]), (2, np.eye(6)[2]))]
    np.testing.assert_allclose(across, [rates.across_difference, rates.across_sum], atol=1e-8)
    assert rates.along[1] < rates.along[0] < 0
    assert rates.across_difference < 0


@pytest.mark.parametrize(("separation", "beta"), [(3.0, 0.5), (4.0, 0.1)])
def test_a_pair_split_across_mu_turns(separation, beta):
    state = np.array([separation, 0, 0, theory.repulsion_distance(beta), 0, 0])
    for _ in range(200):  # relax the centre
        state[0] += EQUATIONS.rhs(0.0, *state, separation, 0.0, beta, 0.0)[0] / (beta / 2)
    found = derivative(state, along(0, 1), separation, beta)[1]
    assert found > 0
    assert annealing_rates.aligned_rates(separation, beta).rotation == pytest.approx(found, rel=1e-5)


def test_no_aligned_pair_no_rates():
    rates = annealing_rates.aligned_rates(2.0, 1.0)
    assert np.isnan([*rates.along, rates.across_difference, rates.across_sum, rates.rotation]).all()


def test_at_the_fold_the_slower_rate_vanishes():
    critical = theory.critical_separation(0.5)
    near, far = (annealing_rates.aligned_rates(critical + more, 0.5).along[0] for more in (1e-6, 0.5))
    assert -2e-3 < near < 0
    assert far < 10 * near


@pytest.mark.parametrize("separation", [2.3, 3.0, 5.0])
def test_critical_beta_inverts_the_critical_separation(separation):
    beta = annealing_rates.critical_beta(separation)
    assert theory.critical_separation(beta) == pytest.approx(separation, abs=2e-4)


def test_critical_beta_outside_its_range():
    assert annealing_rates.critical_beta(2.2) == np.inf
    assert annealing_rates.critical_beta(8.0) == 0.0
    found = [annealing_rates.critical_beta(mu) for mu in (3.0, 4.0, 5.0, 6.0)]
    np.testing.assert_allclose(found, [0.30, 0.039, 0.0025, 0.00007], rtol=0.05)


@pytest.mark.parametrize(("factor", "collapsed"), [(0.9, 0.0), (1.1, 1.0)])
def test_below_the_critical_beta_an_aligned_pair_parts(factor, collapsed):
    """Pairs that start together at one mode, in one dimension; beta is kept constant."""
    beta = factor * annealing_rates.critical_beta(3.0)
    found = vc.collapse_probability(
        dimension=1,
        separation=3.0,
        init_scale=0.3,
        weights="fixed",
        t_end=2000,
        replicates=100,
        seed=3,
        initial_law="same_mode",
        annealing={"schedule": "constant", "beta0": beta},
        mass_threshold=0.5,
        threads=1,
    )
    assert found.collapsed == collapsed


@pytest.mark.parametrize(("start", "end", "beta"), [(0.1, 1.0, 0.0), (0.5, 5.0, 0.0), (0.2, 3.0, 0.1)])
def test_repulsion_time_against_the_flow(start, end, beta):
    time = annealing_rates.repulsion_time(start, end, beta)
    y = [0, 0, start**2 / 4, -(start**2) / 4, start**2 / 4, 0]  # both means across mu: nothing turns them
    if beta == 0:
        beta = 1e-12
    flow = vc.two_mode_flow(
        y, 2.0, time, weights="fixed", annealing={"schedule": "constant", "beta0": beta}, rtol=1e-9, threads=1
    )
    s_11, s_12, s_22 = flow.y[0, 2:5]
    assert np.sqrt(s_11 + s_22 - 2 * s_12) == pytest.approx(end, rel=1e-5)


def test_repulsion_time_limits():
    assert annealing_rates.repulsion_time(1e-6, 1e-3) == pytest.approx(2 * np.log(1000), rel=1e-5)
    assert annealing_rates.repulsion_time(0.1, 5.0, 0.5) == np.inf
    assert annealing_rates.repulsion_time(1.0, 6.0) > 4 * annealing_rates.repulsion_time(1.0, 4.0)


@pytest.mark.parametrize("separation", [1.0, 4.0, 9.0])
def test_energy_gap_against_quadrature(separation):
    z = np.arange(-12, 12, 0.005)
    weight = norm.pdf(z) * 0.005

    def energy(x):  # -E log p of N(x, 1), but for constants
        return -weight @ np.logaddexp(-((x + z - separation) ** 2) / 2, -((x + z + separation) ** 2) / 2)

    assert annealing_rates.energy_gap(separation) == pytest.approx(energy(0) - energy(separation), abs=1e-9)
    assert annealing_rates.energy_gap(0.0) == 0
    assert annealing_rates.energy_gap(20.0) == pytest.approx(200 - 20 * np.sqrt(2 / np.pi), abs=0.1)
