"""The registry of experiments: a new one is one new file here and one line in `_MODULES`."""

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from vicollapse.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from vicollapse.experiments.base import Experiment

_MODULES = {"gradient_flow": "GradientFlow"}


def names() -> tuple[str, ...]:
    """Names of all experiments."""
    return tuple(_MODULES)


@cache
def get(name: str) -> "Experiment":
    """The experiment of that name.

    Raises
    ------
    ConfigError : no experiment has that name.
    """
    if name not in _MODULES:
        raise ConfigError(f"unknown experiment '{name}'{did_you_mean(name, _MODULES)}")
    return getattr(import_module(f"vicollapse.experiments.{name}"), _MODULES[name])()
