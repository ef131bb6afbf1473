"""Theory of the aligned state and of small starts, against the flow, quadrature and simulated probabilities."""

import mpmath as mp
import numpy as np
import pytest
from scipy.integrate import quad, solve_ivp
from scipy.special import expit
from scipy.stats import norm

from vicollapse.mixture import theory

Z = np.linspace(-9, 9, 1441)
WEIGHT = norm.pdf(Z) * (Z[1] - Z[0])


def flow(start, separation, t_end, beta=1.0):
    """Coordinates (x_1, y_1, x_2, y_2) of both means, along and across mu, at t_end; equal fixed weights."""

    def rhs(_, u):
        u_1, u_2 = u[:2], u[2:]
        D = np.linalg.norm(u_1 - u_2)
        R = WEIGHT @ expit(-D * D / 2 + D * Z)
        pulls = [separation * (WEIGHT @ np.tanh(separation * (x + Z))) * np.array([1, 0]) for x in (u[0], u[2])]
        return np.concatenate(
            [
                -(R * (other - own) + beta * (own - pull)) / 2
                for own, other, pull in ((u_1, u_2, pulls[0]), (u_2, u_1, pulls[1]))
            ]
        )

    return solve_ivp(rhs, (0, t_end), start, method="LSODA", rtol=1e-8, atol=1e-11).y[:, -1]


@pytest.mark.parametrize(
    ("beta", "value"), [(1.0, 2.26), (0.9, 2.32), (0.8, 2.40), (0.6, 2.59), (0.4, 2.83), (0.2, 3.23)]
)
def test_critical_separation_against_simulated_values(beta, value):
    assert theory.critical_separation(beta) == pytest.approx(value, abs=0.01)


@pytest.mark.parametrize("beta", [1.0, 0.6, 0.2])
def test_the_flow_keeps_an_aligned_pair_above_the_critical_separation_only(beta):
    critical = theory.critical_separation(beta)
    outer, inner = np.multiply(theory.aligned_means(critical + 0.02, beta), critical + 0.02)
    start = [outer, 0.01, inner, -0.01]
    above = flow(start, critical + 0.02, 400, beta)
    np.testing.assert_allclose(above, [outer, 0, inner, 0], atol=2e-3)
    below = flow(start, critical - 0.02, 2000, beta)
    assert below[0] * below[2] < 0


def test_the_fold_is_where_the_aligned_state_ends():
    for beta in (1.0, 0.5):
        critical = theory.critical_separation(beta)
        assert np.isnan(theory.aligned_means(critical - 1e-7, beta)).all()
        assert np.isfinite(theory.aligned_means(critical + 1e-7, beta)).all()
    assert np.isnan(theory.aligned_means(0.3)).all()


def test_aligned_means_at_separation_3():
    np.testing.assert_allclose(theory.aligned_means(3.0), [1.0636, 0.9262], atol=5e-5)


def test_aligned_means_at_separation_5_are_reached_slowly():
    """The pair closes as 2 / sqrt(t): at t = 4000 a simulation still reads 1.0032 and 0.9968, the limit is nearer."""
    late = flow([5.3, 0, 4.5, 0], 5.0, 4000)[::2] / 5
    np.testing.assert_allclose(late, [1.0032, 0.9968], atol=5e-5)
    limit = flow([5.3, 0, 4.5, 0], 5.0, 3e6)[::2] / 5
    np.testing.assert_allclose(theory.aligned_means(5.0), limit, atol=1e-6)


@pytest.mark.parametrize(("separation", "beta"), [(2.5, 1.0), (6.0, 1.0), (4.0, 0.5), (9.0, 1.0)])
def test_aligned_means_are_stationary(separation, beta):
    """Both equations to 40 digits; the difference of the means is 1e-8 at separation 9, and still has its digits."""
    outer, inner = (mp.mpf(m) * separation for m in theory.aligned_means(separation, beta))
    with mp.workdps(40):
        gap, pieces = outer - inner, [mp.mpf(z) / 2 for z in range(-36, 37)]

        def mean(f):
            return mp.quad(lambda z: mp.npdf(z) * f(z), pieces)

        R = mean(lambda z: 1 / (1 + mp.exp(gap**2 / 2 - gap * z)))
        T_1, T_2 = (mean(lambda z, x=x: mp.tanh(separation * (x + z))) for x in (outer, inner))
        assert abs(outer + inner - separation * (T_1 + T_2)) < 1e-13 * separation
        repelled, pulled = gap * (1 - 2 * R / beta), separation * (T_1 - T_2)
        assert abs(repelled / pulled - 1) < (1e-4 if separation > 5 else 1e-9)


@pytest.mark.parametrize("beta", [0.999, 0.5, 0.1, 1e-3, 1e-12])
def test_repulsion_distance_solves_its_equation(beta):
    D = theory.repulsion_distance(beta)
    R = mp.quad(lambda z: mp.npdf(z) / (1 + mp.exp(D * D / 2 - D * z)) / beta, mp.linspace(-20, 30, 101)) * beta
    assert float(R / (beta / 2)) == pytest.approx(1, abs=1e-12)


def test_repulsion_distance_limits():
    assert theory.repulsion_distance(1.0) == 0
    assert theory.repulsion_distance(1 - 1e-6) == pytest.approx(2e-3, rel=1e-3)  # R = (1 - D^2/4)/2
    assert theory.repulsion_distance(1e-30) == pytest.approx(np.sqrt(8 * 30 * np.log(10)), rel=0.03)


@pytest.mark.parametrize("separation", [0.05, 0.9, 1.461, 4.0, 30.0])
def test_midpoint_gain_against_quadrature(separation):
    wide = min(12 * separation, 40)
    integral = quad(lambda y: norm.pdf(y / separation) / np.cosh(y) ** 2, -wide, wide, epsabs=1e-14, limit=200)[0]
    assert theory.midpoint_gain(separation) == pytest.approx(separation * integral, rel=1e-12)


def test_midpoint_gain_limits():
    np.testing.assert_allclose(theory.midpoint_gain([0.0, 1e-3]), [0, 1e-6], rtol=1e-5)
    assert theory.midpoint_gain(1e4) == pytest.approx(np.sqrt(2 / np.pi) * 1e4, rel=1e-7)
    assert theory.midpoint_separation() == pytest.approx(1.461, abs=5e-4)


def test_small_scale_probability_against_simulation():
    """d = 1, init_scale = .01 (6000 draws each): simulated .010, .065, .158, .295, with standard error <= .0065."""
    found = theory.small_scale_collapse_probability([2.0, 2.25, 3.0, 4.0, 6.0, 10.0], 0.01)
    np.testing.assert_array_equal(found[:2], 0)
    np.testing.assert_allclose(found[2:], [0.010, 0.065, 0.158, 0.295], atol=0.02)
    assert theory.small_scale_collapse_probability(2.0, [[0.1], [0.2]]).shape == (2, 1)


@pytest.mark.parametrize("beta", [0.0, -0.1, 1.1, np.nan])
def test_beta_outside_its_range_is_refused(beta):
    for f in (theory.repulsion_distance, theory.critical_separation):
        with pytest.raises(ValueError, match="beta must be in"):
            f(beta)
