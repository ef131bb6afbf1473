"""What figures take out of a phase diagram: axes, probabilities with intervals, parameters."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import xarray as xr

from vicollapse.errors import ConfigError, did_you_mean


@dataclass(frozen=True)
class Probability:
    """A probability over the axes of a slice, with its 95 % interval."""

    name: str
    value: xr.DataArray
    low: xr.DataArray
    high: xr.DataArray


def axes(diagram: xr.Dataset) -> list[str]:
    """Names of the study's axes, in its order.

    Raises
    ------
    ConfigError : the points fill no rectangle, so there are no axes to draw.
    """
    dims = [str(d) for d in diagram["replicates"].dims]
    if dims == ["point"]:
        raise ConfigError(f"the points of study '{study(diagram)}' fill no full rectangle; figures need one")
    return dims


def study(diagram: xr.Dataset) -> str:
    """Name of the study a phase diagram belongs to."""
    return str(diagram.attrs["study"])


def only(diagrams: Mapping[str, xr.Dataset]) -> xr.Dataset:
    """The one phase diagram of a figure that shows one study.

    Raises
    ------
    ConfigError : there are several.
    """
    if len(diagrams) != 1:
        raise ConfigError(f"this kind of figure shows one study; studies: {', '.join(diagrams)}")
    return next(iter(diagrams.values()))


def collapsed_outcomes(diagram: xr.Dataset) -> list[str]:
    """Outcomes that count as collapse, in the order of the file."""
    names = json.loads(diagram.attrs["collapsed_outcomes"])
    return [str(o) for o in diagram["outcome"].values if str(o) in names]


def probability(diagram: xr.Dataset, name: str) -> Probability:
    """Probability of `collapsed`, of an outcome, or of a flag.

    Raises
    ------
    ConfigError : the phase diagram has nothing of that name.
    """
    outcomes = [str(o) for o in diagram["outcome"].values]
    if name in outcomes:
        parts = [diagram[v].sel(outcome=name) for v in ("probability", "probability_low", "probability_high")]
        return Probability(name, *parts)
    known = [str(v)[:-4] for v in diagram.data_vars if str(v).endswith("_low") and v != "probability_low"]
    if name not in known:
        raise ConfigError(f"no probability '{name}' in study '{study(diagram)}'{did_you_mean(name, outcomes + known)}")
    return Probability(name, *(diagram[v] for v in (name, f"{name}_low", f"{name}_high")))


def quantities(diagrams: Mapping[str, xr.Dataset], wanted: Sequence[str] | None) -> list[str]:
    """Names of the probabilities to draw: those wanted, or `collapsed` and its mechanisms if more than one occurs."""
    if wanted is not None:
        return list(wanted)
    seen: dict[str, None] = {}
    for diagram in diagrams.values():
        for name in collapsed_outcomes(diagram):
            if float(diagram["count"].sel(outcome=name).sum()) > 0:
                seen[name] = None
    return ["collapsed", *seen] if len(seen) > 1 else ["collapsed"]


def parameters(diagram: xr.Dataset) -> dict[str, Any]:
    """Fixed parameters and fixed axes of a slice, nested ones by dotted name."""
    flat: dict[str, Any] = {}
    for name, value in json.loads(diagram.attrs["parameters"]).items():
        flat |= {f"{name}.{k}": v for k, v in value.items()} if isinstance(value, dict) else {name: value}
    return flat | {axis: diagram[axis].values.item() for axis in fixed_axes(diagram)}


def fixed_axes(diagram: xr.Dataset) -> list[str]:
    """Axes that a slice has at one value."""
    return [str(a) for a in diagram["replicates"].coords if diagram[a].ndim == 0]
