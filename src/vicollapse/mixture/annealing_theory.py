"""The probability of collapse under annealing, without simulation, and how small any schedule can make it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import solve_ivp
from scipy.special import chdtri

from vicollapse import schedules
from vicollapse.errors import ConfigError, did_you_mean
from vicollapse.mixture.annealing_rates import turning_rate
from vicollapse.mixture.arrival import LARGEST_GAP, course_of, gap_on_arrival, require_positive
from vicollapse.mixture.equations import WEIGHTS
from vicollapse.mixture.leader_follower import critical_ratio
from vicollapse.mixture.planar_tables import least_aligning_beta, repulsion
from vicollapse.mixture.theory import SATURATION, midpoint_gain

Array = NDArray[np.float64]

_RADII, _ACROSS = 12, 6  # nodes of the quadrature over starts
_PARTED = 100.0  # int beta dt after which a pair that cannot stay aligned has parted along mu
_TURNED = 10.0  # e-folds that turn all but a few pairs in 10^4 towards mu, and log(d)/2 more: they start across it
_RESOLVED = 0.005  # probability below which the sweeps may agree on rho = 1, if pairs have no time to part
_NEAR_FOLD = 0.9  # of the highest beta: from there on the sweeps agree on a wrong course
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
    probability : NaN where no formula holds or the sweeps cannot tell. Imbalance, `adaptive`, the other weights; for
        softmax |mu| < 4, init_scale sqrt(d) > 3, or `arrival.gap_on_arrival` > 2. The highest beta less than 11 % above
        the critical one (|mu| 2.26 .. 2.33 if beta ends at 1), or below it while pairs split across mu turn too slowly;
        beta that falls back; int beta dt < 100 where |mu| < 1.46 or the probability is below .005; sweeps that do not
        agree or take too long (slow ramps, mostly |mu| < 4).

    Raises
    ------
    ConfigError : the schedule makes no sense, or a parameter is out of its range.

    Source: this project's derivation. Against 160 random problems of 4000 draws (d 1 .. 10^4, |mu| 2.3 .. 10,
    init_scale .003 .. 3, beta0 from 1e-6): root mean square .0055, largest .016, as the draws make it; 21 were refused.
    """
    _check(dimension, weights, mass_threshold, separation=separation, init_scale=init_scale, t_end=t_end)
    schedule = schedules.annealing(annealing)
    unknown = imbalance != 0 or schedule.shape in schedules.WITH_CLOCK
    if unknown or not _holds(weights, dimension, separation, init_scale, schedule):
        return np.nan
    course = course_of(schedule, separation, t_end=t_end, mass_threshold=mass_threshold)
    if (known := _without_sweeps(course, dimension)) is not None:
        return known
    (radius, radius_weight), (across, across_weight) = _chi(2, _RADII), _chi(dimension - 1, _ACROSS)
    nodes = np.broadcast_arrays(init_scale * radius[:, None], np.sqrt(2) * init_scale * across)
    angle = np.arctan(critical_ratio(course, *nodes))
    found = float(radius_weight @ (0.5 - 2 / np.pi * angle) @ across_weight)
    return np.nan if found < _RESOLVED and _elapsed(course) < _PARTED else found


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


def _elapsed(course):
    """int beta dt up to t_end."""
    times = course.moments()
    return float(np.trapezoid(course.beta(times), times))


def _without_sweeps(course, dimension):
    """0 where no pair can stay aligned, NaN where the sweeps cannot tell, None where they can."""
    betas, elapsed = course.beta(course.moments()), _elapsed(course)
    highest = betas.max()
    fold, lost = (least_aligning_beta(course.separation, mass)[0] for mass in (1.0, course.lost_mass))
    if lost > 1.02 * highest and elapsed >= _PARTED:
        turned = elapsed * turning_rate(course.separation) >= _TURNED + np.log(dimension) / 2
        return 0.0 if dimension == 1 or turned else np.nan
    near_fold = fold > _NEAR_FOLD * highest if elapsed >= _PARTED else np.isinf(fold)
    return np.nan if near_fold or _falls_back(betas, course.settled_from()) else None


def _falls_back(betas, settled):
    return bool(((np.maximum.accumulate(betas) > settled) & (betas < settled)).any())


def _check(dimension, weights, mass_threshold, **positive):
    require_positive(dimension=dimension, **positive)
    if dimension < 1:
        raise ConfigError(f"dimension must be at least 1, not {dimension}")
    if not 0 < mass_threshold < 1:
        raise ConfigError(f"mass_threshold must be between 0 and 1, not {mass_threshold}")
    if weights not in WEIGHTS:
        raise ConfigError(f"weights: unknown geometry '{weights}'{did_you_mean(weights, WEIGHTS)}")


def _holds(weights, dimension, separation, init_scale, schedule):
    if weights == "softmax":
        near = separation >= _SOFTMAX_FROM and init_scale * np.sqrt(dimension) <= _SOFTMAX_SIZE
        return near and gap_on_arrival(separation, init_scale, schedule) <= LARGEST_GAP
    return weights == "fixed"


def _chi(freedom: int, n: int) -> tuple[Array, Array]:
    """Nodes and weights of the chi law: Gauss-Legendre in its probabilities, as fates change over a narrow range."""
    if freedom == 0:
        return np.zeros(1), np.ones(1)
    x, weight = np.polynomial.legendre.leggauss(n)
    return np.sqrt(chdtri(freedom, (1 + x) / 2)), weight / 2
