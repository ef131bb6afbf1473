"""How many trajectories a search may take, and how near to the target it can then aim."""

from dataclasses import dataclass

import numpy as np

from vicollapse.recommend.sequential import BelowTest, affordable, law_at

_GRID = 3 * 12 * 12  # cells of the full grid of forms, beta0 and durations that a search replaces
_SAVING = 20  # how many times fewer trajectories
_LEAST, _MOST = 8_000, 40_000
_LOSSES = 80  # that a whole search should see at the target, however small that is
PLAIN_SHARE = 0.1
"""Of the risk, for the statement that no annealing is needed."""


@dataclass(frozen=True)
class Effort:
    """How many trajectories each part may take, and what probability they allow to aim at.

    Parameters
    ----------
    target : probability that must not be reached.
    alpha : risk of a recommendation that reaches it.
    plain : probability without annealing, as far as known: if it is low already, so is that of most of the grid.
    share : of the usual number of trajectories; with fewer, a search aims lower and finds longer ramps.
    """

    target: float
    alpha: float
    plain: float = 1.0
    share: float = 1.0

    @property
    def trajectories(self) -> float:
        """Of a whole search, about: a twentieth of a grid whose cells are known to 0.01 (two standard errors)."""
        usual = min(self.target, self.plain / 3)
        grid = _GRID * (1.96 / 0.01) ** 2 * usual * (1 - usual)
        return float(max(self.share * np.clip(grid / _SAVING, _LEAST, _MOST), _LOSSES / self.target))

    def aim(self, slope: float) -> float:
        """Probability that a proposal shall have, such that its confirmation takes a tenth of the trajectories or more.

        Where the probability hardly falls with the duration, nearness to the target is worth more: up to four tenths.
        """
        share = float(np.clip(0.1 / -slope, 0.1, 0.4))
        return affordable(self.target, self.alpha / 2, share * self.trajectories)

    def test(self, alpha: float, aim: float) -> BelowTest:
        """The test of a proposal that aims at a probability."""
        return BelowTest(self.target, alpha, law=law_at(aim, self.target), limit=int(self.trajectories * 0.6))

    def plain_test(self) -> BelowTest:
        """The test of plain variational inference, of which nothing is known before."""
        return BelowTest(self.target, self.alpha * PLAIN_SHARE, limit=int(self.trajectories * 0.3))
