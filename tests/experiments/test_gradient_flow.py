"""The experiment as the sweep sees it: blocks in, outcomes out."""

import numpy as np
import pytest

from vicollapse import experiments
from vicollapse.errors import ConfigError
from vicollapse.experiments.base import BLOCK, Block
from vicollapse.mixture import initial

FLOW = experiments.get("gradient_flow")


def block(key=7, size=BLOCK, **parameters):
    return Block(FLOW.Parameters(**{"separation": 5.0, "t_end": 100.0, **parameters}), key, size)


def test_outcomes_have_the_declared_shape():
    out = FLOW.run([block(), block(8, 40, dimension=100)])
    n = BLOCK + 40
    assert out.outcome.shape == (n,)
    assert out.outcome.dtype == np.uint8
    assert set(out.flags) == set(FLOW.flags)
    assert set(out.counters) == set(FLOW.counters)
    for observable in FLOW.observables:
        shape = (n, observable.size) if observable.dimension else (n,)
        assert out.observables[observable.name].shape == shape
    assert out.observables["mode_mass"].sum(1) == pytest.approx(1.0)


def test_short_block_is_the_beginning_of_a_whole_one_and_neighbours_do_not_matter():
    whole = FLOW.run([block(1), block(2), block(3, separation=8.0)])
    short = FLOW.run([block(2, size=17)])
    assert short.observables["kl"].tobytes() == whole.observables["kl"][BLOCK : BLOCK + 17].tobytes()
    assert (short.outcome == whole.outcome[BLOCK : BLOCK + 17]).all()


def test_trace_gives_the_same_trajectories_as_run():
    times = np.array([0.0, 1.0, 100.0])
    for weights in ("fixed", "softmax"):
        blocks = [block(size=30, weights=weights, dimension=5, initial_log_odds=0.2)]
        trace, out = FLOW.trace(blocks, times), FLOW.run(blocks)
        assert trace["means"].shape == (30, 3, 2, 3)
        assert trace["logit"].shape == (30, 3)
        assert trace["logit"][:, 0] == pytest.approx(0.2)
        m = 5.0 * trace["means"][:, -1, :, 0]
        covered = out.outcome == 0
        assert (m[covered, 0] * m[covered, 1] < 0).all()


def test_annealing_values_may_differ_between_points():
    def ramp(duration, key=5):
        return block(key, 64, annealing={"schedule": "linear", "beta0": 0.1, "duration": duration})

    together = FLOW.run([ramp(10.0), ramp(1000.0, 6)])
    alone = FLOW.run([ramp(1000.0, 6)])
    assert together.observables["kl"][64:].tobytes() == alone.observables["kl"].tobytes()


def test_failed_trajectories_are_labelled_not_dropped():
    out = FLOW.run([block(max_steps=3)])
    assert (out.outcome == FLOW.outcomes.index("failed")).all()
    assert np.isnan(out.observables["kl"]).all()
    assert not out.flags["redundant"].any()


@pytest.mark.parametrize("law", initial.names())
def test_every_initial_law_runs(law):
    options = {"overlaps": (0.2, -0.1)} if law == "at_overlap" else {}
    out = FLOW.run([block(size=8, initial_law=law, dimension=3, **options)])
    assert (out.outcome < 3).all()
    if law == "at_modes":
        assert (out.outcome == 0).all()


def test_overlaps_go_with_their_law():
    with pytest.raises(ValueError, match="give them with initial_law 'at_overlap'"):
        block(overlaps=(0.1, 0.2))
    with pytest.raises(ValueError, match="give them with initial_law 'at_overlap'"):
        block(initial_law="at_overlap")


def test_imbalanced_target_sets_the_thresholds():
    """At the optimum the mode masses are pi, also for very unequal modes."""
    out = FLOW.run([block(size=32, imbalance=1.5, initial_law="at_modes", init_scale=0.01, t_end=1e4)])
    pi = 1 / (1 + np.exp(-3.0))
    assert out.observables["mode_mass"][:, 0] == pytest.approx(pi, abs=1e-6)
    assert (out.outcome == 0).all()


def test_every_declared_static_parameter_exists():
    names = set(FLOW.Parameters.model_fields) | {"annealing.schedule"}
    assert set(FLOW.static) <= names
    assert set(FLOW.observation) <= names


def test_unknown_experiment_names_the_nearest():
    with pytest.raises(ConfigError, match="did you mean 'gradient_flow'"):
        experiments.get("gradient_flows")
