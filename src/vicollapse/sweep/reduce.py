"""What is kept of the outcomes of many trajectories: counts, histograms and sums of every block of replicates."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vicollapse.experiments.base import BLOCK, Experiment, Observable, Outcomes
from vicollapse.sweep.bins import bins

COUNT = np.uint16
"""Type of the counts of a block, which has at most 256 trajectories."""

Array = NDArray[np.float64]
Index = NDArray[np.int64]


def reduce(experiment: Experiment, outcomes: Outcomes, sizes: Index) -> dict[str, NDArray]:
    """Counts, histograms and sums of every block of replicates.

    Parameters
    ----------
    experiment : says which outcomes, flags, counters and observables there are.
    outcomes : of n trajectories, block after block.
    sizes : (blocks,) trajectories in each block, at most 256; they add up to n.

    Returns
    -------
    dict : "count" (blocks, outcomes) and "flag/<name>" (blocks,), uint16; "counter/<name>" (blocks,) int64; and of each
        observable "histogram/<name>" (blocks[, size], bins) uint16, "sum/<name>" (blocks[, size]) float64, over the
        "valid/<name>" (blocks[, size]) uint16 trajectories where it is not NaN.
    """
    blocks = np.repeat(np.arange(len(sizes)), sizes)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    result: dict[str, NDArray] = {"count": _histogram(blocks, outcomes.outcome, len(sizes), len(experiment.outcomes))}
    for name in experiment.flags:
        result[f"flag/{name}"] = np.add.reduceat(outcomes.flags[name], starts, dtype=COUNT)
    for name in experiment.counters:
        result[f"counter/{name}"] = np.add.reduceat(outcomes.counters[name], starts, dtype=np.int64)
    for observable in experiment.observables:
        columns = outcomes.observables[observable.name].reshape(len(blocks), -1).T
        parts = [_observable(observable, np.ascontiguousarray(c), blocks, sizes) for c in columns]
        for kind, arrays in zip(("histogram", "sum", "valid"), zip(*parts, strict=True), strict=True):
            result[f"{kind}/{observable.name}"] = np.stack(arrays, axis=1) if observable.dimension else arrays[0]
    return result


def check(experiment: Experiment, outcomes: Outcomes, sizes: Iterable[int]) -> None:
    """Refuse outcomes that do not have the declared arrays and lengths.

    Raises
    ------
    ValueError : names the array; this is a mistake in the experiment.
    """
    total = int(sum(sizes))
    declared: list[tuple[str, NDArray[Any] | None, int]] = [("outcome", outcomes.outcome, 1)]
    for observable in experiment.observables:
        values = outcomes.observables.get(observable.name)
        declared.append((observable.name, values, observable.size))
    declared += [(name, outcomes.flags.get(name), 1) for name in experiment.flags]
    declared += [(name, outcomes.counters.get(name), 1) for name in experiment.counters]
    for name, values, size in declared:
        if values is None or values.shape[:1] != (total,) or values.size != total * size:
            shape = "none" if values is None else values.shape
            raise ValueError(
                f"experiment '{experiment.name}' returned '{name}' of shape {shape} for {total} trajectories"
            )
    if total and int(outcomes.outcome.max()) >= len(experiment.outcomes):
        raise ValueError(f"experiment '{experiment.name}' returned an outcome that it does not declare")


def block_sums(values: Array, sizes: Index) -> Array:
    """Sum of every block by one fixed binary tree, so that no batch, machine or library changes a bit of it.

    Parameters
    ----------
    values : (n,) block after block.
    sizes : (blocks,) trajectories in each block, at most 256.

    Returns
    -------
    (blocks,) float64.
    """
    tree = np.zeros((len(sizes), BLOCK))
    if len(values) == tree.size:
        tree = values.reshape(tree.shape)
    else:
        tree[np.arange(BLOCK) < sizes[:, None]] = values
    with np.errstate(invalid="ignore", over="ignore"):
        while tree.shape[1] > 1:
            tree = tree[:, : tree.shape[1] // 2] + tree[:, tree.shape[1] // 2 :]
    return tree[:, 0]


def fold(total: Array, sums: Array) -> Array:
    """Add block sums to a total, one block after the other.

    Parameters
    ----------
    total : (points, ...).
    sums : (points, blocks, ...).

    Returns
    -------
    (points, ...).
    """
    with np.errstate(invalid="ignore", over="ignore"):
        for block in range(sums.shape[1]):
            total = total + sums[:, block]
    return total


def _histogram(block: Index, column: NDArray, blocks: int, columns: int) -> NDArray[np.uint16]:
    return np.bincount(block * columns + column, minlength=blocks * columns).astype(COUNT).reshape(blocks, columns)


def _observable(
    observable: Observable, values: Array, block: Index, sizes: Index
) -> tuple[NDArray[np.uint16], Array, NDArray[np.uint16]]:
    missing = np.isnan(values)
    valid, present, places = sizes.astype(COUNT), values, block
    if missing.any():
        present, places, values = values[~missing], block[~missing], np.where(missing, 0.0, values)
        valid = np.bincount(places, minlength=len(sizes)).astype(COUNT)
    histogram = _histogram(places, bins(present, observable.edges), len(sizes), len(observable.edges) - 1)
    return histogram, block_sums(values, sizes), valid
