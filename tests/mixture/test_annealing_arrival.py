"""How slow a ramp must be for both weights to stay alive."""

import numpy as np
import pytest

import vicollapse as vc
from vicollapse.errors import ConfigError
from vicollapse.mixture import annealing_rates
from vicollapse.mixture.arrival import critical_duration, gap_on_arrival


def linear(beta0, duration):
    return {"schedule": "linear", "beta0": beta0, "duration": duration}


def test_gap_on_arrival():
    assert gap_on_arrival(6.0, 0.1) == pytest.approx(13.158, abs=1e-3)  # beta = 1: the whole gap
    gaps = [gap_on_arrival(6.0, 0.1, linear(0.01, duration)) for duration in (1, 10, 100, 1000)]
    assert (np.diff(gaps) < 0).all()
    constant = gap_on_arrival(6.0, 0.1, {"schedule": "constant", "beta0": 0.1})
    assert constant == pytest.approx(1.3158, abs=1e-4)
    assert gap_on_arrival(1.2, 0.1) == annealing_rates.energy_gap(1.2)  # the midpoint attracts


@pytest.mark.parametrize("schedule", ["linear", "linear_temperature", "geometric"])
@pytest.mark.parametrize("beta0", [1e-6, 0.01])
def test_the_critical_duration_is_that_of_the_largest_gap(schedule, beta0):
    duration = critical_duration(6.0, 0.1, schedule=schedule, beta0=beta0)
    gap = gap_on_arrival(6.0, 0.1, {"schedule": schedule, "beta0": beta0, "duration": duration})
    assert gap == pytest.approx(2, rel=2e-3)


def test_no_critical_duration():
    assert critical_duration(2.5, 0.1, beta0=0.1) == 0  # the gap is below 2 without annealing
    assert np.isnan(critical_duration(6.0, 0.1, beta0=0.5))  # too cold a start, however slow the ramp
    assert np.isfinite(critical_duration(6.0, 0.1, beta0=0.1))
    with pytest.raises(ConfigError, match="constant"):
        critical_duration(6.0, 0.1, schedule="constant", beta0=0.1)
    with pytest.raises(ConfigError, match="separation"):
        critical_duration(-6.0, 0.1, beta0=0.1)


@pytest.mark.parametrize(("dimension", "separation", "init_scale"), [(10, 6.0, 0.1), (100, 10.0, 0.1)])
def test_weights_vanish_below_the_critical_duration(dimension, separation, init_scale):
    duration = critical_duration(separation, init_scale, beta0=0.01)
    vanished = []
    for factor in (1 / 3, 3):
        found = vc.collapse_probability(
            dimension=dimension,
            separation=separation,
            init_scale=init_scale,
            weights="softmax",
            annealing=linear(0.01, factor * duration),
            t_end=1e4,
            replicates=2000,
            seed=4,
            threads=1,
            fates_only=True,
        )
        vanished.append(found.probability["vanished"])
    assert vanished[0] > 0.015
    assert vanished[1] < 0.003
