"""What a schedule costs besides its duration: the time until the means are in place, with and without annealing."""

import numpy as np

from vicollapse import experiments
from vicollapse.recommend.candidates import PLAIN, Candidate
from vicollapse.recommend.simulation import Simulation
from vicollapse.sweep.points import point_blocks

TRAJECTORIES = 256
IN_PLACE = 0.1
"""Distance from where a mean ends, in units of |mu|, within which it is in place."""

_RUNS = 0.9  # share of the runs that must have both means in place
_TIMES = 64
_FEWEST = 20  # runs that keep both modes, which a time is read from


def settling_time(simulation: Simulation, candidate: Candidate) -> float | None:
    """Time until nine of ten of the runs that keep both modes have both means within |mu|/10 of where they end.

    Parameters
    ----------
    simulation : of the problem.
    candidate : the schedule.

    Returns
    -------
    time : on a grid of about 20 %; None where hardly a run keeps both modes.
    """
    model = simulation.model(candidate.annealing())
    times = np.geomspace(min(1e-2, model.t_end / 10), model.t_end, _TIMES)
    found = point_blocks("recommend: cost", model, 0, TRAJECTORIES, simulation.seed)
    trace = experiments.get("gradient_flow").trace(found, times, threads=simulation.threads, backend=simulation.backend)
    means = trace["means"][_keep_both(trace, model)]
    if len(means) < _FEWEST:
        return None
    away = np.linalg.norm(means - means[:, -1:], axis=-1).max(axis=-1) > IN_PLACE * model.separation
    settled = np.where(away.any(axis=1), away.shape[1] - np.argmax(away[:, ::-1], axis=1), 0)
    return float(f"{np.quantile(times[settled], _RUNS, method='higher'):.3g}")


def _keep_both(trace, model):
    """Whether no mode is lost in the end; a failed run does not count."""
    from scipy.special import expit

    from vicollapse.mixture.fates import mode_mass

    overlap, logit = trace["means"][:, -1, :, 0] * model.separation, trace["logit"][:, -1]
    weights = np.stack([expit(logit), expit(-logit)], axis=-1)
    pi = expit(np.array([2.0, -2.0]) * model.imbalance)
    mass = mode_mass(overlap, weights, model.separation, model.imbalance)
    return (mass / pi).min(axis=-1) >= model.mass_threshold  # false where NaN


def cost(simulation: Simulation, candidate: Candidate) -> dict[str, float | None]:
    """Duration of a schedule, and the settling times with it and without annealing.

    Returns
    -------
    cost : duration, settling_time, plain_settling_time, relative (their ratio; 1 without annealing).
    """
    plain = settling_time(simulation, PLAIN)
    own = plain if candidate == PLAIN else settling_time(simulation, candidate)
    relative = own / plain if own and plain else None
    return {
        "duration": candidate.duration,
        "settling_time": own,
        "plain_settling_time": plain,
        "relative": float(f"{relative:.3g}") if relative else None,
    }
