"""What can be said without simulating: where the aligned state exists, and how likely it is from a small start.

For two modes and two components, fixed equal weights and a balanced target (h = 0); x = u.mu / |mu| is the coordinate
along mu, v the part across, and R(D) = S(-D^2/2, D), D = |u_1 - u_2|. A beta outside (0, 1] raises ValueError.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq, minimize_scalar

from vicollapse.mixture.integrals import logistic_normal

Array = NDArray[np.float64]

SATURATION = 1.4
"""Size of a coordinate along mu at which the growth from the midpoint stops being exponential (empirical)."""


def repulsion_distance(beta: float) -> float:
    """Distance D* at which entropic repulsion balances the tempered target across mu: R(D*) = beta / 2.

    Parameters
    ----------
    beta : in (0, 1]; inverse temperature.

    Returns
    -------
    distance : in units of a component's standard deviation; 0 for beta = 1, about sqrt(8 log(1/beta)) for small beta.

    Source: d(v_1 - v_2)/dt = (R - beta/2)(v_1 - v_2) across mu, at every separation.
    """
    _check_beta(beta)
    bound = np.sqrt(-8 * np.log(beta))  # because R(D) <= exp(-D^2/8) / 2

    def excess(D: float) -> float:
        return float(np.log(logistic_normal(-D * D / 2, D)[0] / (beta / 2)))

    return float(brentq(excess, 0, bound * (1 + 1e-9), xtol=1e-14)) if bound > 0 else 0.0


def midpoint_gain(separation: ArrayLike) -> Array:
    """c = M E sech^2(|mu| z), z ~ N(0, 1), M = |mu|^2: what drives both coordinates along mu away from the midpoint.

    Parameters
    ----------
    separation : any shape; |mu| >= 0.

    Returns
    -------
    gain : same shape; |mu|^2 for small, sqrt(2/pi) |mu| for large separations.

    Source: slope of |mu| T = |mu| E tanh(|mu| (x + z)) at x = 0; d(x_1 + x_2)/dt = beta (c - 1)/2 (x_1 + x_2) there.
    """
    mu = np.abs(np.asarray(separation, np.float64))[..., None]
    step = np.minimum(mu, 1) * 0.1
    y = step * np.arange(-240, 241)  # y = |mu| z, fine enough for the normal law and for sech^2
    normal = np.exp(-0.5 * (y / np.where(mu > 0, mu, 1)) ** 2) / np.sqrt(2 * np.pi)
    return (mu * step * normal / np.cosh(y) ** 2).sum(axis=-1)


@lru_cache(maxsize=1)
def midpoint_separation() -> float:
    """Separation (1.461) above which the midpoint between the modes repels both means: midpoint_gain = 1."""
    return float(brentq(lambda mu: midpoint_gain(mu) - 1, 1, 2, xtol=1e-13))


@lru_cache(maxsize=256)
def critical_separation(beta: float = 1.0) -> float:
    """Smallest separation at which the aligned state (both means at one mode) exists.

    Below it no start can collapse while beta stays; at it a stable and an unstable aligned state merge (a fold).

    Parameters
    ----------
    beta : in (0, 1], not below 1e-8; inverse temperature.

    Returns
    -------
    separation : |mu|, to 1e-8; 2.26 for beta = 1.

    Source: stationary points of the closed equations, x_1 + x_2 = |mu| (T_1 + T_2) and
    (x_1 - x_2)(1 - 2 R/beta) = |mu| (T_1 - T_2). Across mu the means agree there and R < beta/2 makes that stable.
    """
    _check_beta(beta, 1e-8)
    return float(brentq(lambda mu: _largest_balance(mu, beta)[1], 1.5, 3 + repulsion_distance(beta), xtol=1e-9))


def aligned_means(separation: float, beta: float = 1.0) -> tuple[float, float]:
    """The two means of the stable aligned state, as overlaps m_k / M with the mode that they share.

    Parameters
    ----------
    separation, beta : |mu|, and the inverse temperature in (0, 1], not below 1e-8.

    Returns
    -------
    overlaps : (outer, inner), 1 being the mode itself; (nan, nan) below the critical separation.

    Source: as `critical_separation`. Valid for |mu| <= 30.
    """
    _check_beta(beta, 1e-8)
    if separation < critical_separation(beta):
        return np.nan, np.nan
    peak, _ = _largest_balance(separation, beta)
    gap = repulsion_distance(beta) or float(np.sqrt(_attraction(np.array([1e-9]), separation)[1][0]))  # below the root

    def balance(log_gap: float) -> float:
        return float(_balance(np.exp(log_gap), separation, beta))

    if balance(np.log(peak)) <= 0:  # at the fold itself
        gap = peak
    elif gap > 0 and balance(np.log(gap)) < 0:  # else the root is `gap` to rounding
        gap = float(np.exp(brentq(balance, np.log(gap), np.log(peak), xtol=1e-14)))
    centre = float(_attraction(np.array([gap]), separation)[0][0])
    return (centre + gap / 2) / separation, (centre - gap / 2) / separation


def small_scale_collapse_probability(separation: ArrayLike, init_scale: ArrayLike) -> Array:
    """Probability of collapse (alignment) from isotropic starts near the midpoint, without annealing.

    Both coordinates along mu grow exponentially, their difference faster by R = 1/2, and their signs freeze when the
    larger reaches `SATURATION`: P = (2/pi) arctan((init_scale / 1.4)^(1/(c - 1))), c = `midpoint_gain`.

    Parameters
    ----------
    separation, init_scale : broadcastable; |mu|, and the standard deviation of every coordinate of a start.

    Returns
    -------
    probability : 0 at and below the critical separation.

    Source: this project's derivation. Valid for fixed equal weights, h = 0, beta = 1 and init_scale sqrt(d) << 1; an
    overestimate within about 20 % of the critical separation. The exponent is exact in the limit init_scale -> 0;
    `annealing_theory.annealed_collapse_probability` has no constant and holds for every start and schedule.
    """
    mu, scale = np.broadcast_arrays(np.asarray(separation, np.float64), np.asarray(init_scale, np.float64))
    exists = mu > critical_separation()
    gain = np.where(exists, midpoint_gain(mu), 2.0)
    return np.where(exists, 2 / np.pi * np.arctan((scale / SATURATION) ** (1 / (gain - 1))), 0.0)


def _check_beta(beta: float, least: float = 0.0) -> None:
    if not (0 < beta <= 1 and beta >= least):
        raise ValueError(f"beta must be in (0, 1], not below {least:g}; got {beta}")


def _largest_balance(separation: float, beta: float) -> tuple[float, float]:
    """Distance at which `_balance` is largest, and its value there: an aligned state exists iff that is >= 0."""
    grid = np.linspace(0.02, 2 * separation, 100)
    best = int(np.argmax(_balance(grid, separation, beta)))
    ends = grid[max(best - 1, 0)], grid[min(best + 1, 99)]
    found = minimize_scalar(lambda D: -float(_balance(D, separation, beta)), bounds=ends, method="bounded")
    return float(found.x), -float(found.fun)


def _balance(distance: ArrayLike, separation: float, beta: float) -> Array:
    """1 - 2R/beta minus |mu| (T_1 - T_2)/D at distance D, the means' centre being stationary; < 0: the pair parts."""
    D = np.asarray(distance, np.float64)
    centre, pull = _attraction(np.atleast_1d(D), separation)
    z, w = _nodes(separation)
    p, q = (D * D / 2)[..., None], D[..., None] * z
    with np.errstate(over="ignore"):
        spread = 1 + np.exp(-2 * p) + np.exp(q - p) + np.exp(-q - p)
    alike = (-np.expm1(-2 * p) / spread) @ w  # 1 - 2R, without cancellation
    return np.where(centre > D / 2, (beta - 1 + alike) / beta - pull, -1.0).reshape(D.shape)


