"""The sequential test errs as seldom as it says, whenever it is looked at, and its bounds agree with it."""

import numpy as np
import pytest
from scipy.integrate import quad

from vicollapse.recommend.sequential import (
    UNIFORM,
    BelowTest,
    affordable,
    bounds,
    law_at,
    log_evidence_above,
    log_evidence_below,
)

STREAMS, LENGTH = 4000, 6400
LOOKS = np.arange(64, LENGTH + 1, 64)


def paths(p: float) -> np.ndarray:
    """Successes of many streams at each look."""
    rng = np.random.Generator(np.random.Philox(int(1e4 * p)))
    return rng.binomial(64, p, (STREAMS, len(LOOKS))).cumsum(axis=1)


@pytest.mark.parametrize(("k", "n", "p"), [(3, 100, 0.05), (0, 50, 0.1), (40, 100, 0.3), (7, 7, 0.9)])
@pytest.mark.parametrize("law", [UNIFORM, (3.0, 50.0)])
def test_evidence_is_the_averaged_likelihood_ratio(k, n, p, law):
    a, b = law

    def weighted(q, k, n):
        return q ** (k + a - 1) * (1 - q) ** (n - k + b - 1)

    average = quad(weighted, 0, p, (k, n), epsabs=0)[0] / quad(weighted, 0, p, (0, 0), epsabs=0)[0]
    expected = np.log(average) - k * np.log(p) - (n - k) * np.log(1 - p)
    assert log_evidence_below(k, n, p, law) == pytest.approx(expected, rel=1e-8)
    assert log_evidence_above(n - k, n, 1 - p, law[::-1]) == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("target", [0.02, 0.05, 0.3])
@pytest.mark.parametrize("alpha", [0.05, 0.025])
@pytest.mark.parametrize("law", [None, UNIFORM])
def test_it_says_yes_wrongly_as_seldom_as_it_promises(target, alpha, law):
    law = law or law_at(0.85 * target, target)
    evidence = log_evidence_below(paths(target), LOOKS, target, law)
    wrong = (evidence >= np.log(1 / alpha)).any(axis=1).mean()
    assert wrong <= alpha + 2.6 * np.sqrt(alpha / STREAMS)
    assert wrong > alpha / 20, "so careful that it is useless"


def test_where_the_probability_is_higher_it_errs_less():
    rates = [
        (log_evidence_below(paths(p), LOOKS, 0.05, law_at(0.0425, 0.05)) >= np.log(20)).any(axis=1).mean()
        for p in (0.05, 0.055, 0.07)
    ]
    assert rates[0] > rates[1] >= rates[2]


@pytest.mark.parametrize(("target", "trials"), [(0.05, 4000), (0.2, 2000), (0.02, 3000)])
def test_it_finds_out_in_about_the_trials_that_it_was_promised(target, trials):
    aim = affordable(target, 0.05, trials)
    assert 0 < aim < target
    test = BelowTest(target, 0.05, law=law_at(aim, target))
    evidence = log_evidence_below(paths(aim), LOOKS, target, test.law)
    shown = evidence >= np.log(20)
    stopped = np.where(shown.any(axis=1), LOOKS[np.argmax(shown, axis=1)], LENGTH)
    assert 0.4 * trials < stopped.mean() < 1.5 * trials
    assert shown[:, LOOKS <= 2 * trials].any(axis=1).mean() > 0.8


def test_more_trials_allow_an_aim_nearer_to_the_target():
    aims = [affordable(0.05, 0.05, n) for n in (10, 500, 5000, 50000)]
    assert aims[0] == 0
    assert aims == sorted(aims)
    assert aims[-1] > 0.045


def test_verdicts():
    test = BelowTest(0.1, 0.05, limit=1000)
    assert test.verdict(0, 0) is None
    assert test.verdict(0, 200) is True
    assert test.verdict(60, 200) is False
    assert test.verdict(95, 900) is None
    assert test.verdict(105, 1000) is False, "the limit"


@pytest.mark.parametrize(("k", "n"), [(0, 256), (12, 256), (256, 256), (40, 1024), (1000, 20224)])
def test_the_upper_bound_is_below_the_target_iff_the_test_says_yes(k, n):
    for target in (0.02, 0.05, 0.06, 0.3):
        law = law_at(0.85 * target, target)
        yes = bool(log_evidence_below(k, n, target, law) >= np.log(20))
        low, high = bounds(k, n, 0.05, law)
        assert 0 <= low <= k / n <= high <= 1
        assert yes == (high < target) or abs(high - target) < 1e-4


@pytest.mark.parametrize("p", [0.03, 0.2])
def test_bounds_hold_at_all_looks_together(p):
    counts = paths(p)[:400, ::4]
    n = LOOKS[::4]
    low_wrong = log_evidence_above(counts, n, p, (5.0, 100.0)) >= np.log(20)
    high_wrong = log_evidence_below(counts, n, p, (5.0, 100.0)) >= np.log(20)
    assert low_wrong.any(axis=1).mean() <= 0.05 + 2.6 * np.sqrt(0.05 / 400)
    assert high_wrong.any(axis=1).mean() <= 0.05 + 2.6 * np.sqrt(0.05 / 400)
    low, high = bounds(int(counts[0, -1]), int(n[-1]), 0.05, (5.0, 100.0))
    assert (low <= p <= high) == (not low_wrong[0, -1] and not high_wrong[0, -1])
    assert high - low < 0.05


def test_nothing_is_known_before_the_first_trial():
    assert bounds(0, 0, 0.05) == (0, 1)
