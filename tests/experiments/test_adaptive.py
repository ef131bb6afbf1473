"""The adaptive schedule: beta is a state of the flow, and waits while the means move."""

import numpy as np
import pytest
from scipy.special import expit

import vicollapse
from vicollapse import experiments
from vicollapse.experiments.base import BLOCK, Block
from vicollapse.schedules import inverse_temperature

FLOW = experiments.get("gradient_flow")
POINT = {"dimension": 100, "separation": 6.0, "init_scale": 0.1, "t_end": 1e4, "recheck": 0.0}
Y0 = np.array([[0.3, -0.2, 0.5, 0.1, 0.4, 0.0], [0.1, 0.5, 0.6, -0.2, 0.9, 0.3]])


def adaptive(beta0=0.01, time_constant=5.0, rate=0.05):
    return {"schedule": "adaptive", "beta0": beta0, "time_constant": time_constant, "rate": rate}


def block(key=7, size=BLOCK, **parameters):
    return Block(FLOW.Parameters(**POINT | {"annealing": adaptive()} | parameters), key, size)


@pytest.mark.parametrize("weights", ["fixed", "softmax"])
def test_a_trace_obeys_the_equation_of_beta(weights):
    """Central differences of the saved beta and means, without anything of the generated code."""
    step, middle = 0.01, np.array([0.5, 3.0, 8.0, 15.0, 30.0, 60.0, 90.0])
    times = np.sort(np.concatenate([middle - step, middle, middle + step]))
    trace = FLOW.trace([block(size=24, weights=weights)], times)
    beta, means = trace["beta"], trace["means"]
    dbeta = (beta[:, 2::3] - beta[:, 0::3]) / (2 * step)
    velocity = (means[:, 2::3] - means[:, 0::3]) / (2 * step)
    speed2 = (velocity**2).sum((-2, -1)) / 2
    b, law = beta[:, 1::3], adaptive()
    expected = b * (1 - b) / law["time_constant"] / (1 + speed2 / law["rate"] ** 2)
    assert dbeta == pytest.approx(expected, rel=2e-3, abs=1e-7)
    slowed = speed2 / law["rate"] ** 2
    assert (slowed.max(), slowed.min()) > (3, 0)  # it did make a difference
    assert slowed.min() < 0.01


def test_beta_starts_at_beta0_rises_and_comes_to_one():
    times = np.concatenate([[0], np.geomspace(0.01, 1e4, 60)])
    for beta0 in (1e-4, 0.3, 0.999):
        trace = FLOW.trace([block(size=64, weights="softmax", annealing=adaptive(beta0))], times)
        beta = trace["beta"]
        assert beta.shape == (64, 61)
        assert beta[:, 0] == pytest.approx(beta0, rel=1e-12)
        assert (np.diff(beta, axis=1) >= 0).all()
        assert (beta[:, -1] == 1).all()
        assert beta.max() <= 1


def test_without_a_limit_of_the_rate_it_is_the_logistic_curve():
    """rate -> infinity: beta = 1 / (1 + (1 / beta0 - 1) exp(-t / time_constant)) for every trajectory."""
    times = np.array([0.0, 1, 10, 30, 50, 80, 200])
    law = adaptive(beta0=1e-4, time_constant=5.0, rate=1e9)
    beta = FLOW.trace([block(size=16, annealing=law)], times)["beta"]
    expected = expit(times / 5 - np.log(9999))
    assert beta == pytest.approx(np.tile(expected, (16, 1)), rel=1e-6)


def test_beta_waits_longer_where_the_rate_is_smaller():
    times = np.array([100.0])
    slow, fast = (FLOW.trace([block(size=64, annealing=adaptive(rate=r))], times)["beta"] for r in (0.01, 1.0))
    assert (slow < fast - 1e-3).all()


