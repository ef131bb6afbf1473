"""The GPU backend on a GPU, where there is one."""

import sys
from pathlib import Path

import numpy as np
import pytest

from vicollapse.ensemble import gpu
from vicollapse.ensemble.solution import Problem, Status
from vicollapse.ensemble.solve import solve
from vicollapse.parallel.devices import find_gpus

sys.path.insert(0, str(Path(__file__).parents[1] / "ensemble"))

from test_two_modes import WEIGHTS, error, run, starts

FOUND, REASON = find_gpus()
pytestmark = pytest.mark.skipif(not FOUND, reason=f"no GPU: {REASON}")


@pytest.mark.parametrize("schedule", ["constant", "linear"])
@pytest.mark.parametrize("weights", WEIGHTS)
def test_every_geometry_agrees_with_the_cpu(weights, schedule):
    state, separation = starts(5000, seed=3)
    one, two = (run(weights, state, separation, 1e3, schedule, save_at=[1.0, 30.0], backend=b) for b in ("cpu", "gpu"))
    assert np.array_equal(one.status, two.status)
    steps = one.accepted + one.rejected
    assert (two.accepted + two.rejected != steps).mean() < 1e-2
    assert np.quantile(np.abs((two.states - one.states) / (1 + np.abs(one.states))).max(axis=1), 0.99) < 1e-9
    for name, values in one.observables.items():
        assert np.quantile(np.abs(two.observables[name] - values), 0.99) < 1e-9
    assert error(two.saved, one.saved) < 1e-6


def test_bits_do_not_depend_on_chunks_or_neighbours(monkeypatch):
    state, separation = starts(20_000, seed=7)
    whole = run("softmax", state, separation, 1e3, backend="gpu")
    order = np.random.default_rng(1).permutation(20_000)
    monkeypatch.setattr(gpu, "LARGEST_CHUNK", 3000)
    parts = run("softmax", state[order], separation[order], 1e3, backend="gpu")
    assert parts.states.tobytes() == whole.states[order].tobytes()
    assert np.array_equal(parts.accepted, whole.accepted[order])


def test_bad_starts_get_the_status_of_the_cpu():
    state, separation = starts(40, seed=8)
    state[5], state[6, 2], separation[7] = np.nan, np.inf, np.nan
    state[8] *= 1e200
    one, two = (run("softmax", state, separation, 100.0, backend=b) for b in ("cpu", "gpu"))
    assert np.array_equal(one.status, two.status)


def test_events_and_step_limits():
    ends = solve(Problem("toy_systems:falling"), [[2.0, 3.0]], {"g": 10.0}, 5.0, backend="gpu")
    assert ends.status.tolist() == [Status.STOPPED]
    assert ends.event_times["apex"] == pytest.approx(0.3)
    limited = solve(Problem("toy_systems:reciprocal"), [1.5, 0.5], {}, 4.0, rtol=1e-9, max_steps=5, backend="gpu")
    assert limited.status.tolist() == [Status.STEP_LIMIT]
