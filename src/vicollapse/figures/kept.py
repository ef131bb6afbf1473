"""The trajectories that a study keeps: means, weights and fates, as plain arrays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from vicollapse.errors import ConfigError
from vicollapse.figures import data, slices
from vicollapse.figures.options import Value


@dataclass(frozen=True)
class Kept:
    """Kept trajectories of one point.

    Parameters
    ----------
    whole : phase diagram of the study.
    point : phase diagram of that point alone; its axes are scalar coordinates.
    separation : |mu|.
    time : (times,).
    means : (n, times, component, coordinate); the first coordinate is along mu, the others across.
    weights : (n, times), of the first component.
    fates : (n,) text, outcome at t_end; empty where a trajectory is not simulated yet.
    """

    whole: xr.Dataset
    point: xr.Dataset
    separation: float
    time: NDArray[np.float64]
    means: NDArray[np.float64]
    weights: NDArray[np.float64]
    fates: NDArray[np.str_]


def kept(whole: xr.Dataset, point: xr.Dataset) -> Kept:
    """Kept trajectories of one point of a study.

    Raises
    ------
    ConfigError : the study keeps no trajectories.
    """
    for name in ("means", "logit", "trajectory_outcome", "time"):
        if name not in point.variables:
            study = data.study(point)
            raise ConfigError(
                f"study '{study}' keeps no trajectories; set keep_trajectories and save_times in it, and run it again"
            )
    # tanh keeps both weights exact to the last digit and never overflows
    weights = 0.5 * (1 + np.tanh(point["logit"].values / 2))
    # index -1, not simulated yet, is the empty text
    names = np.array([*point["outcome"].values.astype(str), ""])
    fates = names[point["trajectory_outcome"].values.astype(int)]
    separation = float(data.parameters(point)["separation"])
    means = point["means"].transpose("trajectory", "time", "component", "coordinate").values
    return Kept(whole, point, separation, point["time"].values.astype(float), means, weights, fates)


def points(diagram: xr.Dataset, select: Mapping[str, Value]) -> list[xr.Dataset]:
    """Every point of a study that agrees with `select`, the last axis fastest."""
    chosen = slices.own_selection(diagram, select)
    free = [a for a in data.axes(diagram) if a not in chosen]
    part = slices.fix(diagram, free, chosen)
    return [
        part.isel(dict(zip(free, index, strict=True))) for index in product(*(range(diagram.sizes[a]) for a in free))
    ]


def complete(trajectories: Kept, steps: Sequence[int]) -> NDArray[np.bool_]:
    """(n,) whether a trajectory got as far as all those of the kept times; a failed one may not have."""
    known = np.isfinite(trajectories.means[:, steps]).all(axis=(1, 2, 3))
    return np.asarray(known & np.isfinite(trajectories.weights[:, steps]).all(axis=1))


def distance(trajectories: Kept) -> NDArray[np.float64]:
    """(n, times) distance D of the two means."""
    difference = trajectories.means[:, :, 0] - trajectories.means[:, :, 1]
    return np.sqrt(np.sum(difference**2, axis=-1))
