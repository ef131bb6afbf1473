"""Adding up the shards of a study, point by point and block after block in their order."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
from numpy.typing import NDArray

from vicollapse.experiments.base import BLOCK, Experiment
from vicollapse.sweep import storage
from vicollapse.sweep.batches import blocks_per_point, kept
from vicollapse.sweep.reduce import fold
from vicollapse.sweep.shard_file import identity, shard_path

if TYPE_CHECKING:
    from vicollapse.sweep.points import Point
    from vicollapse.sweep.shards import Shard
    from vicollapse.sweep.study import Study


class Tally:
    """Totals over the wanted replicates of the wanted points.

    Parameters
    ----------
    study : replicates, kept trajectories and save times that are wanted.
    experiment : its experiment.
    points : the wanted points.

    Attributes
    ----------
    totals : name of a shard's dataset -> (points, ...) sum.
    trajectories : name -> (points, kept, times, ...), NaN (outcome: -1) where there are none yet.
    provenance : attributes of the group "provenance" of every shard that was used.
    """

    def __init__(self, study: "Study", experiment: Experiment, points: Sequence["Point"]) -> None:
        self.study, self.experiment = study, experiment
        self._blocks = np.zeros(len(points), np.int64)
        self.totals = _empty(experiment, len(points))
        self.trajectories: storage.Arrays = {}
        self.provenance: list[dict[str, Any]] = []
        self._row = {point.key: row for row, point in enumerate(points)}

    @property
    def reached(self) -> NDArray[np.int64]:
        """(points,) replicates that were counted, always the first ones."""
        return np.minimum(self._blocks * BLOCK, self.study.replicates)

    def add_all(self, shards: Sequence["Shard"], folder: Path) -> None:
        """Add every shard that has a file, in the order of their replicates; blocks that are there twice count once.

        Parameters
        ----------
        shards : of the study.
        folder : of the study.

        Raises
        ------
        StorageError : a file is damaged, or belongs to something else.
        """
        for shard in sorted(shards, key=lambda shard: shard.first):
            path = shard_path(folder, shard.id)
            if path.exists():
                with storage.reading(path, identity(shard, self.experiment)) as file:
                    self._add(shard, file)

    def _add(self, shard: "Shard", file: h5py.File) -> None:
        rows = np.array([self._row.get(key.decode(), -1) for key in file["key"][()]])
        used = self._add_trajectories(shard, file, rows)
        first, stop = shard.first // BLOCK, self._last_block(shard)
        for start in np.unique(self._blocks[rows[rows >= 0]]):
            if first <= start < stop:
                take = (rows >= 0) & (self._blocks[rows] == start)
                self._add_blocks(shard, file, take, rows[take], slice(start - first, stop - first))
                self._blocks[rows[take]] = stop
                used = True
        if used:
            self.provenance.append(dict(file["provenance"].attrs))

    def _last_block(self, shard: "Shard") -> int:
        # a short last block is the head of the whole one, and stands only for itself
        replicates = self.study.replicates
        return -(-replicates // BLOCK) if shard.stop == replicates else min(shard.stop, replicates) // BLOCK

    def _add_blocks(
        self, shard: "Shard", file: h5py.File, take: NDArray[np.bool_], to: NDArray[np.int64], blocks: slice
    ) -> None:
        for name, total in self.totals.items():
            data = file[name][()]
            data = data.reshape(len(shard.points), blocks_per_point(shard), *data.shape[1:])[take, blocks]
            if name.startswith("sum/"):
                total[to] = fold(total[to], data)
            else:
                total[to] += data.sum(axis=1, dtype=np.int64)

    def _add_trajectories(self, shard: "Shard", file: h5py.File, rows: NDArray[np.int64]) -> bool:
        count = self.study.keep_trajectories
        if not count or kept(shard) < count or tuple(shard.save_times) != tuple(self.study.save_times):
            return False
        take = rows >= 0
        for name, data in file["trajectories"].items():
            if name not in self.trajectories:
                shape = (len(self._blocks), count, *data.shape[2:])
                self.trajectories[name] = np.full(shape, np.nan if data.dtype.kind == "f" else -1, _wide(data.dtype))
            for source in np.flatnonzero(take):  # one point at a time: these can be large
                self.trajectories[name][rows[source]] = data[source, :count]
        return bool(take.any())


def _empty(experiment: Experiment, points: int) -> storage.Arrays:
    shapes: Mapping[str, tuple[int, ...]] = {
        "count": (len(experiment.outcomes),),
        **{f"flag/{name}": () for name in experiment.flags},
        **{f"counter/{name}": () for name in experiment.counters},
    }
    totals: storage.Arrays = {name: np.zeros((points, *shape), np.int64) for name, shape in shapes.items()}
    for o in experiment.observables:
        size = (o.size,) if o.dimension else ()
        totals[f"histogram/{o.name}"] = np.zeros((points, *size, len(o.edges) - 1), np.int64)
        totals[f"sum/{o.name}"] = np.zeros((points, *size))
        totals[f"valid/{o.name}"] = np.zeros((points, *size), np.int64)
    return totals


def _wide(kind: np.dtype) -> np.dtype:
    return kind if kind.kind == "f" else np.dtype(np.int64)
