"""Tables of the forces along mu, interpolated linearly: what the sweeps of `leader_follower` need a thousand times."""

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vicollapse.mixture.integrals import logistic_normal

Array = NDArray[np.float64]

_SPACING = 0.01
_DISTANCES = np.arange(0, 20, _SPACING)  # R = 0 beyond
PLACES = np.arange(-12, 12 + _SPACING, _SPACING)
"""Coordinates along mu at which `pull` is tabulated; T = +-1 beyond."""


def repulsion(along: ArrayLike, across: ArrayLike) -> Array:
    """R(D) = S(-D^2/2, D), how strongly two equal components part.

    Parameters
    ----------
    along, across : broadcastable; components of the distance D along mu and across it.

    Returns
    -------
    R : the broadcast shape; 1/2 at D = 0. Absolute error below 1e-6.

    Source: responsibility of one component at the other, equal weights.
    """
    return np.interp(np.hypot(along, across), _DISTANCES, _repulsion_table(), right=0.0)


@lru_cache(maxsize=1)
def _repulsion_table() -> Array:
    return logistic_normal(-_DISTANCES * _DISTANCES / 2, _DISTANCES)[0]


@lru_cache(maxsize=64)
def pull(separation: float) -> tuple[Array, float]:
    """Force F = |mu| T of a balanced target at `PLACES`.

    Parameters
    ----------
    separation : |mu|.

    Returns
    -------
    F, slope : the table, and its largest slope (`theory.midpoint_gain`).

    Source: T(x) = E tanh(|mu| (x + z)), z ~ N(0, 1).
    """
    force = separation * (2 * logistic_normal(2 * separation * PLACES, 2 * separation)[0] - 1)
    return force, float(np.diff(force).max() / _SPACING)


@lru_cache(maxsize=64)
def least_aligning_beta(separation: float, lost_mass: float = 1.0) -> tuple[float, float]:
    """Smallest inverse temperature at which an aligned pair stays, from the tables: to a part in a hundred.

    Parameters
    ----------
    separation : |mu|.
    lost_mass : only pairs count that leave the other mode less than this share of its weight.

    Returns
    -------
    beta : may exceed 1; inf below the separation at which the midpoint repels.
    ratio : of the pair at the fold, which any lost mass allows; at larger beta between the unstable and the stable one.

    Source: least value on the curve of stationary pairs (x, rho x): F(x) + F(rho x) = (1 + rho) x and
    beta = R (1 - rho) x / (x - F(x)), the outermost x at each rho. `annealing_rates.critical_beta` is exact.
    """
    force, _ = pull(separation)
    rho, x = np.linspace(0, 0.99, 100)[:, None], np.linspace(0.1, 2.0, 400) * separation
    excess = np.interp(x, PLACES, force) + np.interp(rho * x, PLACES, force) - (1 + rho) * x
    last = excess.shape[1] - 1 - np.argmax(excess[:, ::-1] > 0, axis=1)
    row = np.flatnonzero(last < excess.shape[1] - 1)
    low, high = excess[row, last[row]], excess[row, last[row] + 1]
    x, rho = x[last[row]] + (x[1] - x[0]) * low / (low - high), rho[row, 0]
    rest = np.interp(rho * x, PLACES, force) - rho * x  # x - F(x)
    beta = repulsion(x * (1 - rho), 0.0) * x * (1 - rho) / np.where(rest > 0, rest, np.nan)
    if not np.isfinite(beta).any():
        return np.inf, 0.0
    lost = (1 + rho) * x > separation * (2 - 2 * lost_mass)  # x + rho x = |mu| (T_1 + T_2)
    return float(np.nanmin(np.where(lost, beta, np.nan), initial=np.inf)), float(rho[np.nanargmin(beta)])
