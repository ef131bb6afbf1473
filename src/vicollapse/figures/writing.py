"""Figures of a config as files: PDF, SVG, PNG and caption, byte for byte the same from the same phase diagrams."""

import os
from collections.abc import Sequence
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from vicollapse.errors import ConfigError, StorageError, did_you_mean
from vicollapse.figures import registry, style

if TYPE_CHECKING:
    from vicollapse.sweep.study import Config
    from vicollapse.sweep.study import Figure as FigureSpec

FORMATS = ("pdf", "svg", "png")
RESOLUTION = 300
"""Dots per inch of the PNG, and of the maps inside PDF and SVG."""
# dates and version strings would make equal figures different files
_METADATA: dict[str, dict[str, None]] = {
    "pdf": {"CreationDate": None, "ModDate": None, "Creator": None, "Producer": None},
    "svg": {"Date": None, "Creator": None},
    "png": {"Software": None},
}


def render(config: "Config", names: Sequence[str] | None = None) -> list[Path]:
    """Draw figures of a config from the stored phase diagrams and write them.

    Parameters
    ----------
    config : a loaded config file.
    names : names of the figures; all of them by default.

    Returns
    -------
    list of Path : for each figure, `<name>.pdf`, `.svg`, `.png` and the caption `<name>.txt`.

    Raises
    ------
    ConfigError : no such figure, or an option of one does not fit its studies.
    StorageError : a phase diagram is missing or unreadable, or the files cannot be written.
    """
    chosen = list(config.figures) if names is None else list(names)
    for name in chosen:
        if name not in config.figures:
            raise ConfigError(f"{config.path}: no figure '{name}'{did_you_mean(name, config.figures)}")
    return [path for name in chosen for path in _render_one(config, config.figures[name])]


def _render_one(config: "Config", spec: "FigureSpec") -> list[Path]:
    try:
        kind, options = registry.get(spec.kind), registry.parse_options(spec.kind, spec.options)
        with ExitStack() as files:
            diagrams = {study: files.enter_context(_open(config, study)) for study in spec.studies}
            figure, caption = kind.draw(diagrams, options), kind.caption(diagrams, options)
    except ConfigError as error:
        raise ConfigError(f"{config.path}: figures.{spec.name}: {error}") from None
    return write(figure, caption, config.figures_folder, spec.name)


def _open(config: "Config", study: str) -> xr.Dataset:
    from vicollapse.sweep.phase_diagram import open_phase_diagram

    if study not in config.studies:
        raise ConfigError(f"no study '{study}'{did_you_mean(study, config.studies)}")
    path = config.results / study / "phase_diagram.h5"
    if not path.exists():
        command = f"vicollapse {{}} --config {config.path} --study {study}"
        raise StorageError(
            f"no phase diagram of study '{study}' at {path}; make it: `{command.format('simulate')}`, then "
            f"`{command.format('aggregate')}`"
        )
    return open_phase_diagram(path)


def write(figure: Figure, caption: str, folder: Path, name: str) -> list[Path]:
    """Write one figure in every format, and its caption; every file appears whole or not at all.

    Parameters
    ----------
    figure, caption : what to write.
    folder : where; made if it is not there.
    name : of the files, without suffix.

    Returns
    -------
    list of Path : the files.

    Raises
    ------
    StorageError : a file cannot be written, with the reason.
    """
    _freeze(figure)
    contents = {suffix: _bytes(figure, suffix) for suffix in FORMATS} | {"txt": f"{caption}\n".encode()}
    paths = [folder / f"{name}.{suffix}" for suffix in contents]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, content in zip(paths, contents.values(), strict=True):
            _write_whole(path, content)
    except OSError as error:
        raise StorageError(f"cannot write figure '{name}' to {folder}: {error.strerror}; free or change it") from None
    return paths


def _freeze(figure: Figure) -> None:
    """Arrange the panels once, for all formats."""
    with style.context():
        figure.set_dpi(RESOLUTION)
        engine = figure.get_layout_engine()
        if engine:
            engine.execute(figure)
        figure.set_layout_engine(None)  # a placeholder ("none") would make every format draw twice
    for panel in figure.axes:
        # the solver's last digits depend on the order of hashes, and would change identifiers in the SVG
        panel.set_position(np.round(panel.get_position(original=True).bounds, 6).tolist())


def _bytes(figure: Figure, suffix: str) -> bytes:
    stream = BytesIO()
    with style.context():
        figure.savefig(stream, format=suffix, dpi=RESOLUTION, metadata=_METADATA[suffix])
    return stream.getvalue()


def _write_whole(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
