"""Where a shard's files lie, what identifies them, and how its parts become one file."""

import hashlib
import json
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import replace
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
from numpy.typing import NDArray

from vicollapse.errors import StorageError
from vicollapse.experiments.base import Experiment
from vicollapse.sweep import storage
from vicollapse.sweep.batches import Batch, blocks_per_point, kept
from vicollapse.sweep.parts import part_attributes, part_path
from vicollapse.sweep.provenance import provenance

if TYPE_CHECKING:
    from vicollapse.sweep.shards import Shard

_SLAB = 2**24
_CHUNK = 2**18
_BLOCKS_TOGETHER = 8192


def shard_path(folder: Path, shard_id: str) -> Path:
    """The finished file of a shard, in the folder of its study."""
    return folder / "shards" / f"{shard_id}.h5"


def parts_folder(folder: Path, shard_id: str) -> Path:
    """Where an unfinished shard keeps its lock, its finished batches, and the reason of a failure."""
    return folder / "parts" / shard_id


def identity(shard: "Shard", experiment: Experiment) -> dict[str, Any]:
    """Root attributes that every file of a shard carries, and that are checked when it is read."""
    return {
        "shard": shard.id,
        "experiment": shard.experiment,
        "version": experiment.version,
        "seed": str(shard.seed),
        "first": shard.first,
        "stop": shard.stop,
        "layout": _layout(experiment),
    }


def merge(path: Path, shard: "Shard", experiment: Experiment, batches: Iterable[Batch], parts: Path) -> None:
    """Write the file of a shard from its parts, read it back, and only then give it its name.

    Parameters
    ----------
    path : the file.
    shard, experiment : what it is.
    batches : of the shard, each of them with a part file.
    parts : folder of the part files.

    Raises
    ------
    StorageError : a part is damaged, the disk is full, or what was written cannot be read back.
    """
    expected = identity(shard, experiment)
    total = len(shard.points) * (shard.stop - shard.first)

    def verify(written: Path) -> None:
        with storage.reading(written, expected) as file:
            file.visititems(lambda _, item: _read_through(item))
            if int(file["count"][()].sum()) != total:
                raise StorageError(f"{path}: the outcomes do not add up to {total} trajectories; run again")

    with storage.writing(path, expected, verify) as file:
        storage.store(file, _points(shard), compress=True)
        made: list[dict[str, Any]] = []
        for neighbours in _together(batches):
            read = [storage.read(part_path(parts, batch), part_attributes(expected, batch)) for batch in neighbours]
            arrays = {name: np.concatenate([part[name] for part, _ in read]) for name in read[0][0]}
            whole = replace(neighbours[0], stop=neighbours[-1].stop)
            (_store_trace if whole.trace else _store_blocks)(file, shard, whole, arrays)
            made += [attributes for _, attributes in read]
        file.create_group("provenance").attrs.update(_provenance(made))


def remove_parts(folder: Path, shard_id: str) -> None:
    """Delete what an unfinished shard left, once its file is complete."""
    shutil.rmtree(parts_folder(folder, shard_id), ignore_errors=True)


def _provenance(parts: list[dict[str, Any]]) -> dict[str, Any]:
    def distinct(name: str) -> list[str]:
        return sorted({str(part[name]) for part in parts})

    seconds, threads = sum(float(part["seconds"]) for part in parts), max(int(part["threads"]) for part in parts)
    ranks = len({int(part["rank"]) for part in parts})  # of the largest of the runs that made them
    whole = provenance(backend=", ".join(distinct("backend")), threads=threads, wall_seconds=seconds)
    return whole | {"host": ", ".join(distinct("host")), "ranks": ranks}


def _layout(experiment: Experiment) -> str:
    observables = [[o.name, o.dimension, o.size, o.edges.tolist()] for o in experiment.observables]
    text = json.dumps([experiment.outcomes, experiment.flags, experiment.counters, observables])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _points(shard: "Shard") -> storage.Arrays:
    def text(values: Iterator[str]) -> NDArray[Any]:
        return np.array([value.encode() for value in values])

    arrays: storage.Arrays = {
        "point_id": text(p.id for p in shard.points),
        "key": text(p.key for p in shard.points),
        "coordinates": text(json.dumps(p.coordinates) for p in shard.points),
        "parameters": text(p.parameters.model_dump_json() for p in shard.points),
    }
    return arrays | ({"time": np.asarray(shard.save_times, float)} if kept(shard) else {})


def _together(batches: Iterable[Batch]) -> Iterator[list[Batch]]:
    # neighbours are written at once: a chunk of the file is then compressed once, not once for each of them
    neighbours: list[Batch] = []
    for batch in sorted(batches, key=attrgetter("trace", "start")):
        if neighbours and not _continues(neighbours, batch):
            yield neighbours
            neighbours = []
        neighbours.append(batch)
    yield neighbours


def _continues(neighbours: list[Batch], batch: Batch) -> bool:
    adjacent = not batch.trace and batch.start == neighbours[-1].stop
    return adjacent and batch.stop - neighbours[0].start <= _BLOCKS_TOGETHER


def _store_blocks(file: h5py.File, shard: "Shard", batch: Batch, arrays: storage.Arrays) -> None:
    for name, array in arrays.items():
        if name not in file:
            length, rest = len(shard.points) * blocks_per_point(shard), array.shape[1:]
            chunk = min(length, max(1, _CHUNK * len(array) // array.nbytes))
            options = storage.filters(True)
            file.create_dataset(name, (length, *rest), array.dtype, chunks=(chunk, *rest), **options)
        file[name][batch.start : batch.stop] = array


def _store_trace(file: h5py.File, shard: "Shard", batch: Batch, arrays: storage.Arrays) -> None:
    for name, array in arrays.items():
        if name not in file:
            shape = (len(shard.points), kept(shard), *array.shape[2:])
            file.create_dataset(name, shape, array.dtype, chunks=(1, *shape[1:]), **storage.filters(True))
        file[name][batch.start : batch.stop] = array


def _read_through(item: Any) -> None:
    if isinstance(item, h5py.Dataset) and item.size:
        step = max(1, _SLAB * len(item) // max(1, item.nbytes))
        for start in range(0, len(item), step):
            item[start : start + step]
