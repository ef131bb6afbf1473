"""The points of a study and what identifies them: canonical text, its hash, and the random streams that hang on it."""

import hashlib
import itertools
import json
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import BaseModel, ValidationError

from vicollapse import experiments
from vicollapse.errors import ConfigError
from vicollapse.experiments.base import BLOCK, Block, Experiment
from vicollapse.sweep.parameters import DIGITS, with_value
from vicollapse.sweep.study import Study

_PLAIN = (float, int, str, type(None))
_made: dict[str, list["Point"]] = {}  # the points of the study that was asked for last
_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


@dataclass(frozen=True)
class Point:
    """One cell of a study's grid.

    Parameters
    ----------
    id : random identity, 16 hex digits: experiment and parameters without those that only concern observation.
    key : complete identity, 16 hex digits: experiment, its version and every parameter.
    parameters : validated model of the experiment.
    coordinates : axis values in the order of the study.
    """

    id: str
    key: str
    parameters: Any
    coordinates: tuple[Any, ...] = ()


def point_id(experiment: str | Experiment, parameters: BaseModel) -> str:
    """Random identity of a point: neither names, axis order, defaults left out nor times of observation matter.

    Parameters at their default are left out, so that new ones change nothing; who changes a default raises `version`.

    Parameters
    ----------
    experiment : its name, or the experiment.
    parameters : validated model of its parameters.

    Returns
    -------
    str : 16 hex digits, the head of the SHA-256 of the canonical text.
    """
    known = _experiment(experiment)
    return _random_identity(known, _texts(parameters))


def point_key(experiment: str | Experiment, parameters: BaseModel) -> str:
    """Complete identity of a point: experiment, version of its numerics, every parameter (16 hex digits)."""
    known = _experiment(experiment)
    return _complete_identity(known, _texts(parameters))


def block_key(seed: int, point_id: str, block: int) -> int:
    """Key of the Philox stream of a block of replicates: 128 bits, the head of the SHA-256 of "seed:point_id:block".

    Parameters
    ----------
    seed, point_id : of the study; random identity of the point.
    block : index of the block, from 0.
    """
    return int.from_bytes(hashlib.sha256(f"{seed}:{point_id}:{block}".encode()).digest()[:16], "big")


def blocks(
    experiment: str | Experiment, parameters: BaseModel, replicates: int, seed: int, first: int = 0
) -> list[Block]:
    """The random streams of the replicates [first, first + replicates) of a point.

    Parameters
    ----------
    experiment : its name, or the experiment.
    parameters : validated model of its parameters.
    replicates : how many.
    seed : of the study.
    first : the first one, a multiple of 256.

    Returns
    -------
    list : whole blocks, and a shorter last one where 256 does not divide the number.
    """
    return point_blocks(point_id(experiment, parameters), parameters, first, first + replicates, seed)


def point_blocks(identity: str, parameters: Any, first: int, stop: int, seed: int) -> list[Block]:
    """As `blocks`, for the replicates [first, stop) of a point whose random identity is known."""
    if first % BLOCK:
        raise ValueError(f"the first replicate must be a multiple of {BLOCK}, not {first}")
    starts = range(first, stop, BLOCK)
    return [Block(parameters, block_key(seed, identity, s // BLOCK), min(BLOCK, stop - s)) for s in starts]


def points(study: Study) -> list[Point]:
    """All points of a study: every combination of its axes' values, the last axis fastest.

    Raises
    ------
    ConfigError : a combination that the experiment's parameters do not allow.
    """
    experiment, axes = experiments.get(study.experiment), tuple(study.axes)
    asked = repr((study, experiment, experiment.version))
    found = _made.get(asked)
    if found is None:
        combinations = itertools.product(*study.axes.values())
        found = [make_point(experiment, study.name, study.parameters, axes, values) for values in combinations]
        _made.clear()
        _made[asked] = found
    return list(found)


def make_point(
    experiment: Experiment, study: str, fixed: dict[str, Any], axes: tuple[str, ...], values: tuple[Any, ...]
) -> Point:
    """The point of fixed parameters (nested plain data) and one value per axis (dotted names).

    Raises
    ------
    ConfigError : the experiment's parameters do not allow this combination.
    """
    data = dict(fixed)
    for name, value in zip(axes, values, strict=True):
        data = with_value(data, name, value)
    try:
        parameters = experiment.Parameters.model_validate(data)
    except ValidationError as error:
        where = ", ".join(f"{name} = {value}" for name, value in zip(axes, values, strict=True))
        message = error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
        raise ConfigError(f"study '{study}', point with {where}: {message}") from None
    texts = _texts(parameters)
    return Point(_random_identity(experiment, texts), _complete_identity(experiment, texts), parameters, values)


def _experiment(experiment: str | Experiment) -> Experiment:
    return experiments.get(experiment) if isinstance(experiment, str) else experiment


def _texts(parameters: BaseModel, prefix: str = "") -> dict[str, Any]:
    # A value equal to its default is left out: a parameter that a later version adds changes no identity.
    texts: dict[str, Any] = {}
    defaults = _defaults(type(parameters))
    for name, value in parameters.__dict__.items():
        if value == defaults[name]:
            continue
        if not isinstance(value, _PLAIN) and isinstance(value, BaseModel):  # the second test alone is slow
            texts |= _texts(value, f"{prefix}{name}.")
        else:
            texts[prefix + name] = _text(value)
    return texts


@cache
def _defaults(model: type[BaseModel]) -> dict[str, Any]:
    return {name: info.default for name, info in model.model_fields.items()}


def _text(value: Any) -> Any:
    if isinstance(value, float):
        return f"{value + 0.0:.{DIGITS}g}"
    if isinstance(value, str) or value is None:
        return value
    if isinstance(value, list | tuple):
        return [_text(item) for item in value]
    return str(value).lower()


def _random_identity(experiment: Experiment, texts: dict[str, Any]) -> str:
    drawn = {name: text for name, text in texts.items() if name not in experiment.observation}
    return _hash({"experiment": experiment.name, "parameters": drawn})


def _complete_identity(experiment: Experiment, texts: dict[str, Any]) -> str:
    return _hash({"experiment": experiment.name, "version": experiment.version, "parameters": texts})


def _hash(content: dict[str, Any]) -> str:
    return hashlib.sha256(_encode(content).encode()).hexdigest()[:16]
