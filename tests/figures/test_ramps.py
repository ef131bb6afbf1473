"""Schedules as figures need them: their parameters, their cost, what a study says of the case without annealing."""

import numpy as np
import pytest
import xarray as xr

from vicollapse.errors import ConfigError
from vicollapse.figures import ramps
from vicollapse.figures.kept import kept
from vicollapse.schedules import annealing, inverse_temperature


def test_the_schedule_is_what_the_parameters_say(ramp):
    known = ramps.data.parameters(ramp.isel({"annealing.beta0": 0, "annealing.duration": 6}))
    assert ramps.given(known) == {"schedule": "linear", "beta0": 0.01, "duration": 1000.0}
    assert ramps.schedule(known) == annealing({"schedule": "linear", "beta0": 0.01, "duration": 1000.0})
    assert ramps.given({"weights": "fixed", "annealing": None}) == {}


@pytest.mark.parametrize("form", ["linear", "linear_temperature", "geometric"])
def test_a_ramp_costs_its_duration_and_nothing_costs_nothing(form):
    assert ramps.cost(annealing({"schedule": form, "beta0": 0.1, "duration": 30})) == 30
    assert ramps.cost(annealing({"schedule": form, "beta0": 1, "duration": 30})) == 0
    assert ramps.cost(annealing(None)) == 0


@pytest.mark.parametrize("beta0", [0.003, 0.5, 0.98])
def test_an_exponential_schedule_costs_the_time_to_99_percent(beta0):
    schedule = annealing({"schedule": "exponential", "beta0": beta0, "time_constant": 7})
    np.testing.assert_allclose(inverse_temperature(schedule, [ramps.cost(schedule)]), [0.99], rtol=1e-12)


def test_a_table_costs_the_time_to_one():
    table = {"schedule": "table", "times": [0, 5, 20, 30], "betas": [0.1, 0.5, 1, 1]}
    assert ramps.cost(annealing(table)) == 20


def test_an_exponential_schedule_that_starts_beyond_99_percent_costs_nothing():
    assert ramps.cost(annealing({"schedule": "exponential", "beta0": 0.995, "time_constant": 7})) == 0


def test_other_schedules_do_not_tell():
    assert np.isnan(ramps.cost(annealing({"schedule": "constant", "beta0": 0.5})))


def recorded(diagram, reach):
    """Every kept trajectory reaches beta = 1 at its own time."""
    time = xr.DataArray(diagram["time"].values, dims="time")
    return diagram.assign(beta=(time >= xr.DataArray(reach, dims="trajectory")) * 0.9 + 0.1)


def test_what_was_recorded_goes_before_the_schedule(ramp_paths):
    point = ramp_paths.isel(separation=0)
    along = ramps.beta(kept(ramp_paths, point))
    np.testing.assert_allclose(along, np.tile(np.minimum(1, 0.01 + 0.0099 * point["time"].values), (4, 1)), rtol=1e-12)
    recorded_point = recorded(point, [1, 10, 100, 1000])
    np.testing.assert_array_equal(
        ramps.beta(kept(recorded_point, recorded_point)), recorded_point["beta"].transpose("trajectory", "time")
    )


def test_the_measured_cost_is_the_mean_over_the_trajectories(ramp_paths):
    """Paths with logistic beta: log odds -6 + t / tau, so that they reach 0.99 at tau (6 + log 99)."""
    point = ramp_paths.isel(separation=0)
    tau, time = np.array([1.0, 10, 100, 500]), point["time"].values
    paths = 1 / (1 + np.exp(6 - time / tau[:, None]))
    logistic = point.assign(beta=(("trajectory", "time"), paths))
    assert ramps.measured_cost(logistic) == pytest.approx(np.mean(tau * (6 + np.log(99))))
    assert ramps.measured_cost(recorded(point, time[[0, 0, 0, 0]])) == time[0]
    jump = ramps.measured_cost(recorded(point, time[[10, 20, 30, 40]]))
    assert time[[9, 19, 29, 39]].mean() < jump < time[[10, 20, 30, 40]].mean()
    with pytest.raises(ConfigError, match=r"beta does not reach 0.99 within its save_times"):
        ramps.measured_cost(recorded(point, [1, 10, 100, 1e5]))
    part = recorded(point, time[[10, 20, 30, 40]])
    part["beta"] = part["beta"].where((xr.DataArray(np.arange(4) < 2, dims="trajectory")) | (point["time"] < 1))
    assert ramps.measured_cost(part) < time[[10, 20]].mean(), "those that failed do not count"
    with pytest.raises(ConfigError, match="every kept trajectory failed"):
        ramps.measured_cost(part.isel(trajectory=[2, 3]))
    with pytest.raises(ConfigError, match=r"its cost must be measured; set keep_trajectories and save_times"):
        ramps.measured_cost(point)


def test_trajectories_not_simulated_yet_do_not_count(ramp_paths):
    point = ramp_paths.isel(separation=0)
    part = recorded(point, point["time"].values[[10, 20, 30, 40]])
    part["beta"] = part["beta"].where(xr.DataArray(np.arange(4) < 2, dims="trajectory"))
    assert ramps.measured_cost(part) < point["time"].values[[10, 20]].mean()


def test_without_annealing_is_the_mean_over_beta0_of_one(ramp, make_annealed):
    assert ramps.without([ramp]) == pytest.approx(0.8)
    assert ramps.without([ramp, ramp], "aligned") == pytest.approx(0.1)
    assert ramps.without([ramp.isel({"annealing.beta0": -1})]) == pytest.approx(0.8)
    assert np.isnan(ramps.without([ramp.isel({"annealing.beta0": slice(None, -1)})]))
    assert np.isnan(ramps.without([ramp.isel({"annealing.beta0": 0})]))
    more = make_annealed(axes={"annealing.beta0": np.array([0.1, 1.0])}, replicates=3000)
    more["collapsed"][1] = 0.4
    assert ramps.without([ramp, more]) == pytest.approx((0.8 + 3 * 0.4) / 4)


def test_a_study_without_annealing_has_nothing_to_compare_with(softmax):
    assert np.isnan(ramps.without([softmax]))
