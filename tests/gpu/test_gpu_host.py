"""The text of the GPU kernels, built by g++ for this processor, through the driver that real GPUs use."""

import shutil
import sys
from pathlib import Path

import host_cupy
import numpy as np
import pytest

import vicollapse
from vicollapse.ensemble import gpu
from vicollapse.ensemble.methods import METHODS
from vicollapse.ensemble.solution import Problem, Status
from vicollapse.ensemble.solve import default_method, solve
from vicollapse.errors import BackendError

sys.path.insert(0, str(Path(__file__).parents[1] / "ensemble"))

from test_two_modes import RAMP, WEIGHTS, error, run, starts

pytestmark = pytest.mark.skipif(shutil.which("g++") is None, reason="no g++ to build the text of the GPU kernels with")


@pytest.fixture(autouse=True)
def host(monkeypatch):
    """CuPy's place is taken by `host_cupy`."""
    monkeypatch.setitem(sys.modules, "cupy", host_cupy)
    gpu.compiled.cache_clear()
    host_cupy.chunks.clear()
    yield host_cupy
    gpu.compiled.cache_clear()


def both(call, *args, **options):
    return tuple(call(*args, backend=backend, **options) for backend in ("cpu", "gpu"))


def assert_same(cpu, other, tolerance=1e-9, rare=0.0, rtol=1e-6):
    """The same statuses and steps; states, saved states, events and observables to rounding.

    A share `rare` of the trajectories may take other steps, where rounding decides: they agree to 10 rtol.
    """
    assert np.array_equal(cpu.status, other.status)
    same = (cpu.accepted == other.accepted) & (cpu.rejected == other.rejected)
    assert (~same).mean() <= rare
    assert np.abs(cpu.accepted - other.accepted).max() <= 3
    for one, two in zip(values(cpu), values(other), strict=True):
        np.testing.assert_allclose(two[same], one[same], rtol=tolerance, atol=tolerance)
        np.testing.assert_allclose(two[~same], one[~same], rtol=10 * rtol, atol=10 * rtol)


def values(solution):
    """All arrays of numbers in a solution."""
    groups = (solution.event_times, solution.observables)
    return [solution.states, solution.t, solution.saved, *(group[k] for group in groups for k in group)]


@pytest.mark.parametrize(
    ("weights", "schedule"),
    [*((w, "linear") for w in WEIGHTS), *((w, s) for w in ("fixed", "softmax") for s in ("constant", "adaptive"))],
)
def test_every_geometry_agrees_with_the_cpu(weights, schedule):
    """Imbalance 0.2; plain, annealed with a kink at 7.3, and with a clock of its own; rtol 1e-6."""
    state, separation = starts(1000, seed=3)
    assert_same(*both(run, weights, state, separation, 1e3, schedule, save_at=[0.0, 1.0, 30.0]), rare=0.005)


@pytest.mark.parametrize("rtol", [1e-2, 1e-8, 1e-10])
def test_every_number_of_terms_agrees_with_the_cpu(rtol):
    """Rounding moves the steps of tight tolerances."""
    state, separation = starts(60, seed=4)
    assert_same(*both(run, "softmax", state, separation, 30.0, rtol=rtol), rare=0.1, rtol=rtol)


@pytest.mark.parametrize("method", [m for m in METHODS if m != default_method(1e-6)])
def test_every_method_agrees_with_the_cpu(method):
    """Among them those that use a right-hand side again, and those that are not stiffly accurate."""
    state, separation = starts(60, seed=5)
    assert_same(*both(run, "softmax", state, separation, 30.0, method=method))


def test_bad_starts_get_the_same_status_and_harm_nobody():
    state, separation = starts(40, seed=8)
    good = np.setdiff1d(np.arange(40), [5, 6, 7, 8])
    alone = run("softmax", state[good], separation[good], 100.0, backend="gpu")
    state[5], state[6, 2], separation[7] = np.nan, np.inf, np.nan
    state[8] *= 1e200
    cpu, host = both(run, "softmax", state, separation, 100.0)
    assert np.array_equal(cpu.status, host.status)
    assert (host.status[[5, 6, 7, 8]] == Status.NOT_FINITE).all()
    assert np.isnan(host.observables["kl"][[5, 6, 7, 8]]).all()
    assert host.states[good].tobytes() == alone.states.tobytes()


def test_far_out_starts_agree():
    state, separation = starts(20, seed=10, scale=(1.0, 1.0))
    state[:, 2:6] *= 3e4
    state[::2, 6] = [-400, 400] * 5
    cpu, host = both(run, "softmax", state, separation, 1e4)
    assert error(host.states, cpu.states) < 1e-9
    assert_same(cpu, host, tolerance=3e-6)  # the KL is a difference of numbers of 1e9


