"""What can be said of an experiment's parameters from their model alone: dotted names, kinds, errors in plain words."""

import json
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from vicollapse.errors import did_you_mean

Place = tuple[str | int, ...]
DIGITS = 6
"""Significant digits of every number in a study: what a point's identity is made of."""


_UNKNOWN = "unknown key"
_MISSING = "this key is needed"
_WORDS = {
    "bool_type": "must be true or false",
    "float_type": "must be a number",
    "int_type": "must be a whole number",
    "string_type": "must be text",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "dict_type": "must be a mapping of keys to values",
    "model_type": "must be a mapping of keys to values",
    "too_short": "needs at least one entry",
}


def fields(model: type[BaseModel], prefix: str = "") -> dict[str, FieldInfo]:
    """Every parameter by dotted name, those of nested models after their parent.

    Parameters
    ----------
    model : a pydantic model.
    prefix : put before every name.

    Returns
    -------
    dict : "annealing.duration" -> field.
    """
    found = {}
    for name, info in model.model_fields.items():
        found[prefix + name] = info
        for nested in nested_models(info):
            for inner, inner_info in fields(nested, f"{prefix}{name}.").items():
                found.setdefault(inner, inner_info)
    return found


def nested_models(info: FieldInfo) -> list[type[BaseModel]]:
    """The models that a field may hold (none for a plain one)."""
    return [t for t in _types(info.annotation) if isinstance(t, type) and issubclass(t, BaseModel)]


def is_integer(info: FieldInfo) -> bool:
    """Whether a field takes whole numbers only."""
    types = list(_types(info.annotation))
    return int in types and float not in types


def rounded(value: Any, info: FieldInfo | None = None) -> Any:
    """A number as a study means it: 6 significant digits; int or float as the field wants it.

    Parameters
    ----------
    value : anything; mappings and lists are gone through, what is not a float stays.
    info : the field that the value is for, if known.

    Returns
    -------
    Any : the value, a copy where something changed.
    """
    if isinstance(value, Mapping):
        inner = {
            name: sub for model in (nested_models(info) if info else []) for name, sub in model.model_fields.items()
        }
        return {key: rounded(item, inner.get(key)) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(item, info) for item in value]
    if isinstance(value, int) and not isinstance(value, bool) and info is not None and _is_float(info):
        value = float(value)
    if not isinstance(value, float):
        return value
    if info is not None and is_integer(info) and value.is_integer():
        return int(value)
    return six_digits(value)


def six_digits(value: float) -> float:
    """The number that has the same first 6 significant digits and no more."""
    return float(format(value, f".{DIGITS}g"))


def get_value(parameters: BaseModel, name: str) -> Any:
    """The value of a dotted parameter; None where its parent is absent."""
    value: Any = parameters
    for part in name.split("."):
        value = getattr(value, part, None)
    return value


def with_value(data: Mapping[str, Any], name: str, value: Any) -> dict[str, Any]:
    """A copy of nested plain data with one dotted parameter set."""
    head, _, rest = name.partition(".")
    return {**data, head: with_value(data.get(head) or {}, rest, value) if rest else value}


def validate(model: type[BaseModel], data: Mapping[str, Any]) -> tuple[Any, list[tuple[Place, str]]]:
    """Strict validation: text is no number, true is no number, unknown keys are errors.

    Parameters
    ----------
    model : what the data must fit.
    data : plain data as read from YAML.

    Returns
    -------
    parameters, problems : the validated model or None, and (place, message) of every problem.
    """
    try:
        return model.model_validate_json(json.dumps(data), strict=True), []
    except ValidationError as error:
        return None, without_echoes([_explain(model, data, dict(item)) for item in error.errors(include_url=False)])


def without_echoes(problems: list[tuple[Place, str]], unknown: Iterable[str] = ()) -> list[tuple[Place, str]]:
    """The problems without keys that are missing only because they are misspelt (names of `unknown` keys count too)."""
    misspelt = [str(place[-1]) for place, text in problems if text.startswith(_UNKNOWN)] + list(unknown)
    return [
        (place, text)
        for place, text in problems
        if not (text.startswith(_MISSING) and get_close_matches(str(place[-1]), misspelt, n=1, cutoff=0.6))
    ]


def _is_float(info: FieldInfo) -> bool:
    types = list(_types(info.annotation))
    return float in types and int not in types


def _types(annotation: Any) -> Iterator[Any]:
    yield annotation
    for argument in get_args(annotation):
        yield from _types(argument)


def _explain(model: type[BaseModel], data: Mapping[str, Any], item: dict[str, Any]) -> tuple[Place, str]:
    place, given = _place(data, item["loc"]), item["input"]
    if item["type"] == "extra_forbidden":
        return place, f"{_UNKNOWN}{did_you_mean(str(place[-1]), _siblings(model, place))}"
    if item["type"] == "missing":
        return place, f"{_MISSING} ({_description(model, place)})"
    if item["type"] == "literal_error":
        return place, f"unknown value {_shown(given)}{did_you_mean(str(given), _choices(item))}"
    if item["type"] == "value_error":
        return place, item["msg"].removeprefix("Value error, ")
    text = _WORDS.get(item["type"]) or item["msg"].replace("Input should", "must", 1)
    return place, f"{text}, not {_shown(given)}" if isinstance(given, str | int | float | None) else text


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return repr(value)
    return json.dumps(value) if value is None or isinstance(value, bool) else f"{value:.17g}"


def _place(data: Any, loc: tuple[str | int, ...]) -> Place:
    # a union puts the name of its branch into the location: keep only what is in the data, and a missing last key
    place: list[str | int] = []
    for i, part in enumerate(loc):
        inside = part in data if isinstance(data, Mapping) else isinstance(data, list) and isinstance(part, int)
        if inside:
            data = data[part]
        if inside or (i == len(loc) - 1 and isinstance(data, Mapping)):
            place.append(part)
    return tuple(place)


def _siblings(model: type[BaseModel], place: Place) -> list[str]:
    prefix = "".join(f"{part}." for part in place[:-1] if isinstance(part, str))
    names = [name.removeprefix(prefix) for name in fields(model) if name.startswith(prefix)]
    return [name for name in names if "." not in name]


def _description(model: type[BaseModel], place: Place) -> str:
    info = fields(model).get(".".join(str(part) for part in place))
    return ((info.description if info else "") or "see config/README.md").partition(": ")[0]


def _choices(item: dict[str, Any]) -> list[str]:
    return [part.strip("'") for part in item["ctx"]["expected"].replace(" or ", ", ").split(", ")]
