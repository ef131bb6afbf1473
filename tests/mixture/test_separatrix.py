"""Probabilities from arcs between separatrices: exact where they are known, and honest where arcs are too narrow."""

import numpy as np
import pytest

from vicollapse.mixture.initial import isotropic
from vicollapse.mixture.initial_quantiles import across_from_uniform, radius_from_uniform
from vicollapse.mixture.separatrix import shares_of_fates


def angle_from_diagonal(U):
    """Angle of (x_1, x_2) from x_1 = x_2, in [0, pi)."""
    return (np.arctan2(U[:, 1, 0], U[:, 0, 0]) - np.pi / 4) % np.pi


def cone(width):
    """Fate 1 within an angle of `width(U)` around the line x_1 = x_2, else 0: what fixed equal weights do."""

    def classify(U):
        angle = angle_from_diagonal(U)
        return (np.minimum(angle, np.pi - angle) < width(U)).astype(int)

    return classify


def probability(classify, fates=2, **options):
    given = {"dimension": 10, "init_scale": 1.0, "balanced": True, "monotone": True} | options
    return shares_of_fates(classify, fates, **given)


@pytest.mark.parametrize("width", [0.01, 0.3, 1.5])
def test_a_constant_cone(width):
    found = probability(cone(lambda U: width), tolerance=1e-3)
    assert found.probability[1] == pytest.approx(2 * width / np.pi, abs=1.1 / 8 / 2**6)  # a cell after the bisections
    assert found.probability.sum() == pytest.approx(1)


@pytest.mark.parametrize("dimension", [1, 2, 3, 30])
def test_a_cone_that_depends_on_everything_agrees_with_sampling(dimension):
    def width(U):
        size, inner = (U**2).sum(axis=(1, 2)), (U[:, 0, 1:] * U[:, 1, 1:]).sum(axis=-1)
        return np.arctan(0.4 + size / 20 + 0.2 * np.cos(inner))

    classify = cone(width)
    found = probability(classify, dimension=dimension, tolerance=2e-3)
    n = 400_000
    sampled = classify(isotropic(np.random.default_rng(1), n, dimension=dimension, init_scale=1.0)).mean()
    assert found.error[1] < 2e-3
    assert found.probability[1] == pytest.approx(sampled, abs=2e-3 + 3 * np.sqrt(sampled / n))
    assert found.trajectories < 0.1 / 2e-3**2  # of that many, sampling would make the same error


def test_the_interval_covers_the_truth_as_often_as_it_says():
    def width(U):
        return np.minimum(0.2 + 0.4 * (U[:, 0, 0] ** 2 + U[:, 1, 0] ** 2), 1.5)

    truth = float(np.mean(2 / np.pi * np.minimum(0.2 + 0.8 * -np.log1p(-(np.arange(10**6) + 0.5) / 10**6), 1.5)))
    runs = [probability(cone(width), seed=seed, tolerance=0.02) for seed in range(60)]
    hits = sum(abs(run.probability[1] - truth) <= run.error[1] + 1e-3 for run in runs)
    assert hits >= 51  # of 60 at 95 %: P(fewer) is 0.3 %


def test_islands_between_the_angles_are_counted_without_bias():
    def classify(U):  # fate 1 in the cone, and fate 2 in an island narrower than a cell, away from every angle tried
        angle = angle_from_diagonal(U)
        return np.where((angle > 1.60) & (angle < 1.66), 2, cone(lambda U: 0.5)(U))

    found = probability(classify, fates=3, monotone=False, tolerance=2e-3)
    assert found.probability[2] == pytest.approx(0.06 / np.pi, abs=1.5 * found.error[2])
    assert found.error[2] < 5e-3
    blind = probability(classify, fates=3, monotone=True)
    assert blind.probability[2] == 0  # that is what the checks are for


