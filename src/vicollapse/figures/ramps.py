"""Schedules of a study as figures need them: beta at the times of kept trajectories, what a schedule costs, labels."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from vicollapse.errors import ConfigError
from vicollapse.figures import data
from vicollapse.figures.kept import Kept
from vicollapse.schedules import Annealing, annealing, inverse_temperature

REACHED = 0.99
"""Inverse temperature at which a schedule that never ends counts as done."""
BETA0 = "annealing.beta0"
_PREFIX = "annealing."


def given(known: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of the schedule among the parameters of a slice, as a call takes them; empty without annealing."""
    return {k.removeprefix(_PREFIX): v for k, v in known.items() if k.startswith(_PREFIX) and v is not None}


def schedule(known: Mapping[str, Any]) -> Annealing:
    """The schedule among the parameters of a slice, nested ones by dotted name."""
    return annealing(given(known) or None)


def beta(run: Kept) -> NDArray[np.float64]:
    """(n, times) inverse temperature along kept trajectories: as it was recorded, or as the schedule says."""
    if "beta" in run.point:
        return np.asarray(run.point["beta"].transpose("trajectory", "time").values, np.float64)
    along = np.asarray(inverse_temperature(schedule(data.parameters(run.point)), run.time), np.float64)
    return np.broadcast_to(along, (len(run.fates), len(run.time)))


def cost(ramp: Annealing) -> float:
    """Time that a schedule takes.

    Parameters
    ----------
    ramp : the schedule.

    Returns
    -------
    time : until beta = 1, or until beta >= `REACHED` if it is exponential; 0 without annealing; NaN if the schedule
        alone does not tell.
    """
    if np.isfinite(ramp.end):
        return ramp.end
    if ramp.schedule == "exponential" and ramp.time_constant and ramp.beta0:
        return max(0.0, ramp.time_constant * float(np.log((1 - ramp.beta0) / (1 - REACHED))))
    return np.nan


def measured_cost(point: xr.Dataset) -> float:
    """Time until beta >= `REACHED`, the mean over the kept trajectories of one point that did not fail.

    Raises
    ------
    ConfigError : the study keeps no trajectories, all of them failed, or beta never gets there.
    """
    name = f"schedule '{schedule(data.parameters(point)).schedule}' of study '{data.study(point)}'"
    if "beta" not in point:
        raise ConfigError(f"{name}: its cost must be measured; set keep_trajectories and save_times in the study")
    along = point["beta"].transpose("trajectory", "time").values
    along = along[np.isfinite(along).all(axis=1)]
    if not len(along):
        raise ConfigError(f"{name}: every kept trajectory failed, so its cost cannot be measured")
    if not np.all(along[:, -1] >= REACHED):
        raise ConfigError(f"{name}: beta does not reach {REACHED} within its save_times")
    return float(np.mean([_crossing(point["time"].values, path) for path in along]))


def _crossing(time: NDArray[np.float64], betas: NDArray[np.float64]) -> float:
    """When a path first reaches `REACHED`; between two times the log odds of beta are taken to be linear."""
    i = int(np.argmax(betas >= REACHED))
    if i == 0:
        return float(time[0])
    before, after, there = (np.log(b / (1 - b)) for b in np.minimum([betas[i - 1], betas[i], REACHED], 1 - 1e-12))
    return float(time[i - 1] + (time[i] - time[i - 1]) * (there - before) / (after - before))


def without(parts: Sequence[xr.Dataset], quantity: str = "collapsed") -> float:
    """Probability without annealing in some slices: over their points with initial inverse temperature 1.

    Parameters
    ----------
    parts : phase diagrams.
    quantity : name of the probability.

    Returns
    -------
    probability : NaN if they have no such points.
    """
    runs = hits = 0.0
    for part in parts:
        if BETA0 in part["replicates"].coords and np.any(part[BETA0].values == 1):
            at = part.isel({BETA0: np.flatnonzero(part[BETA0].values == 1)}) if part[BETA0].ndim else part
            runs += float(at["replicates"].sum())
            hits += float((data.probability(at, quantity).value * at["replicates"]).sum())
    return hits / runs if runs else np.nan
