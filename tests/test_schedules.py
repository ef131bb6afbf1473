"""Schedules of the inverse temperature: what may be given, beta as numbers, and when annealing ends."""

import numpy as np
import pytest
import sympy as sp
from scipy.special import expit

from vicollapse.errors import ConfigError
from vicollapse.mixture.equations import two_modes
from vicollapse.schedules import CLOCK_START, Annealing, annealing, evaluate, inverse_temperature

RAMPS = ("linear", "linear_temperature", "geometric")
GIVEN = {
    "constant": {"beta0": 0.3},
    **{ramp: {"beta0": 0.02, "duration": 7.3} for ramp in RAMPS},
    "exponential": {"beta0": 0.02, "time_constant": 3.0},
    "table": {"times": (0, 1.5, 2, 7.3, 9), "betas": (0.02, 0.7, 0.4, 1, 1)},
}
TIMES = np.array([0, 0.3, 1.5, 1.9, 2, 5, 7.2999, 7.3, 7.3001, 9, 50, 1e4, 1e12])


@pytest.mark.parametrize("name", GIVEN)
def test_numbers_are_those_of_the_equations(name):
    """The symbolic beta of the flow, evaluated by SymPy in 30 digits, number by number."""
    schedule = Annealing(schedule=name, **GIVEN[name])
    flow = two_modes("fixed", schedule.shape)
    beta = flow.definitions[sp.Symbol("beta", real=True)]
    values = {sp.Symbol(k, real=True): sp.Float(v, 30) for k, v in schedule.values().items()}

    def number(expression):
        if isinstance(expression, sp.Basic) and expression.func.__name__ == "where":
            switch, yes, no = expression.args
            return number(yes if switch >= 0 else no)
        return float(expression)

    expected = [number(beta.subs(values | {flow.time: sp.Float(t, 30)})) for t in TIMES]
    found = inverse_temperature(schedule, TIMES)
    assert found == pytest.approx(expected, rel=1e-12)
    assert inverse_temperature(schedule, TIMES.reshape(1, -1)).shape == (1, len(TIMES))
    assert inverse_temperature(schedule, 1.9) == found[3]


@pytest.mark.parametrize("name", RAMPS)
def test_beta_is_exactly_one_from_the_end_on(name):
    rng = np.random.default_rng(5)
    for beta0, duration in zip(10 ** rng.uniform(-4, 0.5, 200), 10 ** rng.uniform(-3, 5, 200), strict=True):
        schedule = Annealing(schedule=name, beta0=beta0, duration=duration)
        assert schedule.end == duration
        later = duration * np.array([1, 1 + 1e-15, 1.5, 10, 1e9])
        assert (inverse_temperature(schedule, later) == 1).all()
        before = inverse_temperature(schedule, np.nextafter(duration, 0))
        assert before == pytest.approx(1, abs=1e-15 / min(beta0, 1e-2))  # no jump but rounding, of 1 / beta0 too
        assert inverse_temperature(schedule, 0.9 * duration) != 1


@pytest.mark.parametrize(
    ("given", "end"),
    [
        (None, 0.0),
        ({"schedule": "constant", "beta0": 1}, 0.0),
        ({"schedule": "constant", "beta0": 0.5}, np.inf),
        ({"schedule": "linear", "beta0": 1, "duration": 5}, 0.0),
        ({"schedule": "exponential", "beta0": 0.5, "time_constant": 1}, np.inf),
        ({"schedule": "adaptive", "beta0": 0.5, "time_constant": 1, "rate": 1}, np.inf),
        ({"schedule": "table", "times": [0, 1, 2, 3], "betas": [0.1, 1, 1, 1]}, 1.0),
        ({"schedule": "table", "times": [0, 1, 2, 3], "betas": [1, 1, 0.5, 1]}, 3.0),
        ({"schedule": "table", "times": [0, 1, 2, 3], "betas": [1, 1, 1, 1]}, 0.0),
        ({"schedule": "table", "times": [0, 1, 2], "betas": [0.1, 1, 0.9]}, np.inf),
    ],
)
def test_the_end_of_annealing(given, end):
    assert annealing(given).end == end


def test_adaptive_as_numbers():
    schedule = Annealing(schedule="adaptive", beta0=1e-4, time_constant=2, rate=0.1)
    with pytest.raises(ConfigError, match="beta depends on the trajectory"):
        inverse_temperature(schedule, TIMES)
    clock = CLOCK_START + np.array([0, 1, 9.2, 20, 50, 1e8])
    expected = [1e-4, *expit(np.array([1, 9.2, 20, 50]) - np.log(9999)), 1]
    assert evaluate("adaptive", clock, schedule.values()) == pytest.approx(expected, rel=1e-13)
    assert np.isnan(evaluate("adaptive", np.array([np.nan]), schedule.values())).all()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"schedule": "adaptive", "beta0": 0.1, "time_constant": 1}, "needs rate"),
        ({"schedule": "adaptive"}, "needs beta0, rate, time_constant"),
        ({"schedule": "adaptive", "beta0": 1, "time_constant": 1, "rate": 1}, "needs beta0 below 1, not 1"),
        (
            {"schedule": "adaptive", "beta0": 0, "time_constant": 1, "rate": 1},
            "beta0: Input should be greater than or equal to 0.0000",
        ),
        (
            {"schedule": "adaptive", "beta0": 0.1, "time_constant": 1, "rate": 0},
            "rate: Input should be greater than or equal to 0.0000",
        ),
        ({"schedule": "linear", "beta0": 0.1, "duration": 1, "rate": 1}, "does not use rate; remove it"),
        (
            {"schedule": "table", "times": [0, 1], "betas": [0, 1]},
            "betas.0: Input should be greater than or equal to 0.0000",
        ),
        ({"schedule": "table", "times": [0, 1, 1], "betas": [1, 1, 1]}, "must start at 0 and increase"),
        ({"schedule": "table", "times": [0, 1], "betas": [1, 1, 1]}, "as many times as betas"),
        ("linear", "annealing 'linear': Input should be a valid dictionary"),
    ],
)
def test_what_is_refused(given, message):
    with pytest.raises(ConfigError, match=message):
        annealing(given)


@pytest.mark.parametrize(
    "extreme",
    [
        {"schedule": "linear", "beta0": 1e300, "duration": 1.0},
        {"schedule": "linear_temperature", "beta0": 1e-320, "duration": 1.0},
        {"schedule": "exponential", "beta0": 0.1, "time_constant": 1e-300},
        {"schedule": "table", "times": [0, 1], "betas": [1e-13, 1]},
    ],
)
def test_numbers_that_no_integration_survives_are_refused(extreme):
    with pytest.raises(ConfigError, match=r"(greater|less) than or equal"):
        annealing(extreme)
