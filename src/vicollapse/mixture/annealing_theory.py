"""The probability of collapse under annealing, without simulation, and how small any schedule can make it."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import solve_ivp
from scipy.special import chdtri

from vicollapse import schedules
from vicollapse.mixture.annealing_rates import energy_gap
from vicollapse.mixture.leader_follower import critical_ratio
from vicollapse.mixture.planar_tables import least_aligning_beta, repulsion
from vicollapse.mixture.sweep_times import Course
from vicollapse.mixture.theory import SATURATION, midpoint_gain

Array = NDArray[np.float64]

_RADII, _ACROSS = 12, 6  # nodes of the quadrature over starts
_PARTED = 100.0  # beta * time after which a pair that cannot stay aligned has parted
_NEAR_FOLD = 0.9  # of the highest beta: from there on the sweeps agree on a wrong course
_LAG = 2.0  # e-folds by which a typical follower arrives after the leader
_LARGEST_GAP = 2.0  # beta * energy_gap at that time, up to which both weights stay alive
_SOFTMAX_FROM = 4.0  # separation from which trainable weights do not help an aligned pair to part
_SOFTMAX_SIZE = 3.0  # init_scale sqrt(d), beyond which the starting energies differ too much


def annealed_collapse_probability(
    *,
    dimension: int,
    separation: float,
    init_scale: float,
    weights: str = "fixed",
    annealing: Mapping[str, Any] | schedules.Annealing | None = None,
    imbalance: float = 0.0,
    t_end: float = 1e4,
    mass_threshold: float = 0.1,
) -> float:
    """Probability that an isotropic start loses a mode, from the trajectory that separates coverage from alignment.

    P = E[1/2 - (2/pi) arctan rho]: rho is the critical ratio of the coordinates along mu (`leader_follower`), the mean
    is over their length (Rayleigh) and over the distance across mu (chi with d - 1 degrees of freedom).

    Parameters
    ----------
    dimension, separation, init_scale : d, |mu| and the standard deviation of every coordinate of a start.
    weights : "fixed" (equal), or "softmax" where annealing is slow enough for no weight to vanish.
    annealing : schedule, any but `adaptive`; None: beta = 1.
    imbalance : log(pi_+/pi_-)/2.
    t_end : time of observation.
    mass_threshold : share of a mode's weight below which it is lost.

    Returns
    -------
    probability : NaN where no formula holds: imbalance, `adaptive`, the other weights; for softmax |mu| < 4,
        init_scale sqrt(d) > 3, or beta * `energy_gap` > 2 when the follower arrives (`gap_on_arrival`); where
        the sweeps do not agree (1 problem in 300: 2.3 < |mu| < 3.7, slow ramps) or the highest beta is less than 11 %
        above the critical one (|mu| 2.26 .. 2.33 if beta ends at 1).

    Raises
    ------
    ConfigError : the schedule makes no sense.

    Source: this project's derivation. Against 900 random problems of 4000 or 10000 draws (d 1 .. 10^4, |mu| 2 .. 10,
    init_scale .003 .. 3): root mean square .0033 at 10000 draws, as the draws alone make it. Softmax: at most .025.
    """
    schedule = schedules.annealing(annealing)
    unknown = imbalance != 0 or schedule.shape in schedules.WITH_CLOCK
    if unknown or not _holds(weights, dimension, separation, init_scale, schedule):
        return np.nan
    beta = partial(schedules.inverse_temperature, schedule)
    course = Course(float(separation), beta, _kinks(schedule), float(t_end), mass_threshold)
    if (known := _without_sweeps(course)) is not None:
        return known
    (radius, radius_weight), (across, across_weight) = _chi(2, _RADII), _chi(dimension - 1, _ACROSS)
    nodes = np.broadcast_arrays(init_scale * radius[:, None], np.sqrt(2) * init_scale * across)
    angle = np.arctan(critical_ratio(course, *nodes))
    return float(radius_weight @ (0.5 - 2 / np.pi * angle) @ across_weight)


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
    ConfigError : `adaptive`.

    Source: int beta (c - 1)/2 dt = log(1.4 / init_scale) + 2 (growth from the midpoint); d logit/dt vanishes for
    log(w_1/w_2) = beta * gap.
    """
    times, drive = np.concatenate([[0], np.geomspace(1e-3, 1e6, 4000)]), (float(midpoint_gain(separation)) - 1) / 2
    betas = schedules.inverse_temperature(schedules.annealing(annealing), times)
    grown = np.concatenate([[0], np.cumsum((betas[1:] + betas[:-1]) / 2 * np.diff(times))]) * drive
    needed = max(np.log(SATURATION / init_scale), 0) + _LAG
    return float(np.interp(needed, grown, betas) if drive > 0 else 1.0) * energy_gap(separation)


