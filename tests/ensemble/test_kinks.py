"""Kinks of beta(t): no step crosses one, so that they cost neither accuracy nor rejected steps."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad

from vicollapse.ensemble.methods import method
from vicollapse.ensemble.solution import Problem, Status
from vicollapse.ensemble.solve import solve
from vicollapse.schedules import Annealing, inverse_temperature

T_END = 2.0
START = (1.3, 0.4)
DURATIONS = np.array([0.613, 0.777, 1.031, 1.37])
RAMPS = ("linear", "linear_temperature", "geometric")
BACKENDS = ("cpu", "reference")


def ramps(schedule, durations=DURATIONS):
    """One schedule for each duration; a table has a second kink, where beta turns back."""
    if schedule != "table3":
        return [Annealing(schedule=schedule, beta0=0.3, duration=d) for d in durations]
    return [Annealing(schedule="table", times=(0, d / 3, d), betas=(0.3, 1.5, 1)) for d in durations]


def run(schedules, t_end=T_END, known=1, **options):
    problem = Problem("annealed_systems:annealed", (schedules[0].shape, known))
    parameters = {name: [s.values()[name] for s in schedules] for name in schedules[0].values()}
    return solve(problem, [START], parameters, t_end, **{"terms": 8, "method": "GRK4T", **options})


def exact(schedules, t_end=T_END):
    """1/y = 1/y0 + the integral of beta, by adaptive quadrature between the kinks."""
    return np.array([1 / (1 / START[0] + _integral(s, t_end)) for s in schedules])


def _integral(schedule, t_end):
    kinks = [t for t in (*(schedule.times or ()), schedule.duration or 0) if 0 < t < t_end]
    pieces = pairwise([0.0, *sorted(kinks), t_end])
    return sum(quad(lambda t: float(inverse_temperature(schedule, t)), a, b, epsabs=1e-14)[0] for a, b in pieces)


def observed_order(schedules, known):
    steps, errors = (20, 40, 80, 160), []
    for count in steps:
        s = run(schedules, known=known, rtol=1e6, atol=1e6, dt_max=T_END / count)
        errors.append(np.abs(s.states[:, 0] - exact(schedules)).max())
    return -np.polyfit(np.log(steps), np.log(errors), 1)[0], errors


@pytest.mark.parametrize("schedule", [*RAMPS, "table3"])
def test_the_order_survives_a_kink_but_not_without_the_breakpoint(schedule):
    schedules = ramps(schedule)
    order, errors = observed_order(schedules, known=1)
    assert order == pytest.approx(method("GRK4T").order, abs=0.35)
    blind, lost = observed_order(schedules, known=0)
    assert blind < 2.7
    assert lost[-1] > 30 * errors[-1]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("schedule", [*RAMPS, "table3"])
def test_a_step_ends_exactly_at_the_kink(schedule, backend):
    """Saving there takes no further step, and what is saved is the solution."""
    (ramp,) = ramps(schedule, [0.777])
    plain = run([ramp], rtol=1e-7, backend=backend)
    saved = run([ramp], rtol=1e-7, backend=backend, save_at=[0.777])
    assert saved.saved[0, 0, 0] == pytest.approx(exact([ramp], 0.777)[0], rel=1e-6)
    assert saved.accepted[0] == plain.accepted[0]
    assert saved.states.tobytes() == plain.states.tobytes()


@pytest.mark.parametrize("schedule", RAMPS)
@pytest.mark.parametrize("duration", [T_END, np.nextafter(T_END, 3), 5.0, 1e6])
def test_a_kink_at_the_end_or_beyond_it_is_no_stop(schedule, duration):
    (ramp,) = ramps(schedule, [duration])
    s, blind = (run([ramp], known=known, rtol=1e-7) for known in (1, 0))
    assert (s.status[0], s.t[0]) == (Status.REACHED, T_END)
    assert (s.accepted[0], s.rejected[0]) == (blind.accepted[0], blind.rejected[0])
    assert s.states == pytest.approx(blind.states, rel=1e-13)
    assert s.states[0, 0] == pytest.approx(exact([ramp])[0], rel=1e-6)


@pytest.mark.parametrize("schedule", RAMPS)
def test_a_kink_costs_no_rejected_steps(schedule):
    s, blind = (run(ramps(schedule), known=known, rtol=1e-8) for known in (1, 0))
    assert s.rejected.sum() < blind.rejected.sum() / 2
    assert s.states[:, 0] == pytest.approx(exact(ramps(schedule)), rel=3e-8)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_table_of_many_knots(backend):
    """Forty knots, another table in each row, some of it beyond t_end: a step ends at each knot before it."""
    rng = np.random.default_rng(4)
    times = np.column_stack([np.zeros(5), rng.uniform(0.01, 0.1, (5, 39)).cumsum(1)])
    tables = [Annealing(schedule="table", times=tuple(t), betas=tuple(rng.uniform(0.05, 2, 40))) for t in times]
    s = run(tables, rtol=1e-8, backend=backend)
    inside = (times < T_END).sum(1) - 1
    assert inside.min() < 39
    assert (s.accepted >= inside + 1).all()
    assert s.states[:, 0] == pytest.approx(exact(tables), rel=1e-6)
