"""Save times, breakpoints, events, statuses, and the independence of rows."""

import numpy as np
import pytest

from vicollapse.ensemble.solution import Problem, Status
from vicollapse.ensemble.solve import solve
from vicollapse.errors import BackendError, ConfigError

BACKENDS = ("cpu", "reference")


@pytest.mark.parametrize("backend", BACKENDS)
def test_save_times_are_hit_exactly(backend):
    times = np.array([0.0, 0.3, 1.0, 2.5, 9.0])
    s = solve(Problem("toy_systems:reciprocal"), [1.5, 0.5], {}, 4.0, save_at=times, rtol=1e-9, backend=backend)
    exact = 1 / (1 / 1.5 + times + times**2 / 2)
    assert s.saved[0, :4, 0] == pytest.approx(exact[:4], rel=1e-7)
    assert np.isnan(s.saved[0, 4]).all()  # beyond t_end
    assert s.observables["total"][0] == pytest.approx(s.states[0].sum())


def test_saving_does_not_change_where_a_trajectory_ends():
    problem = Problem("toy_systems:reciprocal")
    ends = [solve(problem, [1.5, 0.5], {}, 4.0, save_at=t, rtol=1e-8).states for t in (None, np.linspace(0, 4, 40))]
    assert ends[0] == pytest.approx(ends[1], rel=1e-7)


@pytest.mark.parametrize("backend", BACKENDS)
def test_no_step_crosses_a_kink(backend):
    kink = np.array([0.1, 0.777, 1.3, 5.0])
    s = solve(Problem("toy_systems:kinked"), [[0.5]], {"kink": kink}, 2.0, rtol=1e-9, backend=backend)
    exact = np.where(kink < 2, (0.5 + kink) * np.exp(-2 * (2 - kink).clip(0)), 2.5)
    assert s.states[:, 0] == pytest.approx(exact, rel=1e-7)


def test_a_breakpoint_saves_the_search_for_the_kink():
    with_it, without = (
        solve(Problem("toy_systems:kinked", (known,)), [[0.5]], {"kink": 0.777}, 2.0, rtol=1e-6) for known in (1, 0)
    )
    assert with_it.rejected[0] < without.rejected[0] / 4
    exact = (0.5 + 0.777) * np.exp(-2 * (2 - 0.777))
    assert abs(with_it.states[0, 0] - exact) < 1e-7


@pytest.mark.parametrize("backend", BACKENDS)
def test_events_are_located_and_terminal_ones_stop(backend):
    v0, g = np.array([1.0, 2.0, -1.0]), 2.0
    start = np.column_stack([np.full(3, 3.0), v0])
    s = solve(Problem("toy_systems:falling"), start, {"g": g}, 100.0, rtol=1e-6, backend=backend)
    assert s.event_times["apex"][:2] == pytest.approx(v0[:2] / g, abs=1e-9)
    assert np.isnan(s.event_times["apex"][2])
    assert s.event_times["landed"] == pytest.approx((v0 + np.sqrt(v0**2 + 2 * g * 3)) / g, rel=1e-6)
    assert (s.status == Status.STOPPED).all()
    assert (s.t < 100).all()
    assert s.states[:, 0] == pytest.approx(3 + v0 * s.t - g * s.t**2 / 2, abs=1e-4)  # the state is that of its time


def test_event_that_happens_in_the_last_step_is_found():
    s = solve(Problem("toy_systems:falling"), [3.0, 2.0], {"g": 2.0}, 1.01, rtol=1e-6)
    assert s.event_times["apex"][0] == pytest.approx(1.0, abs=1e-9)
    assert s.status[0] == Status.REACHED


def test_bad_rows_get_a_status_and_leave_their_neighbours_bitwise_unchanged():
    problem = Problem("toy_systems:exploding")
    good = -np.linspace(0.1, 2, 40)[:, None]
    alone = solve(problem, good, {}, 5.0)
    mixed = good.copy()
    mixed[3], mixed[17], mixed[20] = np.nan, 1.0, np.inf
    together = solve(problem, mixed, {}, 5.0)
    healthy = np.setdiff1d(np.arange(40), [3, 17, 20])
    assert (alone.status == Status.REACHED).all()
    assert together.states[healthy].tobytes() == alone.states[healthy].tobytes()
    assert together.status[[3, 17, 20]].tolist() == [Status.NOT_FINITE, Status.STEP_TOO_SMALL, Status.NOT_FINITE]
    assert together.t[17] == pytest.approx(1.0, abs=1e-6)
    assert all(Status(s).message for s in together.status)


def test_step_limit_is_a_status():
    s = solve(Problem("toy_systems:reciprocal"), [1.5, 0.5], {}, 4.0, rtol=1e-10, max_steps=5)
    assert s.status[0] == Status.STEP_LIMIT
    assert not s.succeeded[0]
    assert s.accepted[0] + s.rejected[0] == 5
    assert np.isnan(s.observables["total"][0])


def test_t_end_per_row_and_zero():
    s = solve(Problem("toy_systems:reciprocal"), [1.5, 0.5], {}, [0.0, 1.0, 2.0], rtol=1e-9)
    assert s.states[:, 0] == pytest.approx([1.5, 1 / (1 / 1.5 + 1.5), 1 / (1 / 1.5 + 4)], rel=1e-7)
    assert s.t.tolist() == [0.0, 1.0, 2.0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rtol": 0.0}, "rtol must be positive"),
        ({"max_steps": 0}, "max_steps"),
        ({"save_at": [1.0, 1.0]}, "strictly increasing"),
        ({"save_at": [np.nan]}, "finite"),
        ({"atol": 0.0}, "atol must be positive"),
        ({"dt_max": np.nan}, "dt_max must be positive"),
        ({"t_end": np.nan}, "t_end"),
        ({"t_end": [4.0, -1.0]}, "t_end"),
    ],
)
def test_arguments_that_make_no_sense(options, message):
    with pytest.raises(ConfigError, match=message):
        solve(Problem("toy_systems:reciprocal"), [1.5, 0.5], {}, **{"t_end": 4.0, **options})


def test_unknown_backend_names_the_nearest():
    with pytest.raises(BackendError, match="did you mean 'reference'"):
        solve(Problem("toy_systems:reciprocal"), [1.5, 0.5], {}, 4.0, backend="referense")