def test_the_first_fate_is_as_accurate_where_three_meet_within_a_cell():
    def classify(U):  # fate 2 between the cone and the rest: 0.1 wide, the cells are pi / 8
        return np.where(cone(lambda U: 0.2)(U) == 1, 1, 2 * cone(lambda U: 0.3)(U))

    found = probability(classify, fates=3, monotone=False, tolerance=0.0, most_rings=8)
    assert found.probability[0] == pytest.approx(1 - 0.6 / np.pi, abs=found.error[0])
    assert found.standard_error[0] < 0.5 * found.standard_error[2]
    assert found.probability[2] == pytest.approx(0.2 / np.pi, abs=3 * found.error[2])


def test_arcs_have_no_bias_where_all_rings_are_alike():
    runs = [probability(cone(lambda U: 0.3), tolerance=0.0, most_rings=4, seed=seed) for seed in range(200)]
    estimates = np.array([run.probability[1] for run in runs])
    assert estimates.mean() == pytest.approx(0.6 / np.pi, abs=4 * estimates.std() / np.sqrt(200))
    assert estimates.std() < 1e-3
    assert {run.each.shape for run in runs} == {(8, 2)}
    assert {run.trajectories for run in runs} == {8 * 4 * (8 + 2 * 6)}


@pytest.mark.parametrize("risk", [0.05, 0.025])
def test_one_sided_bounds_err_as_seldom_as_they_say(risk):
    def width(U):  # the wider the nearer the means are across mu, up to a limit, as in the flow
        return 0.3 / (1 + 3 * ((U[:, 0, 1:] - U[:, 1, 1:]) ** 2).sum(axis=-1))

    runs = [probability(cone(width), dimension=2, seed=seed, tolerance=0.0, most_rings=8) for seed in range(400)]
    truth = np.mean([run.probability[1] for run in runs])  # each is unbiased
    wrong = sum(run.probability[1] + run.half_width(risk)[1] < truth for run in runs)
    assert 0 < wrong <= risk * 400 + 2.6 * np.sqrt(risk * 400)


def test_what_was_never_seen_is_not_excluded():
    found = probability(lambda U: np.zeros(len(U), int), monotone=False, tolerance=0.1)
    assert found.probability.tolist() == [1, 0]
    assert found.error[1] == pytest.approx(2.365 * np.sqrt(2.5) / (24 * 8 * 8), rel=1e-3)


def test_an_unbalanced_target_takes_the_whole_circle():
    def classify(U):
        return (U[:, 0, 0] + U[:, 1, 0] > 0).astype(int)

    assert probability(classify, balanced=False).probability[1] == pytest.approx(0.5, abs=2e-3)
    quarter = probability(lambda U: ((U[:, 0, 0] > 0) & (U[:, 1, 0] > 0)).astype(int), balanced=False)
    assert quarter.probability[1] == pytest.approx(0.25, abs=2e-3)


def test_the_same_seed_gives_the_same_numbers():
    def runs(seed):
        return probability(cone(lambda U: 0.1 + 0.3 * U[:, 0, 1] ** 2), seed=seed, monotone=False).probability

    assert np.array_equal(runs(1), runs(1))
    assert not np.array_equal(runs(1), runs(2))


@pytest.mark.parametrize("dimension", [1, 2, 3, 50])
def test_quantiles_have_the_moments_of_the_initial_law(dimension):
    rng, n = np.random.default_rng(0), 200_000
    u = rng.random((n, 4))
    across, drawn = (
        across_from_uniform(u[:, 1:], dimension, 0.7),
        isotropic(rng, n, dimension=dimension, init_scale=0.7),
    )
    for pair in ((0, 0), (0, 1), (1, 1)):
        ours, theirs = ((A[:, pair[0]] * A[:, pair[1]]).sum(axis=-1) for A in (across, drawn[:, :, 1:]))
        for power in (1, 2):
            a, b = ours**power, theirs**power
            assert a.mean() == pytest.approx(b.mean(), abs=5 * np.hypot(a.std(), b.std()) / np.sqrt(n) + 1e-12)
    assert (radius_from_uniform(u[:, 0], 0.7) ** 2).mean() == pytest.approx(2 * 0.49, rel=0.01)
