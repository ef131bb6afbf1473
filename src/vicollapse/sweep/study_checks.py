"""Checks of one study's parts, with their place in the file: own keys, axes, parameters, save times."""

import math
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from vicollapse.errors import did_you_mean
from vicollapse.sweep.axes import AxisError, axis_values
from vicollapse.sweep.models import StudyKeys
from vicollapse.sweep.parameters import Place, fields, nested_models, rounded, validate, with_value, without_echoes
from vicollapse.sweep.yaml_lines import Document

Model = type[BaseModel]
Raw = Mapping[str, Any]
Axes = dict[str, tuple[Any, ...]]


MOST_POINTS = 1_000_000
"""Points of one study: planning holds them all in memory, about 4 kB each."""
MOST_TRAJECTORIES = 50_000_000_000
"""Trajectories of one study: planning holds a byte for each block of 256."""


def own_keys(document: Document, model: Model, raw: Raw, place: Place) -> Any:
    """The validated keys of `model`, or None with every problem noted."""
    data = {key: rounded(value, model.model_fields.get(key)) for key, value in raw.items()}
    keys, problems = validate(model, data)
    for where, message in problems:
        document.problem((*place, *where), message)
    return keys


def read_axes(document: Document, raw: Raw, model: Model, fixed: Raw, place: Place) -> Axes:
    """Values of every axis of a study that can be read; problems are noted.

    Parameters
    ----------
    document : where problems are noted.
    raw : the study as it stands in the file.
    model : the experiment's parameters.
    fixed : those that are given outside `axes`.
    place : of the study in the file.

    Returns
    -------
    dict : dotted name -> values.
    """
    given = raw.get("axes")
    if "axes" not in raw:
        return {}  # reported with the study's own keys
    if not isinstance(given, dict) or not given:
        document.problem((*place, "axes"), "needs at least one parameter and its values, as in `separation: [2, 4, 6]`")
        return {}
    known, axes = fields(model), {}
    for name, spec in given.items():
        here = (*place, "axes", name)
        if name not in known:
            document.problem(here, f"unknown parameter{did_you_mean(name, known)}")
        elif nested_models(known[name]):
            inner = [other for other in known if other.startswith(name + ".")]
            document.problem(here, f"is a group of parameters; vary one of them, such as '{inner[0]}'")
        elif clash := _clash(name, fixed, given):
            document.problem(here, f"'{clash}' is given as well; take one of the two away")
        else:
            try:
                axes[name] = axis_values(spec, known[name])
            except AxisError as error:
                document.problem((*here, *error.place), str(error))
    return axes if _check_size(document, raw, axes, place) else {}


def _check_size(document: Document, raw: Raw, axes: Axes, place: Place) -> bool:
    points, replicates = math.prod(map(len, axes.values())), raw.get("replicates", 0)
    if points > MOST_POINTS:
        document.problem((*place, "axes"), f"{points:,} points; a study has {MOST_POINTS:,} at most: split it")
    elif isinstance(replicates, int) and points * replicates > MOST_TRAJECTORIES:
        text = f"{points * replicates:,} trajectories; a study has {MOST_TRAJECTORIES:,} at most: split it"
        document.problem((*place, "replicates"), text)
    else:
        return True
    return False


def _clash(name: str, fixed: Raw, axes: Raw) -> str:
    parts, data = name.split("."), fixed
    for i, part in enumerate(parts):
        if not isinstance(data, Mapping):
            return ".".join(parts[:i])
        if part not in data:
            return next((axis for axis in axes if name.startswith(axis + ".")), "")
        data = data[part]
    return name


def check_parameters(document: Document, raw: Raw, model: Model, fixed: Raw, axes: Axes, place: Place) -> None:
    """Validate the fixed parameters together with the first value of every axis, then every other value of an axis."""
    base = dict(fixed)
    for name, values in axes.items():
        base = with_value(base, name, values[0])
    axes_given = raw.get("axes")
    given: dict[str, Any] = axes_given if isinstance(axes_given, dict) else {}
    unread = [tuple(name.split(".")) for name in given if name not in axes]
    for where, message in without_echoes(validate(model, base)[1], set(given) - set(fields(model))):
        follows = any(parts[: len(where)] == where for parts in unread)
        if not follows and ".".join(map(str, where)) not in axes:
            document.problem((*place, *where), _with_own_keys(message, where, model))
    for name, values in axes.items():
        for value in values:
            for where, message in validate(model, with_value(base, name, value))[1]:
                if where == tuple(name.split(".")):
                    document.problem((*place, "axes", name), message)


def _with_own_keys(message: str, where: Place, model: Model) -> str:
    if len(where) != 1 or not message.startswith("unknown key"):
        return message
    return "unknown key" + did_you_mean(str(where[0]), [*StudyKeys.model_fields, *model.model_fields])


def read_save_times(
    document: Document, raw: Raw, model: Model, fixed: Raw, axes: Axes, place: Place
) -> tuple[float, ...]:
    """Times of the kept trajectories, () where there are none; problems are noted."""
    here = (*place, "save_times")
    if raw.get("save_times") is None:
        if raw.get("keep_trajectories"):
            document.problem((*place, "keep_trajectories"), "needs 'save_times' as well, written like an axis")
        return ()
    try:
        times = axis_values(raw["save_times"])
    except AxisError as error:
        document.problem((*here, *error.place), str(error))
        return ()
    if any(isinstance(t, bool | str) or t < 0 for t in times) or list(times) != sorted(times):
        document.problem(here, "must be numbers from 0 on, in increasing order")
        return ()
    _check_last_time(document, times, model, fixed, axes, here)
    return tuple(float(t) for t in times)


def _check_last_time(
    document: Document, times: tuple[float, ...], model: Model, fixed: Raw, axes: Axes, here: Place
) -> None:
    if "t_end" not in model.model_fields:
        return
    ends = axes.get("t_end") or (fixed.get("t_end", model.model_fields["t_end"].default),)
    end = min((t for t in ends if isinstance(t, int | float)), default=times[-1])
    if times[-1] > end:
        document.problem(here, f"the last time, {times[-1]:g}, is after t_end = {end:g}")
