"""Trajectories of candidates: the same starts for all, other starts in other streams, those of the experiment."""

import numpy as np
import pytest

from vicollapse import experiments
from vicollapse.recommend.advice import smaller_scale
from vicollapse.recommend.candidates import FORMS, PLAIN, Candidate, Family
from vicollapse.recommend.cost import cost, settling_time
from vicollapse.recommend.effort import Effort
from vicollapse.recommend.evidence import Arcs, Sampled, rings_for
from vicollapse.recommend.simulation import Simulation
from vicollapse.sweep.points import point_blocks, point_id

PROBLEM = {
    "dimension": 10, "separation": 4.0, "init_scale": 0.1, "weights": "fixed", "t_end": 1e3, "fates_only": True,
    "recheck": 0.0,
}  # fmt: skip
RAMP = Candidate(10.0, "linear_temperature", 0.1)


@pytest.fixture(scope="module")
def simulation() -> Simulation:
    return Simulation(PROBLEM, 1)


def test_a_trajectory_is_that_of_the_experiment(simulation):
    experiment, model = experiments.get("gradient_flow"), simulation.model(RAMP.annealing())
    assert model.annealing.duration == 10
    identity = point_id(experiment, simulation.model(None)) + ":recommend:race"
    outcome = experiment.run(point_blocks(identity, model, 0, 512, 1)).outcome
    assert np.array_equal(simulation([RAMP], "race", 0, 512)[0], outcome != 0)


def test_all_candidates_have_the_same_starts(simulation):
    short = Candidate(0.3, "linear_temperature", 0.9)  # hardly a change: starts of its own would differ in a third
    plain, other = simulation([PLAIN, short], "race", 0, 1024)
    assert 0.1 < plain.mean() < 0.3
    assert (plain != other).mean() < 0.02


def test_streams_differ(simulation):
    race, refine = simulation([PLAIN], "race", 0, 1024)[0], simulation([PLAIN], "refine", 0, 1024)[0]
    assert (race != refine).mean() > 0.1


def test_pieces_threads_and_company_do_not_matter(simulation):
    whole = simulation([PLAIN, RAMP], "race", 0, 1024)
    pieces = [simulation([RAMP], "race", first, first + 256)[0] for first in range(0, 1024, 256)]
    assert np.array_equal(np.concatenate(pieces), whole[1])
    assert np.array_equal(Simulation(PROBLEM, 1, threads=2)([PLAIN, RAMP], "race", 0, 1024), whole)
    assert not np.array_equal(Simulation(PROBLEM, 2)([RAMP], "race", 0, 1024)[0], whole[1])


def test_what_fails_counts_as_lost():
    failing = Simulation({**PROBLEM, "max_steps": 1}, 1)
    assert failing([RAMP], "race", 0, 256).all()


def test_evidence_grows_and_counts(simulation):
    evidence = Sampled(simulation, "race")
    evidence.extend([PLAIN], 300)
    evidence.extend([PLAIN, RAMP], 512)
    assert evidence.spent == 1024
    assert np.array_equal([evidence.seen[PLAIN], evidence.seen[RAMP]], simulation([PLAIN, RAMP], "race", 0, 512))
    k, n = evidence.lost(RAMP), evidence.trajectories(RAMP)
    assert (k, n) == (evidence.seen[RAMP].sum(), 512)
    assert evidence.share(RAMP) == pytest.approx(k / n, abs=2e-3)
    assert evidence.trajectories(Candidate(1.0, "linear", 0.1)) == evidence.lost(Candidate(1.0, "linear", 0.1)) == 0
    assert evidence.surplus(PLAIN, RAMP) > 2
    assert evidence.surplus(RAMP, PLAIN) == -evidence.surplus(PLAIN, RAMP)


def test_arcs_agree_with_sampling(simulation):
    evidence = Arcs(simulation, "race")
    evidence.extend([PLAIN, RAMP], 2560)
    assert evidence.spent < 4000
    for candidate in (PLAIN, RAMP):
        share = simulation([candidate], "check", 0, 16_384).mean()
        assert evidence.share(candidate) == pytest.approx(share, abs=4 * np.sqrt(share / 16_384))
        assert evidence.error(candidate) < 0.2 * np.sqrt(share / 2560), "sampling would be this inaccurate"
    assert evidence.surplus(PLAIN, RAMP) > 10
    spent = evidence.spent
    evidence.extend([PLAIN], 1000)
    assert evidence.spent == spent, "it has seen more already"


def test_arcs_of_a_stream_are_the_same_for_all_and_those_of_others_differ(simulation):
    again = [simulation.shares(RAMP, stream, 2).each for stream in ("race", "race", "refine")]
    assert np.array_equal(again[0], again[1])
    assert not np.array_equal(again[0], again[2])
    short = Candidate(0.3, "linear_temperature", 0.9)
    plain = simulation.shares(PLAIN, "race", 2).each
    assert np.abs(simulation.shares(short, "race", 2).each - plain).max() < 0.3 * plain[:, 0].std()


@pytest.mark.parametrize(("n", "rings"), [(0, 1), (320, 1), (640, 2), (1280, 4), (10_240, 32)])
def test_rings_are_a_power_of_two(n, rings):
    assert rings_for(n) == rings


def test_settling_takes_longer_when_the_ramp_does(simulation):
    times = [settling_time(simulation, Candidate(duration, "linear", 0.1)) for duration in (3, 30, 300)]
    assert times == sorted(times)
    assert times[-1] > 2 * times[0]
    assert 3 < settling_time(simulation, PLAIN) < times[-1]
    assert cost(simulation, PLAIN)["relative"] == 1
    annealed = cost(simulation, Candidate(300.0, "linear", 0.1))
    assert annealed["relative"] == pytest.approx(annealed["settling_time"] / annealed["plain_settling_time"], rel=0.01)
    assert annealed["duration"] == 300


def test_no_settling_time_where_all_are_lost():
    lost = Simulation({**PROBLEM, "initial_law": "same_mode", "init_scale": 0.01}, 1)
    assert settling_time(lost, PLAIN) is None


def test_smaller_starts_are_looked_for():
    far = Simulation({**PROBLEM, "separation": 6.0, "init_scale": 2.0}, 1)
    family = Family(FORMS[:1], 500.0)
    scale, looks = smaller_scale(far, family, Effort(0.1, 0.05))
    assert 0.001 < scale < 1
    assert looks > 0
    assert smaller_scale(far, family, Effort(1e-5, 0.05))[0] is None