@pytest.mark.parametrize(
    ("build", "y", "options", "status"),
    [
        ("reciprocal", [1.5, 0.5], {"max_steps": 5, "rtol": 1e-9}, Status.STEP_LIMIT),
        ("exploding", [1.0], {}, Status.STEP_TOO_SMALL),
        ("reciprocal", [1.5, 0.5], {"save_at": [0.0, 0.3, 1.0, 9.0], "dt_max": 0.1}, Status.REACHED),
    ],
)
def test_other_endings_are_those_of_the_cpu(build, y, options, status):
    cpu, host = both(solve, Problem(f"toy_systems:{build}"), y, {}, 4.0, **options)
    if status == Status.STEP_TOO_SMALL:  # at a pole, rounding decides how many steps that takes
        assert host.t == pytest.approx(cpu.t, rel=1e-6)
    else:  # the error of the tiny first steps is rounding, and the next step follows from it
        assert_same(cpu, host, 1e-7)
    assert host.status.tolist() == [status]


def test_events_are_those_of_the_cpu():
    rng = np.random.default_rng(2)
    state, g = np.column_stack([rng.uniform(0, 5, 50), rng.normal(3, 3, 50)]), rng.uniform(0.5, 20, 50)
    cpu, host = both(solve, Problem("toy_systems:falling"), state, {"g": g}, 5.0)
    assert_same(cpu, host)
    assert {Status.REACHED, Status.STOPPED} == set(map(Status, host.status))
    assert np.isnan(host.event_times["apex"]).any()


def test_no_step_crosses_a_kink():
    kink = np.array([0.1, 0.777, 1.3, 5.0])
    assert_same(*both(solve, Problem("toy_systems:kinked"), [[0.5]], {"kink": kink}, 2.0, rtol=1e-9))


def test_chunks_and_threads_change_no_bit(host, monkeypatch):
    state, separation = starts(1000, seed=7)
    whole = run("softmax", state, separation, 100.0, save_at=[5.0], backend="gpu")
    monkeypatch.setattr(gpu, "LARGEST_CHUNK", 300)
    monkeypatch.setattr(host, "FAKE_THREADS", 1)
    parts = run("softmax", state, separation, 100.0, save_at=[5.0], backend="gpu")
    assert host.chunks == [1000, 300, 300, 300, 100]
    for name in ("states", "saved", "t", "status", "accepted", "rejected"):
        assert getattr(parts, name).tobytes() == getattr(whole, name).tobytes()
    assert all(parts.observables[k].tobytes() == whole.observables[k].tobytes() for k in whole.observables)


def test_chunks_fit_into_the_free_memory(host, monkeypatch):
    state, separation = starts(100, seed=7)
    monkeypatch.setattr(host, "free_bytes", 20_000)
    run("softmax", state, separation, 1.0, backend="gpu")
    assert sum(host.chunks) == 100
    assert max(host.chunks) * 2 * 8 * (7 + 4 + 1) < 20_000


def test_no_trajectories_are_no_launch(host):
    solution = run("softmax", np.empty((0, 7)), np.empty(0), 1.0, backend="gpu")
    assert solution.states.shape == (0, 7)
    assert host.chunks == []


def test_the_experiment_counts_the_same_fates():
    point = {"dimension": 10, "separation": 3.0, "init_scale": 1.0, "t_end": 1e3, "replicates": 512, "seed": 1}
    annealed = point | {"annealing": {"schedule": "linear", **RAMP}, "imbalance": 0.3, "weights": "fixed"}
    for study in (point | {"weights": "softmax"}, annealed):
        cpu, host = both(vicollapse.collapse_probability, **study)
        assert host == cpu


def test_a_kernel_that_does_not_compile_is_an_error_in_words(host, monkeypatch):
    monkeypatch.setattr(host, "RawModule", broken)
    with pytest.raises(BackendError, match=r"no GPU kernel for reciprocal: error: no; use backend 'cpu'"):
        solve(Problem("toy_systems:reciprocal"), [1.0, 1.0], {}, 1.0, backend="gpu")


def test_no_gpu_is_an_error_in_words(host, monkeypatch):
    monkeypatch.setattr(host.cuda.runtime, "getDevice", broken)
    with pytest.raises(BackendError, match=r"no GPU to compute on: error: no; use backend 'cpu'"):
        solve(Problem("toy_systems:reciprocal"), [1.0, 1.0], {}, 1.0, backend="gpu")
    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(BackendError, match=r"needs CuPy .*pip install 'vicollapse\[gpu\]'"):
        solve(Problem("toy_systems:reciprocal"), [1.0, 1.0], {}, 1.0, backend="gpu")


def test_too_little_memory_is_an_error_in_words(host, monkeypatch):
    def full(*args):
        raise MemoryError("Out of memory allocating 8,388,608 bytes")

    monkeypatch.setattr(host, "asarray", full)
    with pytest.raises(BackendError, match=r"too little memory: Out of memory .*; use smaller batches"):
        solve(Problem("toy_systems:reciprocal"), [1.0, 1.0], {}, 1.0, backend="gpu")


def test_other_failures_are_not_called_a_lack_of_memory(host, monkeypatch):
    monkeypatch.setattr(host, "asarray", broken)
    with pytest.raises(RuntimeError, match="error: no"):
        solve(Problem("toy_systems:reciprocal"), [1.0, 1.0], {}, 1.0, backend="gpu")


def broken(*args, **options):
    raise RuntimeError("error: no\nand more")
