"""The generated kernels on the real equations: against the reference, bitwise independence, extreme inputs."""

import numpy as np
import pytest
from scipy.special import expit

from vicollapse.ensemble.solution import Problem, Status
from vicollapse.ensemble.solve import solve
from vicollapse.mixture.coordinates import coordinates_from_state
from vicollapse.schedules import CLOCK_START, WITH_CLOCK

EQUATIONS = "vicollapse.mixture.equations:two_modes"
WEIGHTS = ("fixed", "softmax", "fisher_rao", "wasserstein_fisher_rao")
RAMP = {"beta0": 0.1, "duration": 7.3}
ADAPTIVE = {"beta0": 0.1, "time_constant": 3.0, "rate": 0.1}
ANNEALING = {"constant": {"beta0": 1.0}, "linear": RAMP, "adaptive": ADAPTIVE}


def starts(n, seed=0, scale=(0.01, 2.0)):
    rng = np.random.default_rng(seed)
    spread = np.exp(rng.uniform(*np.log(scale), (n, 1)))
    return rng.standard_normal((n, 7)) * spread * [1, 1, 1, 1, 1, 1, 0.3], rng.uniform(0.5, 8, n)


def run(weights, state, separation, t_end, schedule="constant", **options):
    parameters = {"separation": separation, "imbalance": 0.2, **ANNEALING[schedule]}
    if weights == "fixed":
        state, parameters = state[:, :6], parameters | {"logit": state[:, 6]}
    if schedule in WITH_CLOCK:
        state = np.column_stack([state, np.full(len(state), CLOCK_START)])
    return solve(Problem(EQUATIONS, (weights, schedule)), state, parameters, t_end, **options)


def error(a, b):
    return np.abs((a - b) / (1 + np.abs(b))).max()


@pytest.mark.parametrize(("weights", "schedule"), [*((w, "linear") for w in WEIGHTS), ("softmax", "adaptive")])
def test_every_geometry_lands_on_the_reference(weights, schedule):
    state, separation = starts(5, seed=4)
    exact = run(weights, state, separation, 30.0, schedule, rtol=1e-10, backend="reference").states
    kernel = run(weights, state, separation, 30.0, schedule, rtol=1e-6).states
    assert error(kernel, exact) < 2e-5


@pytest.mark.slow
def test_ladder_of_tolerances():
    """Tighter tolerances give smaller errors, down to 1e-7 at rtol 1e-10 (21 terms)."""
    state, separation = starts(6, seed=5)
    exact = run("softmax", state, separation, 30.0, rtol=1e-11, backend="reference").states
    errors = [error(run("softmax", state, separation, 30.0, rtol=r).states, exact) for r in (1e-4, 1e-6, 1e-8, 1e-10)]
    assert errors[0] < 1e-3
    assert errors[1] < 2e-5
    assert errors[2] < 2e-7
    assert errors[3] < 1e-7
    assert errors == sorted(errors, reverse=True)


def test_a_step_ends_exactly_at_the_kink_of_the_annealing():
    """So that saving there changes nothing."""
    state, separation = starts(50, seed=11)
    plain = run("softmax", state, separation, 30.0, "linear")
    saved = run("softmax", state, separation, 30.0, "linear", save_at=[RAMP["duration"]])
    assert np.isfinite(saved.saved).all()
    assert (saved.accepted == plain.accepted).all()
    assert saved.states.tobytes() == plain.states.tobytes()


def test_methods_agree_with_each_other():
    state, separation = starts(64, seed=6)
    ends = {m: run("softmax", state, separation, 30.0, rtol=1e-6, method=m).states for m in ("GRK4T", "Rodas5P")}
    assert error(ends["GRK4T"], ends["Rodas5P"]) < 1e-4


@pytest.mark.parametrize("weights", ["fixed", "softmax"])
def test_bits_do_not_depend_on_lane_batch_or_threads(weights):
    state, separation = starts(5000, seed=7)
    whole = run(weights, state, separation, 1e3)
    threads = run(weights, state, separation, 1e3, threads=2)
    order = np.random.default_rng(1).permutation(5000)
    shuffled = run(weights, state[order], separation[order], 1e3)
    single = np.concatenate([run(weights, state[i : i + 1], separation[i : i + 1], 1e3).states for i in range(20)])
    assert threads.states.tobytes() == whole.states.tobytes()
    assert shuffled.states.tobytes() == whole.states[order].tobytes()
    assert single.tobytes() == whole.states[:20].tobytes()
    assert (threads.accepted == whole.accepted).all()
    assert all(threads.observables[k].tobytes() == whole.observables[k].tobytes() for k in whole.observables)


def test_a_bad_trajectory_leaves_its_neighbours_bitwise_unchanged():
    state, separation = starts(40, seed=8)
    alone = run("softmax", state, separation, 100.0)
    state[5], state[6], separation[7] = np.nan, np.inf, np.nan
    state[8] *= 1e200
    mixed = run("softmax", state, separation, 100.0)
    good = np.setdiff1d(np.arange(40), [5, 6, 7, 8])
    assert mixed.states[good].tobytes() == alone.states[good].tobytes()
    assert (mixed.status[[5, 6, 7, 8]] > Status.STOPPED).all()
    assert (mixed.status[good] == Status.REACHED).all()


@pytest.mark.parametrize("logit", [5.0, 50.0, -50.0, 400.0])
def test_extreme_logits_are_integrated(logit):
    """Far beyond where exp(-|logit|) underflows a trajectory still lands on the reference."""
    state = np.array([[0.3, 1.2, 0.4, -0.6, 0.0, 0.2, logit]])
    exact = run("softmax", state, np.array([3.0]), 5.0, rtol=1e-9, backend="reference").states
    assert error(run("softmax", state, np.array([3.0]), 5.0, rtol=1e-6).states, exact) < 1e-5


def test_long_times_cost_little_and_stay_finite():
    """Tails are algebraic: t_end 1e8 must need only a few more steps than 1e4."""
    state, separation = starts(500, seed=9)
    steps = {}
    for t_end in (1e4, 1e8):
        s = run("softmax", state, separation, t_end)
        assert (s.status == Status.REACHED).all()
        assert np.isfinite(s.states).all()
        assert (s.t == t_end).all()
        steps[t_end] = (s.accepted + s.rejected).mean()
    assert steps[1e8] < 1.5 * steps[1e4]


def test_far_out_starts_of_high_dimension():
    """d = 1e9 with unit init scale: means 3e4 away, D^2 of order 1e9."""
    state, separation = starts(50, seed=10, scale=(1.0, 1.0))
    state[:, 2:6] *= 3e4
    s = run("softmax", state, separation, 1e4)
    assert (s.status == Status.REACHED).all()
    U, w_1 = coordinates_from_state(s.states), expit(s.states[:, 6])
    heavier = U[np.arange(50), (w_1 < 0.5).astype(int)]
    assert (np.abs(heavier[:, 1:]) < 1e-3).all()  # a dead component may stay where it was, the other one comes in
    assert (s.observables["kl"] < -np.log(expit(-2 * 0.2)) + 1e-3).all()  # at worst one component on the lighter mode
