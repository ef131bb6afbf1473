"""From what stands under `axes` to the values of an axis."""

import math
from collections.abc import Mapping
from typing import Any

from pydantic.fields import FieldInfo

from vicollapse.sweep.models import Range
from vicollapse.sweep.parameters import DIGITS, Place, is_integer, rounded, six_digits, validate

MOST_VALUES = 100_000
"""Values that one axis may have: more is a slip of the pen, not a study."""


class AxisError(ValueError):
    """An axis does not give values; `place` says where below it."""

    def __init__(self, message: str, place: Place = ()) -> None:
        super().__init__(message)
        self.place = place


def axis_values(spec: Any, info: FieldInfo | None = None) -> tuple[Any, ...]:
    """Values of an axis, rounded to 6 significant digits.

    A range over a parameter that takes whole numbers is rounded to those; with `spacing: log`, where small values
    then come more than once, each is kept once.

    Parameters
    ----------
    spec : one value, a list, or a mapping as in `models.Range`.
    info : field of the parameter, if known.

    Returns
    -------
    tuple : the values in the order given, without duplicates.

    Raises
    ------
    AxisError : no values, duplicates, not finite, or a malformed mapping.
    """
    if isinstance(spec, Mapping):
        return _from_mapping(spec, info)
    return _explicit(spec if isinstance(spec, list) else [spec], info, ())


def _from_mapping(spec: Mapping[str, Any], info: FieldInfo | None) -> tuple[Any, ...]:
    if isinstance(spec.get("values"), list) and len(spec) == 1:
        return _explicit(spec["values"], info, ("values",))
    parsed, problems = validate(Range, rounded(spec, None) | _whole(spec))
    if problems:
        raise AxisError(problems[0][1], problems[0][0])
    numbers = _steps(parsed) if parsed.step is not None else _spaced(parsed)
    if info is not None and is_integer(info):
        numbers = _whole_numbers(numbers, parsed.spacing == "log")
    return _distinct([rounded(x, info) for x in numbers], ())


def _whole_numbers(numbers: list[float], once: bool) -> list[float]:
    whole = [float(round(x)) for x in numbers]
    unique = list(dict.fromkeys(whole))
    if len(unique) < len(whole) and not once:
        raise AxisError("rounded to whole numbers, some values come twice; take a smaller 'num' or 'spacing: log'")
    return unique


def _whole(spec: Mapping[str, Any]) -> dict[str, Any]:
    num = spec.get("num")
    return {"num": int(num)} if isinstance(num, float) and num.is_integer() else {}


def _explicit(values: list[Any], info: FieldInfo | None, place: Place) -> tuple[Any, ...]:
    if not values:
        raise AxisError("an axis needs at least one value", place)
    for i, value in enumerate(values):
        if not isinstance(value, int | float | str):
            raise AxisError(
                "a value must be a number, a word, true or false", (*place, i) if len(values) > 1 else place
            )
        if isinstance(value, float) and not math.isfinite(value):
            raise AxisError(f"a value must be finite, not {value}", (*place, i) if len(values) > 1 else place)
    return _distinct([rounded(value, info) for value in values], place, values)


def _distinct(values: list[Any], place: Place, given: list[Any] | None = None) -> tuple[Any, ...]:
    seen: dict[Any, int] = {}
    for i, value in enumerate(values):
        j = seen.setdefault((type(value), value), i)
        if j != i:
            raise AxisError(_same(value, (given or values)[j], (given or values)[i]), (*place, i) if given else place)
    return tuple(values)


def _same(value: Any, first: Any, second: Any) -> str:
    if first == second:
        return f"the value {value} comes twice; each may stand once"
    return f"{first} and {second} are the same value, {value} ({DIGITS} significant digits count)"


def _spaced(axis: Range) -> list[float]:
    low, high, num = axis.start or 0.0, axis.to or 0.0, axis.num or 2
    if axis.spacing != "log":
        return [six_digits(low + (high - low) * i / (num - 1)) for i in range(num)]
    if min(low, high) <= 0:
        raise AxisError("'spacing: log' needs 'from' and 'to' above 0")
    ratio = math.log(high / low) / (num - 1)
    return [low, *(six_digits(low * math.exp(ratio * i)) for i in range(1, num - 1)), high]


def _steps(axis: Range) -> list[float]:
    low, high, step = axis.start or 0.0, axis.to or 0.0, axis.step or 0.0
    if step == 0 or (high - low) / step < 0:
        raise AxisError("'step' must lead from 'from' to 'to'", ("step",))
    if (high - low) / step >= MOST_VALUES:
        raise AxisError(f"gives more than {MOST_VALUES} values; take a larger 'step'", ("step",))
    return [six_digits(low + step * i) for i in range(math.floor((high - low) / step + 1e-9) + 1)]
