"""What one would write without this package: SciPy's and diffrax's integrators on a good right-hand side.

All integrate the closed form of the flow, y = (m_1, m_2, s_11, s_12, s_22, lam), and evaluate the logistic-normal
integrals by the mixture of 8 probits (Monahan and Stefanski 1992). No peer is given the Jacobian, which the product
derives from its equations by itself.
"""

import math
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray
from probits import probit_mixture
from problems import ATOL_OVER_RTOL, RTOL, T_END, ProblemSet
from scipy.integrate import RK45, odeint, solve_ivp
from scipy.special import expit, ndtr, zeta

Array = NDArray[np.float64]
Peer = Callable[..., Array]

STEADY = 1e-6
"""Peers that may stop early do so at max |dy/dt| below this (diffrax: root mean square)."""
P, SLOPES, _ = probit_mixture(8)
VARIANCES = 1 / SLOPES**2
DENSITIES = P / math.sqrt(2 * math.pi)
_ETA = [float((1 - 2.0 ** (1 - 2 * n)) * zeta(2 * n)) for n in range(1, 36)]


def quadrature(a: float, b: float) -> tuple[float, float]:
    """S and L to 1e-12 in a few NumPy calls: trapezoid rule for b < 9, Sommerfeld's series in 1/b^2 above."""
    if b < 9:
        z, w = _trapezoid(math.ceil(b))
        x = a + b * z
        return float(w @ expit(x)), float(w @ np.logaddexp(0, x))
    x = max(min(a / b, 38.0), -38.0)
    phi, Phi = math.exp(-x * x / 2) / math.sqrt(2 * math.pi), 0.5 * math.erfc(-x / math.sqrt(2))
    S, L, even, odd = Phi, b * ((a / b) * Phi + phi), 1 / b, x / b**2
    for n, eta in enumerate(_ETA, start=1):
        S -= 2 * eta * odd * phi
        L += 2 * eta * even * phi
        if abs(even) + abs(odd) < 1e-16:
            break
        even = (x * odd - (2 * n - 1) * even / b) / b
        odd = (x * even - 2 * n * odd / b) / b
    return S, L


@cache
def _trapezoid(b: int) -> tuple[Array, Array]:
    z = np.arange(-9, 9.01, min(0.4, 0.45 / max(b, 1)))
    w = np.exp(-z * z / 2)
    return z, w / w.sum()


def numpy_rhs(separation: float, accurate: bool = False) -> Callable[[float, Array], tuple[float, ...]]:
    """Right-hand side f(t, y) in about ten NumPy calls: four integrals times eight probits at once.

    `accurate`: the integrals by quadrature to rounding, as one would write them without knowing the probit mixture.
    """
    M, exp, sqrt = separation**2, math.exp, np.sqrt
    width = np.empty((4, 8))  # 1/c_i = sqrt(b^2 + 1/s_i^2); the target's two rows never change
    width[2:] = np.sqrt(4 * M + VARIANCES)

    def f(t: float, y: Array) -> tuple[float, ...]:
        m1, m2, s11, s12, s22, lam = y.tolist()
        D2 = max(s11 + s22 - 2 * s12, 0.0)
        a = np.array((-lam - D2 / 2, lam - D2 / 2, 2 * m1, 2 * m2))
        if accurate:
            D, b = math.sqrt(D2), 2 * separation
            S, L = np.array([quadrature(x, width) for x, width in zip(a.tolist(), (D, D, b, b), strict=True)]).T
        else:
            width[:2] = sqrt(D2 + VARIANCES)
            x = a[:, None] / width
            S = ndtr(x) @ P
            L = a * S + (np.exp(-0.5 * x * x) * width) @ DENSITIES
        (S1, S2, S3, S4), (L1, L2, L3, L4) = S.tolist(), L.tolist()
        R12, R21 = (exp(-lam) * S2, S2) if lam >= 0 else (S1, exp(lam) * S1)
        w1 = 1 / (1 + exp(-lam)) if lam >= 0 else exp(lam) / (1 + exp(lam))
        w2 = 1 - w1 if lam < 0 else exp(-lam) / (1 + exp(-lam))
        T1, T2 = 2 * S3 - 1, 2 * S4 - 1
        gap = lam + L1 - L2 + (s11 - s22) / 2 + m1 - m2 - L3 + L4
        return (
            w1 * ((R12 - 1) * m1 - R12 * m2 + T1 * M),
            w2 * ((R21 - 1) * m2 - R21 * m1 + T2 * M),
            2 * w1 * ((R12 - 1) * s11 - R12 * s12 + T1 * m1),
            w1 * ((R12 - 1) * s12 - R12 * s22 + T1 * m2) + w2 * ((R21 - 1) * s12 - R21 * s11 + T2 * m1),
            2 * w2 * ((R21 - 1) * s22 - R21 * s12 + T2 * m2),
            -2 * w1 * w2 * gap,
        )

    return f


