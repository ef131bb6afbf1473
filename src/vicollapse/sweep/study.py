"""The typed config, read strictly: every error names file, line, place and the nearest valid key."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from vicollapse import experiments
from vicollapse.errors import ConfigError, did_you_mean
from vicollapse.sweep.models import ConfigKeys, FigureKeys, StudyKeys
from vicollapse.sweep.parameters import Place, rounded
from vicollapse.sweep.study_checks import check_parameters, own_keys, read_axes, read_save_times
from vicollapse.sweep.yaml_lines import Document

CheckFigure = Callable[[str, dict[str, Any]], object]


@dataclass(frozen=True)
class Study:
    """One question: an experiment, its axes and fixed parameters, replicates and a seed.

    Parameters
    ----------
    name, description, experiment : texts.
    parameters : fixed ones as given (nested as in the file), numbers rounded to 6 digits, defaults not filled in.
    axes : dotted parameter name -> its values.
    replicates : per point.
    seed : of all random numbers.
    keep_trajectories : whole trajectories kept per point.
    save_times : (times,) of the kept trajectories, increasing.
    """

    name: str
    description: str = ""
    experiment: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    axes: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    replicates: int = 256
    seed: int = 1
    keep_trajectories: int = 0
    save_times: tuple[float, ...] = ()


@dataclass(frozen=True)
class Figure:
    """One figure: its kind, the studies that it shows, and the options of that kind."""

    name: str
    kind: str
    studies: tuple[str, ...]
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Config:
    """A config file: studies and figures by name, and where results and figures go (relative to the working folder).

    Parameters
    ----------
    path : the file.
    studies, figures : by name, in the order of the file.
    results, figures_folder : folders.
    shard_minutes : core-minutes of one shard.
    """

    path: Path
    studies: dict[str, Study]
    figures: dict[str, Figure]
    results: Path = Path("results")
    figures_folder: Path = Path("figures")
    shard_minutes: float = 5.0

    def study(self, name: str) -> Study:
        """The study of that name (ConfigError with the nearest one if there is none)."""
        if name not in self.studies:
            raise ConfigError(f"{self.path}: no study '{name}'{did_you_mean(name, self.studies)}")
        return self.studies[name]


def load(path: str | Path, check_figure: CheckFigure | None = None) -> Config:
    """Read and check a config file.

    Parameters
    ----------
    path : the YAML file.
    check_figure : (kind, options) -> anything; raises ConfigError if a figure asks for what there is not.

    Returns
    -------
    Config : everything checked, except combinations of axis values (`points` checks those).

    Raises
    ------
    ConfigError : all problems of the file, one per line: file, line, place, what, nearest valid key.
    """
    document = Document(Path(path))
    keys = own_keys(document, ConfigKeys, document.data, ())
    document.check()
    studies = {name: _study(document, name, raw) for name, raw in document.data["studies"].items()}
    figures = {
        name: _figure(document, name, raw, check_figure) for name, raw in document.data.get("figures", {}).items()
    }
    document.check()
    return Config(
        Path(path),
        {name: study for name, study in studies.items() if study},
        {name: figure for name, figure in figures.items() if figure},
        Path(keys.results),
        Path(keys.figures_folder),
        keys.shard_minutes,
    )


def _named(document: Document, place: Place, raw: Any, what: str) -> bool:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", str(place[-1])):
        document.problem(place, "a name is made of letters, digits, '_' and '-' (it becomes the name of files)")
    elif not isinstance(raw, dict):
        document.problem(place, f"a {what} is a mapping of keys to values")
    return isinstance(raw, dict)


def _study(document: Document, name: str, raw: Any) -> Study | None:
    place: Place = ("studies", name)
    if not _named(document, place, raw, "study"):
        return None
    model = _parameter_model(document, raw, place)
    own = {key: value for key, value in raw.items() if key in StudyKeys.model_fields}
    keys = own_keys(document, StudyKeys, own, place)
    if model is None:
        return None
    given = {key: value for key, value in raw.items() if key not in own}
    fixed = {key: rounded(value, model.model_fields.get(key)) for key, value in given.items()}
    axes = read_axes(document, raw, model, fixed, place)
    check_parameters(document, raw, model, fixed, axes, place)
    times = read_save_times(document, raw, model, fixed, axes, place)
    if keys is None:
        return None
    if keys.keep_trajectories > keys.replicates:
        document.problem((*place, "keep_trajectories"), f"cannot be more than the {keys.replicates} replicates")
    return Study(
        name, keys.description, keys.experiment, fixed, axes, keys.replicates, keys.seed, keys.keep_trajectories, times
    )


def _parameter_model(document: Document, raw: Mapping[str, Any], place: Place) -> type[BaseModel] | None:
    if not isinstance(raw.get("experiment"), str):
        return None  # reported with the study's own keys
    try:
        return experiments.get(raw["experiment"]).Parameters
    except ConfigError as error:
        document.problem((*place, "experiment"), str(error))
        return None


def _figure(document: Document, name: str, raw: Any, check_figure: CheckFigure | None) -> Figure | None:
    place: Place = ("figures", name)
    if not _named(document, place, raw, "figure"):
        return None
    if isinstance(raw.get("studies"), str):
        raw = {**raw, "studies": [raw["studies"]]}
    keys = own_keys(document, FigureKeys, raw, place)
    if keys is None:
        return None
    for i, study in enumerate(keys.studies):
        if study not in document.data["studies"]:
            message = f"no study '{study}'{did_you_mean(study, document.data['studies'])}"
            document.problem((*place, "studies", i), message)
    options = {key: value for key, value in raw.items() if key not in FigureKeys.model_fields}
    try:
        if check_figure is not None:
            check_figure(keys.kind, options)
    except ConfigError as error:
        document.problem(place, str(error))
    return Figure(name, keys.kind, tuple(keys.studies), options)
