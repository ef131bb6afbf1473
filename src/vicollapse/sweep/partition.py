"""Cut points x replicates into pieces of about equal time."""

import itertools
import math
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

from vicollapse.experiments.base import BLOCK

MOST_PIECES = 400
"""More jobs than that make a scheduler slow and gain nothing."""


@dataclass(frozen=True)
class Piece:
    """Points (by their row in the study) times the replicates [first, stop)."""

    rows: tuple[int, ...]
    first: int
    stop: int


def partition(
    parts: Sequence[Piece],
    seconds: Sequence[float],
    groups: Sequence[Hashable],
    target: float,
    most: int = MOST_PIECES,
) -> list[Piece]:
    """Pieces that cover `parts` exactly, of about `target` core-seconds each, or more where that would be too many.

    Parameters
    ----------
    parts : what to cut.
    seconds : (points,) core-seconds of one trajectory.
    groups : (points,) what must be equal within one compiled batch; points of a group stay together where they can.
    target : core-seconds of a piece.
    most : pieces in total; exceeded only if there are more `parts` than that.

    Returns
    -------
    list of Piece : the same for the same arguments; `first` of each is a multiple of 256.
    """
    total = sum(math.fsum(seconds[row] for row in part.rows) * (part.stop - part.first) for part in parts)
    target = max(target, total / most)
    while True:
        pieces = [piece for part in parts for piece in _cut(part, seconds, groups, target)]
        if len(pieces) <= most or target > total:
            return pieces
        target *= 1.25


def _cut(part: Piece, seconds: Sequence[float], groups: Sequence[Hashable], target: float) -> Iterator[Piece]:
    # small groups share a piece, large ones are split; no piece holds the end of one group and the start of the next
    replicates = part.stop - part.first
    pool: list[int] = []
    load = 0.0
    for rows in _grouped(part.rows, groups):
        cost = math.fsum(seconds[row] for row in rows) * replicates
        if pool and load + cost > target:
            yield from _split(Piece(tuple(pool), part.first, part.stop), seconds, target)
            pool, load = [], 0.0
        pool, load = pool + rows, load + cost
    yield from _split(Piece(tuple(pool), part.first, part.stop), seconds, target)


def _grouped(rows: Sequence[int], groups: Sequence[Hashable]) -> list[list[int]]:
    found: dict[Hashable, list[int]] = {}
    for row in rows:
        found.setdefault(groups[row], []).append(row)
    return list(found.values())


def _split(piece: Piece, seconds: Sequence[float], target: float) -> Iterator[Piece]:
    costs = [seconds[row] * (piece.stop - piece.first) for row in piece.rows]
    total = math.fsum(costs)
    parts = max(1, math.ceil(total / target))
    ends = itertools.accumulate(costs)
    middles = (end - cost / 2 for end, cost in zip(ends, costs, strict=True))
    part_of = [min(parts - 1, int(parts * middle / total)) if total else 0 for middle in middles]
    for _, numbers in itertools.groupby(range(len(costs)), key=part_of.__getitem__):
        members = list(numbers)
        rows = tuple(piece.rows[i] for i in members)
        yield from _split_replicates(
            Piece(rows, piece.first, piece.stop), math.fsum(costs[i] for i in members) / target
        )


def _split_replicates(piece: Piece, loads: float) -> Iterator[Piece]:
    blocks = -(-(piece.stop - piece.first) // BLOCK)
    count = min(blocks, max(1, round(loads)))
    cuts = [piece.first + BLOCK * (blocks * i // count) for i in range(count)] + [piece.stop]
    for first, stop in itertools.pairwise(cuts):
        yield Piece(piece.rows, first, stop)