def slopes(m1, m2, s11, s12, s22, M, w1, w2, R12, R21, T1, T2, gap):
    """dy/dt of the statistics from responsibilities R, overlaps T and weights w; for arrays of any library."""
    return [
        w1 * ((R12 - 1) * m1 - R12 * m2 + T1 * M),
        w2 * ((R21 - 1) * m2 - R21 * m1 + T2 * M),
        2 * w1 * ((R12 - 1) * s11 - R12 * s12 + T1 * m1),
        w1 * ((R12 - 1) * s12 - R12 * s22 + T1 * m2) + w2 * ((R21 - 1) * s12 - R21 * s11 + T2 * m1),
        2 * w2 * ((R21 - 1) * s22 - R21 * s12 + T2 * m2),
        -2 * w1 * w2 * gap,
    ]


@numba.njit(error_model="numpy")
def _integral(a, b2):
    S = density = 0.0
    for i in range(8):
        width = math.sqrt(b2 + VARIANCES[i])
        x = a / width
        S += P[i] * 0.5 * math.erfc(-x * math.sqrt(0.5))
        density += DENSITIES[i] * math.exp(-0.5 * x * x) * width
    return S, a * S + density


@numba.njit(error_model="numpy")
def numba_rhs(t, y, separation):
    """The same right-hand side, compiled."""
    m1, m2, s11, s12, s22, lam = y[0], y[1], y[2], y[3], y[4], y[5]
    M, D2 = separation * separation, max(s11 + s22 - 2 * s12, 0.0)
    S1, L1 = _integral(-lam - D2 / 2, D2)
    S2, L2 = _integral(lam - D2 / 2, D2)
    S3, L3 = _integral(2 * m1, 4 * M)
    S4, L4 = _integral(2 * m2, 4 * M)
    ratio = math.exp(-abs(lam))
    R12, R21 = (ratio * S2, S2) if lam >= 0 else (S1, ratio * S1)
    heavy, light = 1 / (1 + ratio), ratio / (1 + ratio)
    w1, w2 = (heavy, light) if lam >= 0 else (light, heavy)
    T1, T2 = 2 * S3 - 1, 2 * S4 - 1
    dy = np.empty(6)
    dy[0] = w1 * ((R12 - 1) * m1 - R12 * m2 + T1 * M)
    dy[1] = w2 * ((R21 - 1) * m2 - R21 * m1 + T2 * M)
    dy[2] = 2 * w1 * ((R12 - 1) * s11 - R12 * s12 + T1 * m1)
    dy[3] = w1 * ((R12 - 1) * s12 - R12 * s22 + T1 * m2) + w2 * ((R21 - 1) * s12 - R21 * s11 + T2 * m1)
    dy[4] = 2 * w2 * ((R21 - 1) * s22 - R21 * s12 + T2 * m2)
    dy[5] = -2 * w1 * w2 * (lam + L1 - L2 + (s11 - s22) / 2 + m1 - m2 - L3 + L4)
    return dy


def scipy_rk45(problems: ProblemSet, t_end: float = T_END, rtol: float = RTOL) -> Array:
    """A loop over `scipy.integrate.solve_ivp` with RK45, its default: final statistics (n, 6), NaN where it failed."""
    return _solve_ivp("RK45", problems, t_end, rtol)


def scipy_lsoda(problems: ProblemSet, t_end: float = T_END, rtol: float = RTOL) -> Array:
    """The same loop with LSODA, which switches to an implicit method where the flow is stiff."""
    return _solve_ivp("LSODA", problems, t_end, rtol)


def scipy_radau(problems: ProblemSet, t_end: float = T_END, rtol: float = RTOL) -> Array:
    """The same loop with Radau, implicit throughout; SciPy takes the Jacobian by differences."""
    return _solve_ivp("Radau", problems, t_end, rtol)


def scipy_rk45_accurate(problems: ProblemSet, t_end: float = T_END, rtol: float = RTOL) -> Array:
    """RK45 with the integrals by quadrature in NumPy."""
    return _solve_ivp("RK45", problems, t_end, rtol, accurate=True)


def scipy_lsoda_accurate(problems: ProblemSet, t_end: float = T_END, rtol: float = RTOL) -> Array:
    """LSODA with the integrals by quadrature in NumPy."""
    return _solve_ivp("LSODA", problems, t_end, rtol, accurate=True)


