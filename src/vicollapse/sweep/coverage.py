"""Which blocks of a study's points existing shards cover, and what is left to compute."""

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from vicollapse.experiments.base import BLOCK
from vicollapse.sweep.ledger import Entry
from vicollapse.sweep.partition import Piece
from vicollapse.sweep.points import Point
from vicollapse.sweep.study import Study


class Coverage:
    """Table (points, blocks) of a study: True where a shard has been taken that counts the block.

    A shard counts its whole blocks together, so it is taken for all of them or none; its short last block is of use
    only to a study that ends with it. No block of a point is counted twice. A last column says whether the kept
    trajectories are there: where only they are missing, a shard of one block is enough.

    Parameters
    ----------
    study : the study.
    points : its points.
    """

    def __init__(self, study: Study, points: Sequence[Point]) -> None:
        self._study = study
        self._rows = {point.key: row for row, point in enumerate(points)}
        self._counted: NDArray[np.bool_] = np.zeros((len(points), -(-study.replicates // BLOCK)), bool)
        self._kept: NDArray[np.bool_] = np.full(len(points), study.keep_trajectories == 0)

    def take(self, entry: Entry, *, entirely: bool) -> bool:
        """Take a shard if it provides something that is not there yet, and counts nothing that is counted already.

        Parameters
        ----------
        entry : the shard.
        entirely : take it only if everything in it is wanted and not there yet.

        Returns
        -------
        bool : whether it was taken.
        """
        rows = [self._rows[key] for key in entry.points if key in self._rows]
        columns = self._columns(entry)
        counts = columns.start < columns.stop and bool(rows) and not self._counted[rows, columns].any()
        keeps = self._keeps(entry) and (counts or entry.stop <= BLOCK) and not self._kept[rows].all()
        if not (counts or keeps) or (entirely and not self._wants_all(entry, rows, columns, counts)):
            return False
        self._counted[rows, columns] |= counts
        self._kept[rows] |= keeps
        return True

    def rest(self) -> list[Piece]:
        """What is not covered: points that lack the same range of blocks together, in the order of the study.

        Returns
        -------
        list of Piece : points that lack only their kept trajectories are in pieces of one block, apart from the others.
        """
        table = np.column_stack([self._counted, self._kept])
        patterns, inverse = np.unique(table, axis=0, return_inverse=True)
        runs = [_missing(pattern) for pattern in patterns]
        found: dict[tuple[int, int, bool], list[int]] = {}
        for row, pattern in enumerate(inverse.reshape(-1).tolist()):
            for run in runs[pattern]:
                found.setdefault(run, []).append(row)
        end = self._study.replicates
        return [Piece(tuple(rows), a * BLOCK, min(b * BLOCK, end)) for (a, b, _), rows in sorted(found.items())]

    def _columns(self, entry: Entry) -> slice:
        first, whole, replicates = entry.first // BLOCK, entry.stop // BLOCK, self._study.replicates
        if entry.stop == replicates:
            return slice(first, -(-replicates // BLOCK))
        return slice(first, whole if whole * BLOCK <= replicates else first)

    def _keeps(self, entry: Entry) -> bool:
        keep = self._study.keep_trajectories
        enough = 0 < keep <= entry.keep_trajectories and entry.save_times == self._study.save_times
        return enough and entry.first == 0

    def _wants_all(self, entry: Entry, rows: list[int], columns: slice, counts: bool) -> bool:
        keep = self._study.keep_trajectories if entry.first == 0 else 0
        blocks = -(-(entry.stop - entry.first) // BLOCK)
        fits = len(rows) == len(entry.points) and columns.stop - columns.start == blocks
        return fits and entry.keep_trajectories == keep and (counts or not self._kept[rows].any())


def _missing(pattern: NDArray[np.bool_]) -> list[tuple[int, int, bool]]:
    # first block, end, and whether these are there already but for the kept trajectories
    counted, kept = pattern[:-1], pattern[-1]
    runs = [(run[0], run[-1] + 1, False) for there, run in _runs(counted) if not there]
    return runs if kept or not counted[0] else [(0, 1, True), *runs]


def _runs(flags: NDArray[np.bool_]) -> Iterator[tuple[bool, list[int]]]:
    for there, numbers in itertools.groupby(range(len(flags)), key=flags.__getitem__):
        yield bool(there), list(numbers)
