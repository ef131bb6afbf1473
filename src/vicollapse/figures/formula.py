"""The formula for the probability of collapse beside the measured one: its values on a grid, and how far off it is."""

from collections.abc import Sequence
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np
import xarray as xr

from vicollapse.errors import ConfigError
from vicollapse.figures import data
from vicollapse.figures.ramps import given

NEEDS = {"initial_law": "isotropic", "initial_log_odds": 0, "imbalance": 0}
"""Parameters that the formula has no other value of."""


def predicted(part: xr.Dataset, axes: Sequence[str]) -> xr.DataArray:
    """The formula's probability of collapse at every point of a slice.

    Parameters
    ----------
    part : phase diagram; every axis that is not in `axes` is a scalar coordinate.
    axes : axes of the result.

    Returns
    -------
    xarray.DataArray : over `axes`; NaN where no formula holds.

    Raises
    ------
    ConfigError : the study is of another problem than the formula.
    """
    known = data.parameters(part)
    if part.attrs["experiment"] != "gradient_flow" or any(known.get(k, v) != v for k, v in NEEDS.items()):
        needs = ", ".join(f"{k} {v}" for k, v in NEEDS.items())
        raise ConfigError(f"study '{data.study(part)}': the formula holds for gradient flows with {needs} alone")
    values = [part[axis].values.tolist() for axis in axes]
    table = [_one(known | dict(zip(axes, at, strict=True))) for at in product(*values)]
    return xr.DataArray(np.reshape(table, [len(v) for v in values]), {axis: part[axis] for axis in axes}, list(axes))


def _one(known: dict[str, Any]) -> float:
    names = ("dimension", "separation", "init_scale", "weights", "t_end", "mass_threshold")
    schedule = tuple((k, tuple(v) if isinstance(v, list) else v) for k, v in given(known).items())
    return _value(tuple(known[name] for name in names), schedule)


@lru_cache(maxsize=100_000)
def _value(problem: tuple[Any, ...], annealing: tuple[tuple[str, Any], ...]) -> float:
    from vicollapse.mixture.annealing_theory import annealed_collapse_probability

    dimension, separation, init_scale, weights, t_end, mass_threshold = problem
    return annealed_collapse_probability(
        dimension=int(dimension), separation=separation, init_scale=init_scale, weights=weights,
        annealing=dict(annealing) or None, t_end=t_end, mass_threshold=mass_threshold,
    )  # fmt: skip


def holds(pairs: Sequence[tuple[xr.DataArray, xr.Dataset]]) -> bool:
    """Whether the formula holds anywhere, so that there is something to draw.

    Parameters
    ----------
    pairs : values of `predicted`, and the slice that each was made for.
    """
    return any(bool(np.isfinite(values).any()) for values, _ in pairs)


def error_text(pairs: Sequence[tuple[xr.DataArray, xr.Dataset]]) -> str:
    """A sentence on how far the formula is from the measured probability of collapse, for captions.

    Parameters
    ----------
    pairs : values of `predicted`, and the slice that each was made for.

    Returns
    -------
    str : root mean square and largest difference, and what sampling alone explains of the first.
    """
    if not holds(pairs):
        return "The formula holds at none of these points. "
    formula = np.concatenate([p.values.ravel() for p, _ in pairs])
    measured = np.concatenate([_over(d["collapsed"], p) for p, d in pairs])
    runs = np.concatenate([_over(d["replicates"], p) for p, d in pairs])
    held = np.isfinite(formula) & np.isfinite(measured)
    if not held.any():
        return "No point that the formula holds at has runs to compare it with. "
    off, p = formula[held] - measured[held], formula[held]
    chance = np.sqrt(np.mean(p * (1 - p) / runs[held]))
    return (
        f"Formula: vicollapse.mixture.annealing_theory. Difference to the measured probability over {held.sum()} of "
        f"{held.size} points: root mean square {_rms(off):.2g} (sampling alone explains {chance:.2g}), mean "
        f"{off.mean():+.2g}, largest {np.abs(off).max():.2g}. "
    )


def _over(values: xr.DataArray, like: xr.DataArray) -> Any:
    return values.transpose(*like.dims).values.ravel()


def _rms(values: Any) -> float:
    return float(np.sqrt(np.mean(values**2)))
