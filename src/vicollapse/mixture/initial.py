"""Initial laws of two means in R^d, drawn exactly in their three-dimensional coordinates: any d costs the same."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vicollapse.errors import ConfigError, did_you_mean

Array = NDArray[np.float64]
Law = Callable[..., Array]

_TOLERANCE = 1e-10  # relative: what rounding can do to Gram matrices of vectors in up to 1e9 dimensions


def names() -> tuple[str, ...]:
    """Names of all initial laws."""
    return tuple(_LAWS)


def get(name: str) -> Law:
    """The initial law of that name: ``law(rng, n, *, dimension, separation, init_scale) -> U``.

    `rng` is a numpy.random.Generator, `n` the number of pairs, `dimension` d >= 1, `separation` |mu|. U is
    (n, 2, 3): rows are components, columns the coordinates along mu and along two directions across. `at_overlap` takes
    `overlaps` as well, `same_mode` takes `mode`.

    Raises
    ------
    ConfigError : no law has that name.
    """
    if name not in _LAWS:
        raise ConfigError(f"unknown initial law '{name}'{did_you_mean(name, _LAWS)}")
    return _LAWS[name]


def isotropic(rng: np.random.Generator, n: int, *, dimension: int, separation: float = 0.0, init_scale: float) -> Array:
    """Means u_k ~ N(0, init_scale^2 I_d).

    Source: coordinates along mu are Gaussian; the rest is init_scale^2 Wishart_2(d - 1), by Bartlett's decomposition.
    """
    U = np.zeros((n, 2, 3))
    U[:, :, 0] = rng.standard_normal((n, 2))
    if dimension == 2:  # one direction across: the Wishart matrix is singular, and the Gaussians are drawn themselves
        U[:, :, 1] = rng.standard_normal((n, 2))
    elif dimension > 2:
        U[:, 0, 1] = np.sqrt(rng.chisquare(dimension - 1, n))
        U[:, 1, 1] = rng.standard_normal(n)
        U[:, 1, 2] = np.sqrt(rng.chisquare(dimension - 2, n))
    U *= init_scale
    return U


def fixed_norm(
    rng: np.random.Generator, n: int, *, dimension: int, separation: float = 0.0, init_scale: float
) -> Array:
    """Means u_k ~ N(0, init_scale^2 I_d / d): of size init_scale (root mean square) in every dimension."""
    return isotropic(rng, n, dimension=dimension, init_scale=init_scale / np.sqrt(dimension))


def at_overlap(
    rng: np.random.Generator,
    n: int,
    *,
    dimension: int,
    separation: float,
    init_scale: float,
    overlaps: tuple[float, float] | None = None,
) -> Array:
    """Given overlaps m_k / |mu|^2 with the positive mode (1: at +mu, -1: at -mu), isotropic noise across mu only.

    Raises
    ------
    ConfigError : `overlaps` is missing.
    """
    if overlaps is None:
        raise ConfigError("initial law 'at_overlap' needs overlaps: two numbers m_k / |mu|^2, for example [0.5, -0.5]")
    U = isotropic(rng, n, dimension=dimension, init_scale=init_scale)
    U[:, :, 0] = separation * np.asarray(overlaps, np.float64)
    return U


def same_mode(
    rng: np.random.Generator, n: int, *, dimension: int, separation: float, init_scale: float, mode: int = 0
) -> Array:
    """Both means at one mode (0: +mu, 1: -mu) plus N(0, init_scale^2 I_d): the collapsed start."""
    U = isotropic(rng, n, dimension=dimension, init_scale=init_scale)
    U[:, :, 0] += (separation, -separation)[mode]
    return U


def at_modes(rng: np.random.Generator, n: int, *, dimension: int, separation: float, init_scale: float) -> Array:
    """One mean at each mode plus N(0, init_scale^2 I_d): the optimum, disturbed."""
    U = isotropic(rng, n, dimension=dimension, init_scale=init_scale)
    U[:, :, 0] += (separation, -separation)
    return U


_LAWS: dict[str, Law] = {law.__name__: law for law in (isotropic, fixed_norm, at_overlap, same_mode, at_modes)}


def from_means(means: ArrayLike, modes: ArrayLike) -> Array:
    """Coordinates of given starting means.

    Parameters
    ----------
    means : (n, 2, d). modes : (2, d), the positive one first; the origin of U is the point between them.

    Returns
    -------
    U : (n, 2, 3).

    Raises
    ------
    ValueError : shapes do not fit, or the two modes are equal.
    """
    means, modes = np.asarray(means, np.float64), np.asarray(modes, np.float64)
    if means.ndim != 3 or means.shape[1] != 2 or modes.shape != (2, means.shape[-1]):
        raise ValueError(f"means must be (n, 2, d) and modes (2, d); got {means.shape} and {modes.shape}")
    mu = (modes[0] - modes[1]) / 2
    if not (size := np.linalg.norm(mu)):
        raise ValueError("the two modes are equal: there is no direction mu")
    centred = means - (modes[0] + modes[1]) / 2
    along = centred @ (mu / size)
    across = centred - along[..., None] * (mu / size)
    U = np.zeros((len(means), 2, 3))
    U[..., 0] = along
    triangle = np.swapaxes(np.linalg.qr(across.swapaxes(1, 2), mode="r"), 1, 2)  # (n, 2, min(d, 2))
    U[..., 1 : 1 + triangle.shape[-1]] = triangle
    return U


def coordinates_from_statistics(y: ArrayLike, separation: ArrayLike) -> Array:
    """Coordinates with the given summary statistics, up to a rotation across mu (to which the flow is blind).

    Parameters
    ----------
    y : (n, 5) or (n, 6); m_1, m_2, s_11, s_12, s_22 and, unread, the log-odds. m_k = u_k.mu, s_kl = u_k.u_l.
    separation : scalar or (n,); |mu| > 0.

    Returns
    -------
    U : (n, 2, 3).

    Raises
    ------
    ValueError : a row is not finite or is no Gram matrix of (mu, u_1, u_2) beyond rounding; says which and why.
    """
    y = np.asarray(y, np.float64)
    if y.ndim != 2 or y.shape[1] not in (5, 6):
        raise ValueError(f"y must have shape (n, 6): m_1, m_2, s_11, s_12, s_22, log(w_1/w_2); got {y.shape}")
    mu = np.broadcast_to(np.asarray(separation, np.float64), y.shape[:1])
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # such rows are refused below
        x_1, x_2 = y[:, 0] / mu, y[:, 1] / mu
        across = y[:, 2] - x_1 * x_1, y[:, 3] - x_1 * x_2, y[:, 4] - x_2 * x_2
    _refuse_impossible(y, mu, *across)
    mean, half = _pivoted_root(*across)
    U = np.empty((len(y), 2, 3))
    U[:, 0, 0], U[:, 1, 0] = x_1, x_2
    U[:, 0, 1:], U[:, 1, 1:] = mean + half, mean - half
    return U


def statistics_from_coordinates(U: ArrayLike, separation: ArrayLike) -> Array:
    """Summary statistics (m_1, m_2, s_11, s_12, s_22), shape (n, 5), of coordinates `U` (n, 2, 3)."""
    U = np.asarray(U, np.float64)
    u_1, u_2 = U[:, 0], U[:, 1]
    products = [(u * v).sum(axis=-1) for u, v in ((u_1, u_1), (u_1, u_2), (u_2, u_2))]
    return np.stack([u_1[:, 0] * separation, u_2[:, 0] * separation, *products], axis=-1)


def _refuse_impossible(y: Array, mu: Array, q_11: Array, q_12: Array, q_22: Array) -> None:
    size_1, size_2 = np.abs(y[:, 2]), np.abs(y[:, 4])
    bound = np.sqrt(np.maximum(q_11, 0)) * np.sqrt(np.maximum(q_22, 0))
    reasons = (
        (~(np.isfinite(y).all(axis=1) & (mu > 0)), "a number is not finite, or |mu| is not positive"),
        (q_11 < -_TOLERANCE * size_1, "s_11 < m_1^2 / |mu|^2: u_1 is shorter than its part along mu"),
        (q_22 < -_TOLERANCE * size_2, "s_22 < m_2^2 / |mu|^2: u_2 is shorter than its part along mu"),
        (
            np.abs(q_12) > bound + _TOLERANCE * np.sqrt(size_1) * np.sqrt(size_2),
            "s_12 is too large in size: the parts across mu would have |cosine| > 1",
        ),
    )
    for wrong, why in reasons:
        if wrong.any():
            row = int(np.argmax(wrong))
            values = ", ".join(f"{v:.12g}" for v in y[row])
            raise ValueError(f"y[{row}] = ({values}) is no Gram matrix of (mu, u_1, u_2) at |mu| = {mu[row]:g}: {why}")


def _pivoted_root(q_11: Array, q_12: Array, q_22: Array) -> tuple[Array, Array]:
    """Plane vectors `mean` and `half`; mean + half and mean - half have Gram matrix q, and equal ones stay equal."""
    mean_2, half_2, product = (q_11 + q_22 + 2 * q_12) / 4, (q_11 + q_22 - 2 * q_12) / 4, (q_11 - q_22) / 4
    pivot = np.sqrt(np.maximum(np.maximum(mean_2, half_2), 0))
    along = np.divide(product, pivot, out=np.zeros_like(pivot), where=pivot > 0)
    rest = np.sqrt(np.maximum(np.minimum(mean_2, half_2) - along**2, 0))
    first, second = np.stack([pivot, np.zeros_like(pivot)], axis=1), np.stack([along, rest], axis=1)
    mean_first = (mean_2 >= half_2)[:, None]
    return np.where(mean_first, first, second), np.where(mean_first, second, first)
