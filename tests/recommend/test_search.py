"""The search on known probabilities: it finds nearly the shortest schedule, and its yes holds as often as it says."""

from dataclasses import replace
from math import exp, log

import numpy as np
import pytest
from surface import Cones, Surface

from vicollapse.recommend.candidates import FORMS, PLAIN, Candidate, Family, ramp
from vicollapse.recommend.effort import Effort
from vicollapse.recommend.evidence import Sampled
from vicollapse.recommend.find import find
from vicollapse.recommend.race import race
from vicollapse.recommend.sampling import Sampling
from vicollapse.recommend.separatrix import Separatrix

FAMILY = Family(FORMS, 5000.0)
RUNS = 120


def sampled(surface: Surface, target: float, family: Family = FAMILY, **more):
    return find(Sampling(surface, Effort(target, 0.05)), family, **more)


def by_separatrix(surface: Cones, target: float, family: Family = FAMILY, **more):
    return find(Separatrix(surface, Effort(target, 0.05)), family, **more)


def runs(surface: Surface, target: float, n: int, **more):
    how = by_separatrix if isinstance(surface, Cones) else sampled
    return [how(replace(surface, seed=seed), target, **more) for seed in range(n)]


@pytest.mark.parametrize(
    ("surface", "target", "dearer"),
    [
        (Surface(0), 0.05, 1.6),
        (Surface(0, plain=0.9, half=3), 0.2, 1.6),
        (Surface(0, plain=0.1, half=1, power=1.2, best=2), 0.02, 2.2),  # few trajectories: a cheap grid
        (Surface(0, plain=0.5, floor=0.05, half=10, best=0.5), 0.1, 1.8),
    ],
)
def test_it_finds_nearly_the_shortest_schedule(surface, target, dearer):
    found = runs(surface, target, RUNS // 4)
    assert np.mean([f.last.confirmed for f in found]) > 0.95
    yes = [f.last.candidate for f in found if f.last.confirmed]
    wrong = sum(surface.probability(c) >= target for c in yes)
    assert wrong <= 4  # 5 % of 30, and 2.6 standard errors
    ratio = np.array([c.duration for c in yes]) / surface.shortest(target)
    assert 1 < np.median(ratio) < dearer
    assert np.quantile(ratio, 0.9) < 1.6 * dearer
    assert {c.schedule for c in yes} <= {"linear_temperature", "geometric"}
    spent = [sum(f.spent().values()) for f in found]
    assert np.mean(spent) < 50_000


def test_the_error_over_all_attempts_is_what_it_says():
    """All schedules are a little above the target: every yes is wrong, by however many attempts."""
    surface = Surface(0, plain=0.4, floor=0.0505, half=0.01, power=3)
    found = runs(surface, 0.05, RUNS)
    assert min(surface.probability(f.last.candidate) for f in found) > 0.05
    assert sum(len(f.trials) for f in found) > RUNS, "there were second attempts"
    assert sum(f.last.confirmed for f in found) <= 0.05 * RUNS + 2.6 * np.sqrt(0.05 * RUNS)


@pytest.mark.parametrize(
    ("surface", "target"),
    [
        (Cones(0), 0.05),
        (Cones(0, plain=0.9, half=3), 0.2),
        (Cones(0, plain=0.5, floor=0.05, half=10, best=0.5), 0.1),
        (Cones(0, plain=0.2, floor=0.08, half=10, power=0.3), 0.15),  # flat: one per cent is seven of the duration
    ],
)
def test_separatrices_find_the_shortest_schedule_from_few_trajectories(surface, target):
    found = runs(surface, target, 12)
    assert all(f.last.confirmed for f in found)
    yes = [f.last.candidate for f in found]
    assert sum(surface.probability(c) >= target for c in yes) <= 3  # at 5 %: P(more) is 0.2 %
    ratio = np.array([c.duration for c in yes]) / surface.shortest(target)
    assert 1 < np.median(ratio) < 1.3
    assert ratio.max() < 1.6
    assert np.mean([sum(f.spent().values()) for f in found]) < 25_000


def test_the_error_over_all_attempts_is_what_it_says_by_separatrices():
    surface = Cones(0, plain=0.4, floor=0.05002, half=0.01, power=3)
    found = runs(surface, 0.05, RUNS // 2)
    assert min(surface.probability(f.last.candidate) for f in found) > 0.05
    assert sum(len(f.trials) for f in found) > RUNS // 2, "there were second attempts"
    assert sum(f.last.confirmed for f in found) <= 0.05 * RUNS / 2 + 2.6 * np.sqrt(0.05 * RUNS / 2)


@pytest.mark.parametrize("alpha", [0.05, 0.025])
def test_a_single_confirmation_errs_as_seldom_as_it_says(alpha):
    candidate, n = ramp("linear_temperature", 0.1, 50.0), 400
    target = Cones(0).probability(candidate)
    trials = [
        Separatrix(Cones(seed), Effort(target, 0.05)).trial("confirm", candidate, alpha, target, 640)
        for seed in range(n)
    ]
    wrong = sum(t.confirmed for t in trials)
    assert 0 < wrong <= alpha * n + 2.6 * np.sqrt(alpha * n)
    assert all(t.confirmed == (t.interval[1] < target) for t in trials)


def test_plain_is_recommended_where_it_is_enough():
    found = sampled(Surface(1, plain=0.01), 0.05)
    assert found.last.candidate == PLAIN
    assert found.last.confirmed
    assert found.search is None
    assert found.last.candidate.annealing() is None


def test_nothing_is_recommended_where_nothing_is_enough():
    found = sampled(Surface(1, floor=0.3), 0.05)
    assert not found.last.confirmed
    assert found.last.interval[0] > 0.05
    assert found.trials[0].candidate.duration == 5000
    assert sum(found.spent().values()) < 12_000


def test_a_target_at_the_longest_duration_is_found():
    surface = Surface(1, half=1000, power=2)
    target = 1.3 * surface.probability(ramp("linear_temperature", surface.best / 5000, 5000))
    found = sampled(surface, target)
    assert found.last.confirmed
    assert 2000 < found.last.candidate.duration <= 5000


def test_a_surrogate_saves_trajectories_and_changes_nothing_else():
    surface = Surface(0, half=100)
    without, guided = runs(surface, 0.05, 10), runs(surface, 0.05, 10, surrogate=surface.probability)
    assert np.mean([f.search.spent for f in guided]) < np.mean([f.search.spent for f in without])
    assert all(f.last.confirmed for f in guided)


def test_some_forms_only():
    found = sampled(Surface(3), 0.05, Family(("linear",), 5000.0))
    assert found.last.confirmed
    assert {c.schedule for c in found.search.raced.seen} == {"linear"}


def test_the_confirmation_uses_starts_of_its_own():
    streams = set()

    def oracle(candidates, stream, first, stop):
        streams.add(stream)
        return Surface(5)(candidates, stream, first, stop)

    sampled(oracle, 0.05)
    assert {"plain", "race", "refine", "confirm 1"} <= streams


def test_a_race_is_won_by_the_best():
    surface = Surface(2, best=50)
    arms = [ramp("linear_temperature", beta0, 30) for beta0 in (0.003, 0.01, 0.03, 0.1, 0.3)]
    evidence = Sampled(surface, "race")
    winner = race(evidence, [*arms, ramp("linear", 0.001, 30)], 256, 4096)[0]
    assert winner.schedule == "linear_temperature"
    assert abs(log(winner.beta0 / (50 / 30))) <= log(50 / 30 / 0.3), "it went on to the mildest side"
    assert evidence.spent < 6 * 4096


def test_numbers_that_one_can_read():
    assert ramp("linear", 0.123456, 98.7654) == Candidate(98.8, "linear", 0.12)
    assert ramp("linear", 1e-9, 1).beta0 == 1e-6
    assert Candidate(98.8, "linear", 0.12).annealing() == {"schedule": "linear", "beta0": 0.12, "duration": 98.8}
    rungs = FAMILY.rungs()
    assert rungs == sorted(rungs)
    assert rungs[-1] == 5000
    assert rungs[0] <= 0.3 * exp(1.2)