def least_collapse_probability(*, dimension: int, separation: float, init_scale: float, duration: float) -> float:
    """About the smallest probability of collapse that any schedule of that duration reaches, fixed equal weights.

    Around the midpoint every schedule keeps (x_1 - x_2) / (v (x_1 + x_2)^(c/(c-1))), v the distance across mu. So only
    v on arrival counts, and it is at most the distance D_T reached by repulsion alone (beta = 0) in that time:
    P = (2/pi) E arctan( (D_0/D_T) min(1, |s|/1.4)^(1/(c-1)) ), with s ~ N(0, init_scale^2).

    Parameters
    ----------
    dimension, separation, init_scale : d >= 2, |mu| >= 4, and the standard deviation of every coordinate of a start.
    duration : time after which beta = 1.

    Returns
    -------
    probability : NaN outside |mu| >= 4 and d >= 2. D_T grows as sqrt(8 log T): patience hardly helps, a smaller
        init_scale does.

    Source: this project's derivation; an estimate, not a bound: the best of 40 random schedules came to between .8 and
    2 times as much (d 2 .. 1000, |mu| 4 .. 8, init_scale .03 .. .3, T 20 .. 1000).
    """
    if dimension < 2 or separation < 4:
        return np.nan
    (across, across_weight), (along, along_weight) = _chi(dimension - 1, 12), _chi(1, 16)
    start = np.sqrt(2) * init_scale * across
    end = solve_ivp(lambda _, D: repulsion(D, 0.0) * D, (0, duration), start, rtol=1e-8).y[:, -1]
    exponent = 1 / (float(midpoint_gain(separation)) - 1)
    ratio = (start / end)[:, None] * np.minimum(1, init_scale * along / SATURATION) ** exponent
    return float(2 / np.pi * (across_weight @ np.arctan(ratio) @ along_weight))


def _without_sweeps(course):
    """0 where no pair can stay aligned, NaN where the sweeps cannot tell, None where they can."""
    times = np.concatenate([[0.0], course.kinks, np.linspace(0, course.t_end, 500)])
    highest = course.beta(times[times <= course.t_end]).max()
    fold, lost = (least_aligning_beta(course.separation, mass)[0] for mass in (1.0, course.lost_mass))
    if course.beta(0.0) * course.t_end < _PARTED:
        return np.nan if np.isinf(fold) else None
    if lost > 1.02 * highest:
        return 0.0
    return np.nan if fold > _NEAR_FOLD * highest else None


def _holds(weights, dimension, separation, init_scale, schedule):
    if weights == "softmax":
        near = separation >= _SOFTMAX_FROM and init_scale * np.sqrt(dimension) <= _SOFTMAX_SIZE
        return near and gap_on_arrival(separation, init_scale, schedule) <= _LARGEST_GAP
    return weights == "fixed"


def _chi(freedom: int, n: int) -> tuple[Array, Array]:
    """Nodes and weights of the chi law: Gauss-Legendre in its probabilities, as fates change over a narrow range."""
    if freedom == 0:
        return np.zeros(1), np.ones(1)
    x, weight = np.polynomial.legendre.leggauss(n)
    return np.sqrt(chdtri(freedom, (1 + x) / 2)), weight / 2


def _kinks(schedule: schedules.Annealing) -> tuple[float, ...]:
    return schedule.times[1:] if schedule.times else (schedule.duration,) if schedule.duration else ()
