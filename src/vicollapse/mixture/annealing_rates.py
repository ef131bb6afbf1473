"""Linear rates and thresholds of the annealed flow: what splits a pair of means, how fast, and below which beta.

Two modes, two components, fixed equal weights, balanced target. The pair's difference and sum have coordinates along mu
and across it; R(D) = S(-D^2/2, D) is the repulsion, c the `theory.midpoint_gain`, T(x) = E tanh(|mu| (x + z)).
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.integrate import quad
from scipy.optimize import brentq

from vicollapse.mixture.integrals import logistic_normal
from vicollapse.mixture.theory import aligned_means, critical_separation, midpoint_gain, repulsion_distance

_LEAST_BETA = 1e-8


@dataclass(frozen=True)
class OriginRates:
    """Rates (1 / time) at which the parts of a pair around the midpoint grow; negative: they shrink.

    Parameters
    ----------
    along_difference, along_sum : of x_1 - x_2 and x_1 + x_2, the coordinates along mu.
    across_difference, across_sum : of the parts across mu.
    """

    along_difference: float
    along_sum: float
    across_difference: float
    across_sum: float


@dataclass(frozen=True)
class AlignedRates:
    """Rates (1 / time) of small disturbances of the stable aligned pair; NaN where there is none.

    Parameters
    ----------
    along : slower and faster rate in the plane (x_1, x_2), both negative; the slower one vanishes at the fold.
    across_difference, across_sum : of the parts across mu.
    rotation : at which a pair at one mode that has split across mu, to the distance D*, turns to mu; 0 for beta = 1.
    """

    along: tuple[float, float]
    across_difference: float
    across_sum: float
    rotation: float


def origin_rates(separation: float, beta: float, distance: float = 0.0) -> OriginRates:
    """Linear rates at the midpoint between the modes, for a pair at that distance across mu.

    Parameters
    ----------
    separation, beta : |mu|, and the inverse temperature in (0, 1].
    distance : D of the means, in standard deviations; 0 for coincident means, where R = 1/2.

    Returns
    -------
    OriginRates : R + beta (c - 1)/2, beta (c - 1)/2, R - beta/2 and -beta/2.

    Source: the closed equations, linear in the coordinates along mu. Across mu the first two hold at any distance.
    """
    R, drive = float(logistic_normal(-distance * distance / 2, distance)[0]), float(midpoint_gain(separation)) - 1
    return OriginRates(R + beta * drive / 2, beta * drive / 2, R - beta / 2, -beta / 2)


def aligned_rates(separation: float, beta: float) -> AlignedRates:
    """Linear rates at the stable aligned state, both means at one mode.

    Parameters
    ----------
    separation, beta : |mu|, and the inverse temperature in (0, 1], not below 1e-8.

    Returns
    -------
    AlignedRates : NaN below the critical separation.

    Source: Jacobian of the closed equations at `theory.aligned_means`; across mu R - beta/2, which is negative because
    R < beta/2 there; the pair across mu at distance D* has R = beta/2 and turns at beta |mu| T'(x)/2, x at the mode.
    """
    outer, inner = np.multiply(aligned_means(separation, beta), separation)
    D = outer - inner
    R, slope = _repulsion(D), _repulsion(D) + D * (_repulsion(D * (1 + 1e-5)) - _repulsion(D * (1 - 1e-5))) / (2e-5 * D)
    own = [(slope + beta * (_pull_slope(x, separation) - 1)) / 2 for x in (outer, inner)]
    jacobian = np.array([[own[0], -slope / 2], [-slope / 2, own[1]]])
    slow, fast = (np.nan, np.nan) if np.isnan(D) else sorted(np.linalg.eigvalsh(jacobian), reverse=True)
    turning = beta * turning_rate(separation) if repulsion_distance(beta) > 0 else 0.0
    return AlignedRates((float(slow), float(fast)), R - beta / 2, -beta / 2 + 0 * R, turning + 0 * R)


def turning_rate(separation: float) -> float:
    """Rate / beta at which a pair at one mode that is split across mu turns towards mu: |mu| T'(x)/2, x at the mode.

    Parameters
    ----------
    separation : |mu|.

    Returns
    -------
    rate : (difference along mu) / (difference across) grows as exp(rate * int beta dt) at any distance across.

    Source: along mu the difference grows at R + beta (|mu| T' - 1)/2, across mu at R - beta/2.
    """
    return _pull_slope(_mode(separation), separation) / 2


@lru_cache(maxsize=256)
def critical_beta(separation: float) -> float:
    """Inverse temperature below which an aligned pair cannot stay at that separation: it parts along mu.

    Parameters
    ----------
    separation : |mu|.

    Returns
    -------
    beta : in (0, 1], to 1e-4 relative; inf below the critical separation 2.26 of beta = 1, where no pair stays aligned;
        0 stands for less than 1e-8 (|mu| > 7.86).

    Source: inverse of `theory.critical_separation`. It falls fast: .30, .039, .0025, .00007 for |mu| = 3, 4, 5, 6.
    """
    if separation < critical_separation(1.0):
        return np.inf
    if separation > critical_separation(_LEAST_BETA):
        return 0.0

    def excess(log_beta: float) -> float:
        return critical_separation(float(np.clip(np.exp(log_beta), _LEAST_BETA, 1.0))) - separation

    return float(np.exp(brentq(excess, np.log(_LEAST_BETA), 0.0, xtol=1e-4)))


def repulsion_time(start: float, end: float, beta: float = 0.0) -> float:
    """Time in which entropic repulsion drives two means apart across mu, from one distance to a larger one.

    Parameters
    ----------
    start, end : distances D > 0, in standard deviations.
    beta : in [0, 1]; constant inverse temperature.

    Returns
    -------
    time : inf if the pair stops before, at `theory.repulsion_distance`. About 2 log(end / start) while D < 2, and
        growing like exp(end^2 / 8) beyond.

    Source: d log D/dt = R(D) - beta/2.
    """
    if beta > 0 and end >= repulsion_distance(beta):
        return np.inf
    return float(quad(lambda u: 1 / (_repulsion(np.exp(u)) - beta / 2), np.log(start), np.log(end), epsrel=1e-9)[0])


def energy_gap(separation: float) -> float:
    """Energy of a component at the midpoint above that of one at a mode, for beta = 1.

    Parameters
    ----------
    separation : |mu|.

    Returns
    -------
    gap : E_N(0,I)[-log p] - E_N(mu,I)[-log p]; |mu|^2/2 - sqrt(2/pi) |mu| for large |mu|.

    Source: log p of the balanced target under a unit Gaussian; it decides how much weight a laggard may keep.
    """
    midpoint, mode = (logistic_normal(2 * m, 2 * separation)[1] - m for m in (0.0, separation**2))
    return float(mode - midpoint - separation**2 / 2) if separation else 0.0


def _repulsion(distance: float) -> float:
    return float(logistic_normal(-distance * distance / 2, distance)[0])


def _mode(separation: float) -> float:
    """Where one component rests: the outermost x = |mu| T(x)."""
    x = separation
    for _ in range(200):
        x = separation * float(2 * logistic_normal(2 * separation * x, 2 * separation)[0] - 1)
    return x


def _pull_slope(x: float, separation: float) -> float:
    """|mu| dT/dx = |mu|^2 E sech^2(|mu| (x + z)), by the trapezoid rule."""
    step = min(0.1, 0.1 / separation)
    z = np.arange(-10, 10, step) if np.isfinite(x) else np.array([np.nan])
    with np.errstate(over="ignore"):
        slopes = np.exp(-z * z / 2) / np.cosh(separation * (x + z)) ** 2
    return float(separation**2 * step * slopes.sum() / np.sqrt(2 * np.pi))
