"""When the lagging mean leaves the midpoint, and how slow a ramp must be for its weight to be alive by then."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.optimize import brentq

from vicollapse import schedules
from vicollapse.errors import ConfigError
from vicollapse.mixture.annealing_rates import energy_gap
from vicollapse.mixture.sweep_times import Course
from vicollapse.mixture.theory import SATURATION, midpoint_gain

LARGEST_GAP = 2.0
"""`gap_on_arrival` up to which both weights stay alive."""

_LAG = 2.0  # e-folds by which a typical follower arrives after the leader
_DURATIONS = 1e-3, 1e7


def gap_on_arrival(
    separation: float, init_scale: float, annealing: Mapping[str, Any] | schedules.Annealing | None = None
) -> float:
    """beta(t) * `energy_gap` when a typical follower leaves the midpoint, two e-folds after the leader.

    Until then the leader's component is lower in energy by that much, and the follower's weight tends to exp(-gap): for
    a gap above 2 to 4 weights vanish. So annealing must be slow: the follower must arrive while beta is small.

    Parameters
    ----------
    separation, init_scale : |mu|, and the standard deviation of every coordinate of a start.
    annealing : schedule, any but `adaptive`; None: beta = 1.

    Returns
    -------
    gap : dimensionless; that of beta = 1 below the separation at which the midpoint repels.

    Raises
    ------
    ConfigError : `adaptive`; a separation or init_scale that is not positive.

    Source: int beta (c - 1)/2 dt = log(1.4 / init_scale) + 2 (growth from the midpoint); d logit/dt vanishes for
    log(w_1/w_2) = beta * gap.
    """
    require_positive(separation=separation, init_scale=init_scale)
    schedule, drive = schedules.annealing(annealing), (float(midpoint_gain(separation)) - 1) / 2
    if drive <= 0:
        return energy_gap(separation)
    course = course_of(schedule, separation, t_end=1e12)
    times = course.moments()
    betas = course.beta(times)
    grown = np.concatenate([[0], np.cumsum((betas[1:] + betas[:-1]) / 2 * np.diff(times))]) * drive
    needed = max(np.log(SATURATION / init_scale), 0) + _LAG
    return float(np.interp(needed, grown, betas)) * energy_gap(separation)


def critical_duration(separation: float, init_scale: float, *, schedule: str = "linear", beta0: float) -> float:
    """Shortest ramp that keeps trainable weights alive: the duration at which `gap_on_arrival` is 2.

    Parameters
    ----------
    separation, init_scale : |mu|, and the standard deviation of every coordinate of a start.
    schedule : "linear", "linear_temperature" or "geometric".
    beta0 : initial inverse temperature, in (0, 1].

    Returns
    -------
    duration : 0 where weights stay alive without annealing (nearly); NaN where 1e7 is not enough: beta0 is too large.

    Raises
    ------
    ConfigError : another schedule, or a parameter out of its range.

    Source: `gap_on_arrival` falls as the duration grows. At a third of it .0025 to .14 of the runs vanished in three
    problems, at it .0005 to .012, at three times none of 2000 (docs/annealing.md).
    """
    require_positive(separation=separation, init_scale=init_scale)

    def excess(log_duration: float) -> float:
        ramp = {"schedule": schedule, "beta0": beta0, "duration": float(np.exp(log_duration))}
        return gap_on_arrival(separation, init_scale, ramp) - LARGEST_GAP

    low, high = np.log(_DURATIONS)
    if excess(low) <= 0:
        return 0.0
    return float(np.exp(brentq(excess, low, high, xtol=1e-4))) if excess(high) < 0 else np.nan


def course_of(schedule: schedules.Annealing, separation: float, *, t_end: float, mass_threshold: float = 0.1) -> Course:
    """The `Course` of a schedule other than `adaptive`.

    Parameters
    ----------
    schedule, separation, t_end, mass_threshold : as for `annealing_theory.annealed_collapse_probability`.
    """
    kinks = schedule.times[1:] if schedule.times else (schedule.duration,) if schedule.duration else ()

    def beta(times):
        return schedules.inverse_temperature(schedule, times)

    return Course(float(separation), beta, kinks, float(t_end), mass_threshold)


def require_positive(**values: float) -> None:
    """Check that numbers are positive and finite.

    Raises
    ------
    ConfigError : it names the first one that is not.
    """
    for name, value in values.items():
        if not 0 < value < np.inf:
            raise ConfigError(f"{name} must be positive and finite, not {value}")