@pytest.mark.parametrize("weights", ["fixed", "softmax"])
def test_every_time_scale_and_start_is_integrated(weights):
    """Tiny beta0, fast and slow clocks, starts 100 away, to t = 1e4: none fails, few steps, beta in (0, 1]."""
    laws = [adaptive(b, c, r) for b in (1e-8, 1e-4, 0.9) for c in (1e-3, 1.0, 1e3) for r in (1e-3, 1.0, 1e3)]
    for scale, dimension in ((0.1, 100), (1.0, 10**4)):
        blocks = [
            block(key, 16, weights=weights, annealing=law, init_scale=scale, dimension=dimension)
            for key, law in enumerate(laws)
        ]
        out = FLOW.run(blocks)
        assert (out.outcome < FLOW.outcomes.index("failed")).all()
        assert (out.counters["steps_accepted"] + out.counters["steps_rejected"]).mean() < 700
        beta = FLOW.trace(blocks, np.array([1.0, 1e4]))["beta"]
        assert (beta > 0).all()
        assert (beta <= 1).all()


def test_fates_do_not_need_tight_tolerances():
    point = {**POINT, "weights": "softmax", "annealing": adaptive(), "replicates": 2048, "seed": 3}
    loose, default = (vicollapse.collapse_probability(**point, fates_only=f) for f in (True, False))
    assert abs(loose.collapsed - default.collapsed) <= 3 / 2048
    plain = vicollapse.collapse_probability(**point | {"annealing": None})
    assert plain.collapsed > default.collapsed + 0.1


def test_fates_are_rechecked():
    out = FLOW.run([block(recheck=1.0, fates_only=True)])
    assert out.counters["rechecked"].sum() == BLOCK
    assert out.counters["recheck_disagreements"].sum() <= 1


def test_values_may_differ_between_points():
    laws = [adaptive(0.1, 2.0, 0.1), adaptive(0.01, 20.0, 0.03)]
    together = FLOW.run([block(3, 64, annealing=law) for law in laws])
    alone = FLOW.run([block(3, 64, annealing=laws[1])])
    assert together.observables["kl"][64:].tobytes() == alone.observables["kl"].tobytes()


@pytest.mark.parametrize("weights", ["fixed", "softmax"])
def test_the_flow_returns_beta(weights):
    """Both backends, at the end and at save times; a trajectory that ended has none."""
    law, times = adaptive(0.05, 3.0, 0.1), [0.0, 10.0, 20.0, 30.0]
    one, two = (
        vicollapse.two_mode_flow(Y0, 3.0, 20.0, weights=weights, annealing=law, save_at=times, backend=b, rtol=r)
        for b, r in (("cpu", 1e-6), ("reference", 1e-9))
    )
    assert one.y.shape == (2, 4, 6)
    assert one.beta.shape == (2, 4)
    assert one.beta[:, :3] == pytest.approx(two.beta[:, :3], abs=1e-5)
    assert one.y[:, :3] == pytest.approx(two.y[:, :3], abs=1e-4)
    assert np.isnan(one.beta[:, 3]).all()
    end = vicollapse.two_mode_flow(Y0, 3.0, 20.0, weights=weights, annealing=law)
    assert end.beta == pytest.approx(one.beta[:, 2], abs=1e-5)
    assert weights == "softmax" or end.y[:, 5].tolist() == [0.0, 0.3]


def test_the_flow_returns_beta_of_every_schedule():
    law = {"schedule": "linear", "beta0": 0.1, "duration": 10.0}
    saved = vicollapse.two_mode_flow(Y0, 3.0, [5.0, 20.0], annealing=law, save_at=[0.0, 5.0, 10.0])
    assert saved.beta[1] == pytest.approx([0.1, 0.55, 1.0])
    assert np.isnan(saved.beta[0, 2])
    assert vicollapse.two_mode_flow(Y0, 3.0, [5.0, 20.0], annealing=law).beta == pytest.approx([0.55, 1.0])
    assert vicollapse.two_mode_flow(Y0, 3.0, 20.0).beta.tolist() == [1.0, 1.0]


def test_a_trace_has_the_beta_of_each_point():
    ramp = {"schedule": "geometric", "beta0": 0.01}
    blocks = [block(1, 3, annealing=ramp | {"duration": 50.0}), block(2, 2, annealing=ramp | {"duration": 900.0})]
    times = np.array([0.0, 10.0, 100.0, 1000.0])
    beta = FLOW.trace(blocks, times)["beta"]
    rows = [inverse_temperature(b.parameters.annealing, times) for b in blocks for _ in range(b.size)]
    assert beta == pytest.approx(np.array(rows), rel=1e-12)
    assert (FLOW.trace([block(size=2, annealing=None)], times)["beta"] == 1).all()
