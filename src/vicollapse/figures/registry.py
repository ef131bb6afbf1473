"""The registry of kinds of figures: a new one is one new file here, one model of options and one line in `_KINDS`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from vicollapse.errors import ConfigError, did_you_mean
from vicollapse.figures.annealing_options import (
    AnnealedSnapshotsOptions,
    FateSharesOptions,
    ParetoOptions,
    SchedulePathsOptions,
)
from vicollapse.figures.options import (
    CurveOptions,
    Options,
    PhaseDiagramOptions,
    SnapshotsOptions,
    TailOptions,
    TrajectoriesOptions,
    parse,
)

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

_KINDS: dict[str, tuple[str, type[Options]]] = {
    "phase_diagram": ("phase_diagram", PhaseDiagramOptions),
    "collapse_curve": ("curves", CurveOptions),
    "tail": ("curves", TailOptions),
    "trajectories": ("trajectories", TrajectoriesOptions),
    "snapshots": ("snapshots", SnapshotsOptions),
    "fate_shares": ("fate_shares", FateSharesOptions),
    "schedule_paths": ("schedule_paths", SchedulePathsOptions),
    "annealed_snapshots": ("annealed_snapshots", AnnealedSnapshotsOptions),
    "pareto": ("pareto", ParetoOptions),
}


@dataclass(frozen=True)
class Kind:
    """One kind of figure.

    Parameters
    ----------
    name : as in the config.
    Options : its model of options.
    draw : (diagrams by study name, options) -> Figure.
    caption : (diagrams by study name, options) -> text that states every parameter.
    """

    name: str
    Options: type[Options]
    draw: Callable[[Mapping[str, "xr.Dataset"], Any], "Figure"]
    caption: Callable[[Mapping[str, "xr.Dataset"], Any], str]


def names() -> tuple[str, ...]:
    """Names of all kinds."""
    return tuple(_KINDS)


def parse_options(kind: str, options: dict[str, Any]) -> Options:
    """Validated options of a figure of that kind; imports no plotting library.

    Raises
    ------
    ConfigError : unknown kind or option (with the nearest valid one), wrong type or range.
    """
    if kind not in _KINDS:
        raise ConfigError(f"unknown kind of figure '{kind}'{did_you_mean(kind, _KINDS)}")
    return parse(_KINDS[kind][1], options)


def get(kind: str) -> Kind:
    """The kind of that name, with its drawing functions.

    Raises
    ------
    ConfigError : no kind has that name.
    """
    parse_options(kind, {})
    module, model = _KINDS[kind]
    room = import_module(f"vicollapse.figures.{module}")
    return Kind(kind, model, room.draw, room.caption)
