"""Opening the phase diagram of a study."""

from pathlib import Path
from typing import TYPE_CHECKING

from vicollapse.errors import StorageError
from vicollapse.sweep.storage import FORMAT_VERSION

if TYPE_CHECKING:
    import xarray


def open_phase_diagram(path: str | Path) -> "xarray.Dataset":
    """The phase diagram of a study, with the study's axes as dimensions.

    Parameters
    ----------
    path : the file `results/<study>/phase_diagram.h5`, or its folder.

    Returns
    -------
    xarray.Dataset : loaded on demand; a context manager that closes the file.

    Raises
    ------
    StorageError : there is no such file, it is no phase diagram, or one of another format version.
    """
    import xarray

    path = Path(path)
    path = path / "phase_diagram.h5" if path.is_dir() else path
    if not path.is_file():
        raise StorageError(f"there is no phase diagram {path}; run `vicollapse aggregate --study {path.parent.name}`")
    try:
        diagram = xarray.open_dataset(path, engine="h5netcdf", phony_dims="access")
    except (OSError, ValueError, KeyError) as error:
        raise StorageError(f"{path} is damaged or no phase diagram; {_again(path)}") from error
    if {"study", "collapsed_outcomes", "format_version"} <= set(diagram.attrs):
        found = int(diagram.attrs["format_version"])
        if found == FORMAT_VERSION:
            return diagram
        problem = f"has format version {found}, and this is a program for version {FORMAT_VERSION}"
    else:
        problem = "is no phase diagram"
    diagram.close()
    raise StorageError(f"{path} {problem}; {_again(path)}")


def _again(path: Path) -> str:
    return f"write it again with `vicollapse aggregate --study {path.parent.name}`"
