"""Slices of a phase diagram: every axis is drawn, split into panels or lines, or fixed at a value."""

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr

from vicollapse.errors import ConfigError, did_you_mean
from vicollapse.figures.data import axes, study
from vicollapse.figures.notation import is_log
from vicollapse.figures.options import Value


def require_axis(diagrams: Mapping[str, xr.Dataset], *wanted: str | None) -> None:
    """Check that every study has the axes that a figure draws.

    Raises
    ------
    ConfigError : an axis is missing, with those there are, or wanted twice.
    """
    for i, again in enumerate(wanted):
        if again is not None and again in wanted[:i]:
            raise ConfigError(f"axis '{again}' is drawn twice")
    for name, diagram in diagrams.items():
        for axis in wanted:
            if axis is not None and axis not in axes(diagram):
                raise ConfigError(f"study '{name}' has no axis '{axis}'{did_you_mean(axis, axes(diagram))}")


def nearest(diagram: xr.Dataset, axis: str, value: Value) -> int:
    """Index of the grid value nearest to `value` (in the logarithm on a logarithmic axis).

    Raises
    ------
    ConfigError : the value lies outside the grid, or is no value of an axis of texts.
    """
    values = np.atleast_1d(diagram[axis].values)
    if not np.issubdtype(values.dtype, np.number):
        if value not in list(values):
            raise ConfigError(f"axis '{axis}' has no value '{value}'{did_you_mean(str(value), map(str, values))}")
        return list(values).index(value)
    if isinstance(value, str):
        raise ConfigError(f"axis '{axis}' has numbers for values, not '{value}'")
    transform = np.log if is_log(values) and value > 0 else np.asarray
    distance = np.abs(transform(values.astype(float)) - transform(float(value)))
    gap = np.diff(np.sort(transform(values.astype(float)))).max() / 2 if len(values) > 1 else 0.0
    low, high = values.min(), values.max()
    if distance.min() > gap + 1e-6 * abs(float(value)):
        raise ConfigError(f"{axis} = {value:g} lies outside the grid of study '{study(diagram)}' ({low:g} to {high:g})")
    return int(distance.argmin())


def fix(diagram: xr.Dataset, keep: Sequence[str | None], select: Mapping[str, Value]) -> xr.Dataset:
    """The slice of a phase diagram that has no axes but those in `keep`.

    Parameters
    ----------
    diagram : a phase diagram.
    keep : axes that the figure draws.
    select : value of every other axis; axes of one value need none.

    Returns
    -------
    xarray.Dataset : the axes that were fixed are scalar coordinates.

    Raises
    ------
    ConfigError : an axis is neither drawn nor selected, or both, or a value lies outside the grid.
    """
    for axis in [a for a in axes(diagram) if a in keep and a in select]:
        raise ConfigError(f"axis '{axis}' is drawn, so `select` cannot fix it")
    index = {}
    for axis in (a for a in axes(diagram) if a not in keep):
        if axis not in select and diagram.sizes[axis] > 1:
            values = ", ".join(map(str, diagram[axis].values[:8]))
            raise ConfigError(
                f"study '{study(diagram)}' has another axis '{axis}' ({values}...); fix it: `select: {{{axis}: VALUE}}`"
            )
        index[axis] = nearest(diagram, axis, select[axis]) if axis in select else 0
    return _increasing(diagram.isel(index))


def _increasing(diagram: xr.Dataset) -> xr.Dataset:
    # a study may list its values in any order
    numeric = [a for a in axes(diagram) if np.issubdtype(diagram[a].dtype, np.number)]
    disordered = [a for a in numeric if np.any(np.diff(diagram[a].values) < 0)]
    return diagram.sortby(disordered) if disordered else diagram


def known_selection(diagrams: Mapping[str, xr.Dataset], select: Mapping[str, Value]) -> None:
    """Check that every selected axis is one of some study.

    Raises
    ------
    ConfigError : no study has that axis.
    """
    known = {a: None for d in diagrams.values() for a in axes(d)}
    for axis in select:
        if axis not in known:
            raise ConfigError(f"`select`: no study of this figure has an axis '{axis}'{did_you_mean(axis, known)}")


def own_selection(diagram: xr.Dataset, select: Mapping[str, Value]) -> dict[str, Value]:
    """The part of `select` that speaks of axes of this study."""
    return {axis: value for axis, value in select.items() if axis in axes(diagram)}


def restrict(diagram: xr.Dataset, axis: str | None, values: Sequence[Value] | None) -> xr.Dataset:
    """The slice that has only the grid values nearest to `values` along an axis, each once; all of it without them."""
    if axis is None or values is None:
        return diagram
    return diagram.isel({axis: list(dict.fromkeys(nearest(diagram, axis, v) for v in values))})


def split(diagram: xr.Dataset, axis: str | None) -> list[xr.Dataset]:
    """One slice per value of an axis; the diagram itself if there is no axis."""
    return [diagram] if axis is None else [diagram.isel({axis: i}) for i in range(diagram.sizes[axis])]
