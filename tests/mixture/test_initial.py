"""Initial laws against brute-force sampling of the vectors in R^d, and conversions of coordinates."""

import numpy as np
import pytest
from scipy.stats import ks_2samp, kstest

from vicollapse.errors import ConfigError
from vicollapse.mixture import initial

MU, SCALE, OVERLAPS = 1.7, 0.6, (0.4, -1.1)


def draw(name, d, n, seed):
    options = {"overlaps": OVERLAPS} if name == "at_overlap" else {}
    rng = np.random.default_rng(seed)
    return initial.get(name)(rng, n, dimension=d, separation=MU, init_scale=SCALE, **options)


def brute_force(name, d, n, seed):
    """The vectors themselves, (n, 2, d), with mu in a direction that is no axis."""
    rng = np.random.default_rng(seed)
    mu = MU * np.ones(d) / np.sqrt(d)
    u = SCALE * rng.standard_normal((n, 2, d))
    if name == "fixed_norm":
        u /= np.sqrt(d)
    elif name == "at_overlap":
        u += (np.array(OVERLAPS) - (u @ mu) / MU**2)[..., None] * mu
    elif name == "same_mode":
        u += mu
    elif name == "at_modes":
        u += np.array([[1.0], [-1.0]]) * mu
    return u, mu


def statistics(m, s_11, s_12, s_22):
    return {
        "m_1": m[:, 0],
        "m_2": m[:, 1],
        "s_11": s_11,
        "s_12": s_12,
        "s_22": s_22,
        "D2": s_11 + s_22 - 2 * s_12,
        "determinant": (s_11 - m[:, 0] ** 2) * (s_22 - m[:, 1] ** 2) - (s_12 - m[:, 0] * m[:, 1]) ** 2,
        "mixed": m[:, 0] * s_12 - m[:, 1] * s_22,
    }


@pytest.mark.parametrize("d", [1, 2, 3, 5])
@pytest.mark.parametrize("name", initial.names())
def test_law_against_brute_force(name, d):
    u, mu = brute_force(name, d, 6000, seed=1)
    expected = statistics(u @ mu, *((u[:, k] * u[:, j]).sum(-1) for k, j in ((0, 0), (0, 1), (1, 1))))
    y = initial.statistics_from_coordinates(draw(name, d, 6000, seed=2), MU)
    found = statistics(y[:, :2], *y[:, 2:].T)
    for key in expected:
        if np.ptp(expected[key]) < 1e-12:  # a constant, by the law
            np.testing.assert_allclose(found[key], expected[key].mean(), atol=1e-12, err_msg=key)
        else:
            assert ks_2samp(found[key], expected[key]).pvalue > 1e-3, key


@pytest.mark.parametrize("name", initial.names())
def test_no_directions_that_do_not_exist(name):
    assert not draw(name, 1, 50, seed=3)[:, :, 1:].any()
    assert not draw(name, 2, 50, seed=3)[:, :, 2].any()
    assert draw(name, 3, 50, seed=3)[:, :, 2].any()


def test_a_billion_dimensions():
    """Squares are chi-square with d - 1 = 1e9 degrees: Gaussian to 1e-4; products are Gaussian and independent."""
    d, n = 10**9, 6000
    y = initial.statistics_from_coordinates(draw("isotropic", d, n, seed=4), MU)
    m, s = y[:, :2] / (MU * SCALE), y[:, 2:] / SCALE**2
    standard = np.column_stack([m, (s[:, [0, 2]] - d) / np.sqrt(2 * d), s[:, 1] / np.sqrt(d)])
    for column in standard.T:
        assert kstest(column, "norm").pvalue > 1e-3
    assert np.abs(np.corrcoef(standard.T) - np.eye(5)).max() < 4 / np.sqrt(n)


def test_fixed_norm_does_not_grow_with_the_dimension():
    y = initial.statistics_from_coordinates(draw("fixed_norm", 10**8, 100, seed=5), MU)
    np.testing.assert_allclose(y[:, [2, 4]], SCALE**2, rtol=1e-3)


@pytest.mark.parametrize("name", initial.names())
def test_same_generator_same_draw(name):
    np.testing.assert_array_equal(draw(name, 7, 256, seed=6), draw(name, 7, 256, seed=6))
    assert (draw(name, 7, 256, seed=6)[:, 0, 1] != draw(name, 7, 256, seed=7)[:, 0, 1]).all()


def test_same_mode_can_be_the_negative_one():
    U = initial.same_mode(np.random.default_rng(0), 9, dimension=4, separation=5.0, init_scale=1e-3, mode=1)
    np.testing.assert_allclose(U[:, :, 0], -5, atol=0.01)


def test_errors_say_what_to_do():
    with pytest.raises(ConfigError, match="did you mean 'isotropic'"):
        initial.get("isotropc")
    with pytest.raises(ConfigError, match="needs overlaps"):
        initial.at_overlap(np.random.default_rng(0), 3, dimension=2, separation=1.0, init_scale=1.0)


