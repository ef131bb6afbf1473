"""Writing the phase-diagram file as netCDF-4-compatible HDF5, which xarray opens."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import h5netcdf
import h5py
import numpy as np

from vicollapse.sweep import diagram, storage
from vicollapse.sweep.variables import Source, Variable

_SMALL = 1024


def write_diagram(path: Path, source: Source, provenance: Mapping[str, Any]) -> None:
    """Write a phase diagram, whole or not at all.

    Parameters
    ----------
    path : the file; an old one is replaced.
    source : what it shows.
    provenance : attributes of the group "provenance".

    Raises
    ------
    StorageError : disk full, folder not writable, or any other failure of the file system.
    """
    with storage.replacing(path) as target, h5netcdf.File(target, "w") as file:
        file.attrs.update({"format_version": storage.FORMAT_VERSION, **diagram.attributes(source)})
        _fill(file, diagram.root(source))
        _fill(file.create_group("points"), diagram.table(source))
        file.create_group("provenance").attrs.update(provenance)


def _fill(group: Any, variables: Iterable[Variable]) -> None:
    for variable in variables:
        for name, size in zip(variable.dims, variable.data.shape, strict=True):
            if name not in group.dimensions:
                group.dimensions[name] = size
        _create(group, variable)


def _create(group: Any, variable: Variable) -> None:
    data, attributes = np.ascontiguousarray(variable.data), dict(variable.attributes)
    if data.dtype == bool:  # netCDF has none; xarray's convention
        data, attributes = data.astype(np.int8), attributes | {"dtype": "bool"}
    kind = h5py.string_dtype() if data.dtype == object else data.dtype
    options = storage.filters(True) if data.size > _SMALL and data.dtype != object else {}
    created = group.create_variable(variable.name, variable.dims, kind, data=data, **options)
    created.attrs.update(attributes)
