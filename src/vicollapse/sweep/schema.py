"""The JSON schema of a config file, put together from the models."""

import copy
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from vicollapse import experiments
from vicollapse.sweep.models import ConfigKeys, FigureKeys, StudyKeys
from vicollapse.sweep.parameters import fields, nested_models

FigureKinds = Mapping[str, type[BaseModel]]
"""Kind of figure -> model of its options; the sweep knows none, callers hand them in."""

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema(figures: FigureKinds | None = None) -> dict[str, Any]:
    """JSON schema of a config file, for editors and other programs.

    Parameters
    ----------
    figures : kinds of figures and their option models; without them any option is allowed.

    Returns
    -------
    dict : draft 2020-12, plain data.
    """
    root = model_schema(ConfigKeys)
    kinds = [_figure_schema(kind, model) for kind, model in (figures or {}).items()]
    root["properties"]["studies"]["additionalProperties"] = _any_of([_study_schema(n) for n in experiments.names()])
    root["properties"]["figures"]["additionalProperties"] = _any_of(kinds or [_figure_schema()])
    definitions: dict[str, Any] = {}
    root = _lift_definitions(root, definitions)
    return {"$schema": _DIALECT, "title": "vicollapse config", **root, "$defs": definitions}


def model_schema(model: type[BaseModel]) -> dict[str, Any]:
    """Schema of one model, without the titles that only repeat the names."""
    found = copy.deepcopy(model.model_json_schema(by_alias=True))
    found["properties"] = {name: _without_title(part) for name, part in found.get("properties", {}).items()}
    for part in found.get("$defs", {}).values():
        part.pop("title", None)
        part["properties"] = {name: _without_title(inner) for name, inner in part.get("properties", {}).items()}
    return _without_title(found)


def _without_title(part: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in part.items() if key != "title"}


def _study_schema(name: str) -> dict[str, Any]:
    experiment = experiments.get(name)
    study, parameters = model_schema(StudyKeys), model_schema(experiment.Parameters)
    axes = study["properties"]["axes"]
    plain = {key: info for key, info in fields(experiment.Parameters).items() if not nested_models(info)}
    axis = axes.pop("additionalProperties")
    axes["properties"] = {key: axis | {"description": info.description or ""} for key, info in plain.items()}
    axes |= {"additionalProperties": False, "minProperties": 1}
    study["properties"]["experiment"]["const"] = name
    study["properties"] |= parameters["properties"]
    study["$defs"] |= {key: _optional(part) for key, part in parameters.get("$defs", {}).items()}
    return study | {"description": experiment.title}


def _optional(part: dict[str, Any]) -> dict[str, Any]:
    # a parameter that is needed may stand under `axes` instead
    return {key: value for key, value in part.items() if key != "required"}


def _figure_schema(kind: str = "", options: type[BaseModel] | None = None) -> dict[str, Any]:
    figure = model_schema(FigureKeys)
    several = figure["properties"]["studies"]
    description = several.pop("description")
    figure["properties"]["studies"] = {"anyOf": [{"type": "string"}, several], "description": description}
    if options is None:
        return figure
    own = model_schema(options)
    figure["properties"]["kind"]["const"] = kind
    figure["properties"] |= own["properties"]
    figure |= {"additionalProperties": False, "description": own.get("description", kind)}
    return figure | {"$defs": own.get("$defs", {})}


def _any_of(schemas: list[dict[str, Any]]) -> dict[str, Any]:
    return schemas[0] if len(schemas) == 1 else {"anyOf": schemas}


def _lift_definitions(part: Any, found: dict[str, Any]) -> Any:
    # definitions must stand at the root, where "#/$defs/..." points to
    if isinstance(part, list):
        return [_lift_definitions(item, found) for item in part]
    if not isinstance(part, dict):
        return part
    for name, definition in part.get("$defs", {}).items():
        if found.setdefault(name, definition) != definition:
            raise ValueError(f"two models are called '{name}'; rename one of them")
    return {key: _lift_definitions(value, found) for key, value in part.items() if key != "$defs"}
