"""Do fates depend on the tolerance? A random share of the trajectories is integrated again at a much tighter one."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from vicollapse.experiments.base import BLOCK, Block
from vicollapse.intervals import wilson

FACTOR = 100
"""How many times tighter the second integration is."""
TIGHTEST = 1e-11
"""Below it nothing gets better: what is left is the integrals' error, and rounding."""
COUNTERS = {
    "rechecked": "trajectories that were integrated again at a tighter tolerance",
    "recheck_disagreements": "trajectories whose fate was another one at the tighter tolerance",
}
"""Counters of an experiment that rechecks, 0 or 1 for each trajectory, and their meaning."""

_OWN_STREAM = 1 << 128  # the starts of a block count up from 0 and never come so far


def tighter(rtol: float) -> float | None:
    """The tolerance at which trajectories of `rtol` are checked; None if that is out of reach."""
    wanted = rtol / FACTOR
    return wanted if wanted > 0.999 * TIGHTEST else None


def chosen(blocks: Sequence[Block], share: float) -> NDArray[np.int64]:
    """The trajectories to integrate again, by random numbers that belong to the block: neighbours do not matter.

    Parameters
    ----------
    blocks : whose trajectories are numbered from 0, block after block.
    share : probability of each trajectory to be chosen; those of a smaller share are among those of a larger one.

    Returns
    -------
    (k,) increasing.
    """
    picked = [_uniform(block) < share for block in blocks]
    return np.flatnonzero(np.concatenate(picked))


def recheck(
    blocks: Sequence[Block],
    outcome: NDArray[np.uint8],
    again: Callable[[NDArray[np.int64], float], NDArray[np.uint8]],
    *,
    share: float,
    rtol: float,
    failed: int,
) -> dict[str, NDArray[np.int64]]:
    """Integrate a random share of the trajectories again, and see whether they end as before.

    Parameters
    ----------
    blocks : that were simulated; n trajectories.
    outcome : (n,) what became of them at `rtol`.
    again : numbers (k,) of trajectories and a tolerance -> (k,) outcomes. Also called for none, so that whatever it has
        to compile is there from the first call on.
    share : of the trajectories, from 0 (no check) to 1.
    rtol : tolerance of the outcomes.
    failed : the outcome that is no fate. Such a trajectory is not checked; one that fails only the second time counts
        as a disagreement.

    Returns
    -------
    dict : name -> (n,) 0 or 1, for every name in `COUNTERS`.
    """
    counters = {name: np.zeros(len(outcome), np.int64) for name in COUNTERS}
    finer = tighter(rtol)
    if share and finer:
        rows = chosen(blocks, share)
        rows = rows[outcome[rows] != failed]
        counters["rechecked"][rows] = 1
        counters["recheck_disagreements"][rows] = again(rows, finer) != outcome[rows]
    return counters


def report(rechecked: int, disagreements: int) -> str:
    """What a check has found, in words, with the 95 % interval of the share that it stands for.

    Parameters
    ----------
    rechecked, disagreements : numbers of trajectories.

    Returns
    -------
    str : "" if nothing was rechecked.
    """
    if not rechecked:
        return ""
    low, high = (f"{100 * float(bound):.2g}" for bound in wilson(disagreements, rechecked))
    numbers = f"{disagreements:,} of {rechecked:,} fates"
    return f"{numbers} differ at a {FACTOR} times tighter tolerance (95 %: {low} to {high} %)"


def _uniform(block: Block) -> NDArray[np.float64]:
    generator = np.random.Generator(np.random.Philox(key=block.key, counter=_OWN_STREAM))
    return generator.random(BLOCK)[: block.size]
