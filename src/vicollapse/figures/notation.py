"""Names of axes, parameters and statistics in the field's notation."""

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from vicollapse.figures.style import number

_SYMBOLS = {
    "dimension": ("dimension", "d"),
    "separation": ("separation", r"|\mu|"),
    "init_scale": ("init scale", r"\sigma_0"),
    "t_end": ("time of observation", r"t_\mathrm{end}"),
    "imbalance": ("imbalance", "h"),
    "initial_log_odds": ("initial log-odds", r"\lambda_0"),
    "annealing.beta0": ("initial inverse temperature", r"\beta_0"),
    "annealing.duration": ("duration of annealing", r"t_\mathrm{anneal}"),
    "annealing.time_constant": ("time constant of annealing", r"\tau"),
    "annealing.rate": ("speed that halves the pace of annealing", "r"),
}
_PLAIN = {
    "|\\mu|": "|μ|",
    "\\sigma_0": "σ₀",
    "\\lambda_0": "λ₀",
    "\\beta_0": "β₀",
    "\\tau": "τ",
    r"t_\mathrm{end}": "t_end",
    r"t_\mathrm{anneal}": "t_anneal",
}


def symbol(axis: str, diagram: xr.Dataset | None = None) -> str:
    """Mathtext symbol of a parameter, without dollars: the project's, the file's own, or its name."""
    if axis in _SYMBOLS:
        return _SYMBOLS[axis][1]
    between = _own_label(axis, diagram).split("$")
    return between[1] if len(between) == 3 else number(axis)


def axis_label(axis: str, diagram: xr.Dataset | None = None) -> str:
    """Label of an axis: name and symbol; for what is not in the project's notation, the file's own label."""
    if axis in _SYMBOLS:
        return f"{_SYMBOLS[axis][0]} ${_SYMBOLS[axis][1]}$"
    return _own_label(axis, diagram) or axis.replace("_", " ").replace(".", ", ")


def _own_label(axis: str, diagram: xr.Dataset | None) -> str:
    known = diagram is not None and axis in diagram.coords
    return str(diagram[axis].attrs.get("label", "")) if known else ""  # type: ignore[index]


def equation(axis: str, value: Any, diagram: xr.Dataset | None = None) -> str:
    """Mathtext ``symbol = value``; the value alone for a parameter that is a text."""
    if isinstance(value, str):
        return value.replace("_", " ")
    return f"${symbol(axis, diagram)} = {number(value)}$"


def plain(axis: str) -> str:
    """Name of an axis and its symbol as plain text, for captions."""
    if axis not in _SYMBOLS:
        return axis
    name, mathtext = _SYMBOLS[axis]
    return f"{name} {_PLAIN.get(mathtext, mathtext)}"


def is_log(values: NDArray[Any]) -> bool:
    """Whether the values of an axis are spaced more evenly in their logarithm than in themselves."""
    if not np.issubdtype(values.dtype, np.number) or len(values) < 2 or np.any(values <= 0):
        return False
    if len(values) == 2:
        return bool(values.max() >= 10 * values.min())
    steps, ratios = np.diff(np.sort(values.astype(float))), np.diff(np.log(np.sort(values.astype(float))))
    return bool(np.ptp(ratios) / ratios.mean() < np.ptp(steps) / steps.mean())


def edges(values: NDArray[Any]) -> NDArray[np.float64]:
    """(n,) cell centres -> (n + 1,) cell edges, half-way in the spacing of the axis; indices for texts."""
    if not np.issubdtype(values.dtype, np.number):
        return np.linspace(-0.5, len(values) - 0.5, len(values) + 1)
    logarithmic = is_log(values)
    centre = np.asarray(np.log(values) if logarithmic else values, np.float64)
    if len(centre) == 1:
        return centre + np.array([-0.5, 0.5])
    inner = (centre[1:] + centre[:-1]) / 2
    outer = np.concatenate([[2 * centre[0] - inner[0]], inner, [2 * centre[-1] - inner[-1]]])
    return np.asarray(np.exp(outer) if logarithmic else outer, np.float64)


def positions(values: NDArray[Any]) -> NDArray[np.float64]:
    """Where the values of an axis are drawn: themselves, or 0, 1, 2... for texts."""
    numeric = np.issubdtype(values.dtype, np.number)
    return np.asarray(values if numeric else np.arange(len(values)), np.float64)
