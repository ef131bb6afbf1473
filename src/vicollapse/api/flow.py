"""`two_mode_flow`: trajectories of the summary statistics, from any start."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vicollapse import schedules
from vicollapse.cores import available_threads
from vicollapse.ensemble.solution import Problem, Status
from vicollapse.ensemble.solve import solve
from vicollapse.errors import ConfigError, did_you_mean
from vicollapse.experiments.flow_ensemble import EQUATIONS, beta_along
from vicollapse.experiments.gradient_flow_model import Weights
from vicollapse.mixture.coordinates import coordinates_from_state, state_from_coordinates
from vicollapse.mixture.initial import coordinates_from_statistics, statistics_from_coordinates
from vicollapse.schedules import annealing as validated

Array = NDArray[np.float64]
_WEIGHTS = get_args(Weights)


@dataclass(frozen=True)
class FlowSolution:
    """Trajectories of the summary statistics of two components and two modes.

    Parameters
    ----------
    y : (n, 6) at the end, or (n, S, 6) at the S save times: m_1, m_2, s_11, s_12, s_22, log(w_1/w_2), where
        m_k = u_k.mu and s_kl = u_k.u_l (unit: squared standard deviations of a component).
    t : (n,) times at the end, or (S,) save times.
    status : (n,) values of `vicollapse.ensemble.solution.Status`; 0 is success.
    beta : (n,) or (n, S), inverse temperature there; NaN, like y, where a trajectory had ended before.
    """

    y: Array
    t: Array
    status: NDArray[np.int64]
    beta: Array

    @property
    def messages(self) -> list[str]:
        """For each row, what happened and what to change."""
        return [Status(s).message for s in self.status]


def two_mode_flow(
    y0: ArrayLike,
    separation: ArrayLike,
    t_end: ArrayLike,
    *,
    weights: str = "softmax",
    imbalance: ArrayLike = 0.0,
    annealing: Mapping[str, Any] | None = None,
    save_at: ArrayLike | None = None,
    rtol: float = 1e-6,
    backend: str = "cpu",
    threads: int | None = None,
) -> FlowSolution:
    """Integrate the closed gradient flow of two components towards two modes.

    Parameters
    ----------
    y0 : (n, 6) or (6,) initial statistics, as in `FlowSolution.y`.
    separation : scalar or (n,), |mu| in standard deviations.
    t_end : scalar or (n,), time units of the flow.
    weights : "fixed", "softmax", "fisher_rao" or "wasserstein_fisher_rao".
    imbalance : scalar or (n,), h = log(pi_+/pi_-)/2.
    annealing : None or e.g. ``{"schedule": "linear", "beta0": 0.1, "duration": 10.0}`` (`schedules.Annealing`).
    save_at : (S,) increasing times, or None.
    rtol : relative tolerance of a step.
    backend : "cpu", "gpu" or "reference".
    threads : all cores by default; results do not depend on it.

    Returns
    -------
    FlowSolution : one row per trajectory; a bad one has a status, it never raises.

    Raises
    ------
    ConfigError : y0 is no Gram matrix of (mu, u_1, u_2), or an argument makes no sense.

    Source: closed equations as in arXiv 2410.13300; see `vicollapse.mixture.equations`.
    """
    if weights not in _WEIGHTS:
        raise ConfigError(f"weights: unknown geometry '{weights}'{did_you_mean(weights, _WEIGHTS)}")
    statistics, mu, h, end = _broadcast(y0, separation, imbalance, t_end)
    schedule = validated(annealing)
    logit, clock = statistics[:, 5], np.full(len(statistics), schedules.CLOCK_START)
    parameters = {"separation": mu, "imbalance": h, **schedule.values()}
    columns = [state_from_coordinates(coordinates_from_statistics(statistics, mu))]
    columns += [logit] * (weights != "fixed") + [clock] * (schedule.shape in schedules.WITH_CLOCK)
    solution = solve(
        Problem(EQUATIONS, (weights, schedule.shape)),
        np.column_stack(columns),
        parameters | {"logit": logit} if weights == "fixed" else parameters,
        end,
        save_at=save_at,
        rtol=rtol,
        backend=backend,
        threads=threads or available_threads(),
    )
    if save_at is None:
        states, times = solution.states, solution.t
    else:
        states, times = solution.saved, np.array(save_at, float, ndmin=1)
        mu, logit = mu[:, None], logit[:, None]
    beta = beta_along(schedule.shape, states, times, schedule.values())
    return FlowSolution(_statistics(states, mu, logit, weights), times, solution.status, beta)


def _broadcast(y0, separation, imbalance, t_end):
    y0 = np.atleast_2d(np.asarray(y0, float))
    if y0.ndim != 2 or y0.shape[1] != 6:
        raise ConfigError(f"y0 must have shape (n, 6), got {y0.shape}")
    columns = [np.asarray(x, float) for x in (separation, imbalance, t_end)]
    try:
        (n,) = np.broadcast_shapes(y0.shape[:1], *(x.shape for x in columns))
    except ValueError:
        shapes = [x.shape for x in columns]
        raise ConfigError(f"y0 {y0.shape}, separation, imbalance, t_end {shapes} do not broadcast to (n,)") from None
    mu, h, end = (np.broadcast_to(x, n) for x in columns)
    if not ((mu > 0) & np.isfinite(mu)).all():
        raise ConfigError("separation must be positive and finite")
    if not (np.isfinite(h).all() and (end >= 0).all() and np.isfinite(end).all()):
        raise ConfigError("imbalance must be finite, t_end finite and not negative")
    return np.broadcast_to(y0, (n, 6)), mu, h, end


def _statistics(state, mu, logit, weights):
    U = coordinates_from_state(state)
    flat = statistics_from_coordinates(U.reshape(-1, 2, 3), np.broadcast_to(mu, state.shape[:-1]).ravel())
    inner = flat.reshape(*state.shape[:-1], 5)
    last = np.broadcast_to(logit, state.shape[:-1]) if weights == "fixed" else state[..., 6]
    return np.concatenate([inner, last[..., None]], -1)