def scipy_rk45_stop(problems: ProblemSet, t_end: float = T_END, rtol: float = RTOL) -> Array:
    """RK45 stepped by hand, so that it can stop at a steady state: not asked for, but fair to explicit methods."""
    final = np.full_like(problems.y, np.nan)
    for i, (y, separation) in enumerate(zip(problems.y, problems.separation, strict=True)):
        solver = RK45(numpy_rhs(float(separation)), 0.0, y, t_end, rtol=rtol, atol=ATOL_OVER_RTOL * rtol)
        while solver.status == "running" and max(map(abs, solver.f.tolist())) > STEADY:
            solver.step()
        if solver.status != "failed":
            final[i] = solver.y
    return final


def scipy_lsoda_numba(problems: ProblemSet, t_end: float = T_END, rtol: float = RTOL) -> Array:
    """LSODA through `scipy.integrate.odeint` on the compiled right-hand side.

    `odeint` has no Python code per step, unlike `solve_ivp`, but every right-hand side is still called from C through
    Python: wrapping the arrays and dispatching costs about as much as the arithmetic itself.
    """
    final, tolerances = np.full_like(problems.y, np.nan), {"rtol": rtol, "atol": ATOL_OVER_RTOL * rtol}
    times = np.array([0.0, t_end])
    for i, (y, separation) in enumerate(zip(problems.y, problems.separation, strict=True)):
        arguments = (float(separation),)
        path, report = odeint(numba_rhs, y, times, arguments, tfirst=True, mxstep=10**6, full_output=True, **tolerances)
        if report["message"] == "Integration successful.":
            final[i] = path[-1]
    return final


def diffrax_tsit5(problems: ProblemSet, t_end: float = T_END, rtol: float = RTOL) -> Array:
    """diffrax's Tsit5, vmapped over all trajectories, jitted, float64, with a steady-state event."""
    from peer_diffrax import tsit5

    return tsit5(problems, t_end, rtol)


def diffrax_tsit5_full(problems: ProblemSet, t_end: float = T_END, rtol: float = RTOL) -> Array:
    """The same without the event: cheaper steps, and the batch waits for its slowest trajectory anyway."""
    from peer_diffrax import tsit5

    return tsit5(problems, t_end, rtol, steady=False)


def torchode_tsit5(problems: ProblemSet, t_end: float = T_END, rtol: float = RTOL) -> Array:
    """torchode's Tsit5: one batch in PyTorch, with steps of its own for every trajectory."""
    from peer_torchode import tsit5

    return tsit5(problems, t_end, rtol)


_ALL: dict[str, tuple[Peer, str]] = {
    "scipy_rk45": (scipy_rk45, "SciPy RK45"),
    "scipy_rk45_accurate": (scipy_rk45_accurate, "SciPy RK45, integrals by quadrature"),
    "scipy_lsoda_accurate": (scipy_lsoda_accurate, "SciPy LSODA, integrals by quadrature"),
    "scipy_rk45_stop": (scipy_rk45_stop, "SciPy RK45, stops when steady"),
    "scipy_lsoda": (scipy_lsoda, "SciPy LSODA"),
    "scipy_radau": (scipy_radau, "SciPy Radau"),
    "scipy_lsoda_numba": (scipy_lsoda_numba, "SciPy LSODA, numba rhs"),
    "diffrax_tsit5": (diffrax_tsit5, "diffrax Tsit5, stops when steady"),
    "diffrax_tsit5_full": (diffrax_tsit5_full, "diffrax Tsit5"),
    "torchode_tsit5": (torchode_tsit5, "torchode Tsit5"),
}
PEERS: dict[str, Peer] = {name: peer for name, (peer, _) in _ALL.items()}
LABELS = {name: label for name, (_, label) in _ALL.items()}


def available() -> dict[str, Peer]:
    """The peers that can run here; says which cannot."""
    missing = [library for library in ("diffrax", "torchode") if not find_spec(library)]
    for library in missing:
        print(f"{library} is not installed (pip install vicollapse[benchmark]): left out")
    return {name: peer for name, peer in PEERS.items() if name.split("_")[0] not in missing}


def _solve_ivp(method: str, problems: ProblemSet, t_end: float, rtol: float, accurate: bool = False) -> Array:
    final, options = np.full_like(problems.y, np.nan), {"rtol": rtol, "atol": ATOL_OVER_RTOL * rtol}
    for i, (y, separation) in enumerate(zip(problems.y, problems.separation, strict=True)):
        run: Any = solve_ivp(numpy_rhs(float(separation), accurate), (0.0, t_end), y, method=method, **options)
        if run.success:
            final[i] = run.y[:, -1]
    return final