@pytest.mark.parametrize("d", [1, 2, 3, 40])
def test_given_means(d):
    rng = np.random.default_rng(d)
    means, modes = rng.normal(size=(20, 2, d)), rng.normal(size=(2, d))
    mu, centred = (modes[0] - modes[1]) / 2, means - modes.mean(axis=0)
    U = initial.from_means(means, modes)
    np.testing.assert_allclose(U @ U.swapaxes(1, 2), centred @ centred.swapaxes(1, 2), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(U[:, :, 0] * np.linalg.norm(mu), centred @ mu, rtol=1e-11, atol=1e-12)


def test_given_means_that_nearly_coincide_keep_their_difference():
    means = np.full((1, 2, 50), 3.0)
    means[0, 1, 7] += 2e-9
    U = initial.from_means(means, np.eye(50)[:2])
    assert np.linalg.norm(U[0, 0] - U[0, 1]) == pytest.approx(means[0, 1, 7] - 3, rel=1e-5)


def test_given_means_refusals():
    with pytest.raises(ValueError, match="must be"):
        initial.from_means(np.zeros((4, 3, 2)), np.zeros((2, 2)))
    with pytest.raises(ValueError, match="equal"):
        initial.from_means(np.zeros((4, 2, 2)), np.ones((2, 2)))


@pytest.mark.parametrize("d", [1, 2, 3, 1000])
def test_statistics_round_trip(d):
    y = initial.statistics_from_coordinates(draw("at_modes", d, 500, seed=8), MU)
    y6 = np.column_stack([y, np.zeros(len(y))])
    for given in (y, y6):
        back = initial.statistics_from_coordinates(initial.coordinates_from_statistics(given, MU), MU)
        np.testing.assert_allclose(back, y, rtol=1e-13, atol=1e-13 * np.abs(y).max())


@pytest.mark.parametrize(
    ("y", "coordinates"),
    [
        ((0, 0, 0, 0, 0), np.zeros((2, 3))),
        ((4, -4, 4, -4, 4), [[2, 0, 0], [-2, 0, 0]]),
        ((0, 0, 9, 9, 9), [[0, 3, 0], [0, 3, 0]]),  # equal means stay exactly equal
        ((0, 0, 9, -9, 9), [[0, 3, 0], [0, -3, 0]]),
        ((2, 0, 1 + 16, 0, 4), None),
    ],
)
def test_special_statistics(y, coordinates):
    U = initial.coordinates_from_statistics([y], 2.0)[0]
    if coordinates is not None:
        np.testing.assert_array_equal(np.abs(U), np.abs(coordinates))
        np.testing.assert_array_equal(U @ U.T, np.array(coordinates) @ np.array(coordinates).T)
    np.testing.assert_allclose(initial.statistics_from_coordinates(U[None], 2.0)[0], y, rtol=1e-14, atol=1e-14)


def test_separation_may_differ_by_row():
    U = initial.coordinates_from_statistics([[2, 0, 4, 0, 1], [2, 0, 4, 0, 1]], [1.0, 2.0])
    np.testing.assert_allclose(U[:, 0, 0], [2, 1])


GOOD = (0.3, -0.2, 1.0, 0.1, 2.0, 0.0)
BAD = {
    "not finite": [(np.nan, 0, 1, 0, 1, 0), (0, 0, np.inf, 0, 1, 0), (0, 0, 1, 0, 1, np.nan)],
    "u_1 is shorter": [(2.1, 0, 1, 0, 1, 0), (0, 0, -1e-6, 0, 1, 0), (2 * (1 + 1e-8), 0, 1, 0, 1, 0)],
    "u_2 is shorter": [(0, -2.1, 1, 0, 1, 0), (0, 2e-8, 1e12, 0, 0, 0)],
    "s_12 is too large": [(0, 0, 1, 1 + 1e-8, 1, 0), (0, 0, 1, -2, 1, 0), (2, 2, 1, -1, 1, 0), (0, 0, 1, 0.1, 0, 0)],
}


@pytest.mark.parametrize(("why", "row"), [(why, row) for why, rows in BAD.items() for row in rows])
def test_what_is_no_gram_matrix_is_refused(why, row):
    with pytest.raises(ValueError, match=rf"y\[2\].*{why}"):
        initial.coordinates_from_statistics([GOOD, GOOD, row, GOOD], 2.0)


def test_a_separation_of_zero_and_a_wrong_shape_are_refused():
    with pytest.raises(ValueError, match=r"\|mu\| is not positive"):
        initial.coordinates_from_statistics([GOOD], 0.0)
    with pytest.raises(ValueError, match="must have shape"):
        initial.coordinates_from_statistics(np.zeros((3, 7)), 1.0)


def test_rounding_of_a_true_gram_matrix_is_accepted():
    rng = np.random.default_rng(9)
    along = rng.normal(0, 100, (5000, 2))  # d = 1: the part across is all rounding
    y = np.column_stack([along * 0.1, along[:, 0] ** 2, along[:, 0] * along[:, 1], along[:, 1] ** 2, np.zeros(5000)])
    U = initial.coordinates_from_statistics(y * (1 + 1e-15 * rng.normal(size=y.shape)), 0.1)
    np.testing.assert_allclose(U[:, :, 0], along, rtol=1e-13)
    assert (np.abs(U[:, :, 1:]) < 1e-5 * np.abs(along).max()).all()