def _attraction(distance: Array, separation: float) -> tuple[Array, Array]:
    """Stationary centre (x_1 + x_2)/2 of a pair at that distance (NaN: none), and |mu| (T_1 - T_2) / distance there.

    Newton's method from the mode inwards: T is concave on the mode's side, so the steps never pass the outermost root.
    """
    z, w = _nodes(separation)
    centre = np.full(distance.shape, float(separation))
    for _ in range(80):
        x_1, x_2 = (separation * (centre + sign * distance / 2 + z[:, None]) for sign in (1, -1))
        T_1, T_2 = w @ np.tanh(x_1), w @ np.tanh(x_2)
        slope = separation**2 * (w @ (2 - np.tanh(x_1) ** 2 - np.tanh(x_2) ** 2)) - 2
        step = (separation * (T_1 + T_2) - 2 * centre) / slope
        centre = np.where((slope < 0) & (centre - step > distance / 2), centre - step, np.nan)
        if not np.nanmax(np.abs(step), initial=0) > 1e-15 * separation:
            break
    log_cosh = sum(np.abs(x) + np.log1p(np.exp(-2 * np.abs(x))) - np.log(2) for x in (x_1, x_2))
    # T_1 - T_2 = E sinh(|mu| D) / (cosh x_1 cosh x_2)
    log_sinh = separation * distance + np.log(-np.expm1(-2 * separation * distance) / 2)
    return centre, separation * (w @ np.exp(log_sinh - log_cosh)) / distance


def _nodes(separation: float) -> tuple[Array, Array]:
    """Trapezoid nodes and weights for logistic functions of slope up to 2 |mu| and integrands as far out as -|mu|."""
    h = min(0.3, 0.22 / separation)
    n = int(np.ceil((separation + 9) / h))
    z = h * np.arange(-n, n + 1, dtype=np.float64)
    return z, h * np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi)
