"""What a config file may contain, told by the models themselves: JSON schema, table of every key, default file."""

import json
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from vicollapse import experiments
from vicollapse.sweep.models import ConfigKeys, FigureKeys, Range, StudyKeys
from vicollapse.sweep.parameters import fields, nested_models, validate
from vicollapse.sweep.schema import FigureKinds, model_schema, schema

_TYPES = {"number": "number", "integer": "whole number", "string": "text", "boolean": "true or false", "null": "null"}
_SHORT = {"axes": "mapping of parameters to values", "save_times": "values, written like an axis", "values": "list"}


def schema_text(figures: FigureKinds | None = None) -> str:
    """The JSON schema of a config file, as text."""
    return json.dumps(schema(figures), indent=2) + "\n"


def markdown(figures: FigureKinds | None = None) -> str:
    """Every key of a config file, its type, default and meaning, as Markdown tables.

    Parameters
    ----------
    figures : kinds of figures and the models of their options.

    Returns
    -------
    str : a section for the file, a study, values of an axis, each experiment, a figure, each kind of figure.
    """
    parts = [
        _section("The file", ConfigKeys),
        _section("A study: `studies.<name>`", StudyKeys, "Beside these keys stand the parameters of its experiment."),
        _section("Values of an axis, and `save_times`", Range, "A list, or one value, will do as well."),
    ]
    for name in experiments.names():
        experiment = experiments.get(name)
        title, text = f"Parameters of `experiment: {name}`", f"{experiment.title}. Numbers and words can be axes too."
        parts.append(_section(title, experiment.Parameters, text, nested=True))
    parts.append(_section("A figure: `figures.<name>`", FigureKeys, "Beside these keys stand the options of its kind."))
    parts += [_section(f"Options of `kind: {kind}`", model) for kind, model in (figures or {}).items()]
    return "\n".join(parts)


def default_yaml() -> str:
    """A config file with every key, its default, and its meaning as a comment; `load` accepts it.

    Returns
    -------
    str : YAML with one study per experiment; what has no default stands under `axes`, with values made up.
    """
    own = [name for name in ConfigKeys.model_fields if name not in ("studies", "figures")]
    lines = [_line(name, ConfigKeys.model_fields[name], "") for name in own]
    lines += ["", "studies:"]
    for name in experiments.names():
        lines += _example_study(name)
    return "\n".join(lines) + "\n"


def _section(title: str, model: type[BaseModel], text: str = "", *, nested: bool = False) -> str:
    root = model_schema(model)
    known = fields(model) if nested else model.model_fields
    rows = "\n".join(_row(info.alias or name, info, root) for name, info in known.items())
    head = "| key | type | default | meaning |\n|---|---|---|---|"
    return f"## {title}\n\n" + (f"{text}\n\n" if text else "") + f"{head}\n{rows}\n"


def _row(name: str, info: FieldInfo, root: dict[str, Any]) -> str:
    default = None if info.is_required() else info.get_default(call_default_factory=True)
    kind = _SHORT.get(name) or _type(_property(root, name))
    if default is None:
        kind = kind.removesuffix(" or null")
    shown = "needed" if info.is_required() else _value(default)
    return f"| `{name}` | {kind} | {shown} | " + (info.description or "").replace("|", "\\|") + " |"


def _property(root: dict[str, Any], name: str) -> dict[str, Any]:
    head, _, rest = name.partition(".")
    part: dict[str, Any] = root["properties"].get(head, {})
    if not rest:
        return part
    definitions = root.get("$defs", {})
    inner = [definitions[reference] for reference in _references(part)]
    owner = next((item for item in inner if rest.partition(".")[0] in item["properties"]), None)
    return _property({**owner, "$defs": definitions}, rest) if owner else {}


def _references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if "$ref" in part:
            yield part["$ref"].rpartition("/")[2]
        for value in part.values():
            yield from _references(value)
    elif isinstance(part, list):
        for item in part:
            yield from _references(item)


def _type(part: dict[str, Any]) -> str:
    if "enum" in part:
        return ", ".join(f"`{choice}`" for choice in part["enum"])
    if "const" in part:
        return f"`{part['const']}`"
    if "anyOf" in part:
        return " or ".join(dict.fromkeys(_type(choice) for choice in part["anyOf"]))
    if "$ref" in part or part.get("type") == "object":
        return "mapping"
    if part.get("type") == "array":
        inner = part.get("items") or {}
        return f"list of {_type(inner)}" if inner and "anyOf" not in inner else "list"
    return (_TYPES.get(part.get("type", ""), "any") + _bounds(part)).strip()


def _bounds(part: dict[str, Any]) -> str:
    words = {"exclusiveMinimum": "above", "minimum": "from", "exclusiveMaximum": "below", "maximum": "to"}
    return "".join(f" {word} {part[key]:.6g}" for key, word in words.items() if key in part)


def _value(value: Any) -> str:
    return f"`{_yaml(value)}`" if value not in ("", None, {}) else "none"


def _yaml(value: Any) -> str:
    if isinstance(value, float):
        mantissa, exponent, power = f"{value:.6g}".partition("e")
        return mantissa + ".0" * bool(exponent and "." not in mantissa) + exponent + power  # YAML 1.1 needs the point
    if isinstance(value, str):
        return value or '""'
    return json.dumps(value)


def _line(name: str, info: FieldInfo, indent: str) -> str:
    default = info.get_default(call_default_factory=True)
    shown = f"{name}: {_yaml(default)}" if default is not None else f"# {name}:"
    return f"{indent}{shown}  # {info.description or ''}".rstrip(" #")


def _example_study(name: str) -> list[str]:
    experiment = experiments.get(name)
    known = experiment.Parameters.model_fields
    lines = [f"  {name}_example:", f"    experiment: {name}  # {experiment.title}"]
    lines.append(f"    axes:  # {StudyKeys.model_fields['axes'].description}")
    varying = [key for key, info in known.items() if info.is_required()] or list(known)[:1]
    lines += [f"      {key}: {_example(experiment.Parameters, key)}  # {known[key].description}" for key in varying]
    own = [key for key in StudyKeys.model_fields if key not in ("experiment", "axes")]
    lines += [_line(key, StudyKeys.model_fields[key], "    ") for key in own]
    for key, info in known.items():
        if key not in varying:
            lines.append(_line(key, info, "    "))
            nested = [item for model in nested_models(info) for item in model.model_fields.items()]
            lines += [f"    #   {inner}:  # {field.description or ''}".rstrip(" #") for inner, field in nested]
    return lines


def _example(model: type[BaseModel], key: str) -> str:
    choices = [v for v in (2, 4, 6, 0.5, "word") if all(place != (key,) for place, _ in validate(model, {key: v})[1])]
    return f"[{', '.join(map(_yaml, choices[:3]))}]"
