"""Probabilities of collapse from the arcs between separatrices: for initial laws that a turn does not change."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import stdtrit

from vicollapse.mixture.separatrix import RANDOMISATIONS
from vicollapse.recommend.candidates import PLAIN, Candidate
from vicollapse.recommend.confirm import Trial
from vicollapse.recommend.effort import PLAIN_SHARE, Effort
from vicollapse.recommend.evidence import PER_RING, Arcs, RingOracle, rings_for

_GAIN = 0.8  # power of the number of rings with which errors fall, about
_DESPAIR = 1e-3  # risk of giving a proposal up, after a first look, that is good enough


@dataclass(frozen=True)
class Separatrix:
    """Arcs between separatrices on quasi-random rings; independent randomisations give Student's t bounds.

    Parameters
    ----------
    oracle : what simulates.
    effort : target, risk, and how many trajectories.
    """

    oracle: RingOracle
    effort: Effort
    close: float = 1.05

    def evidence(self, stream: str) -> Arcs:
        """Nothing seen yet of a stream."""
        return Arcs(self.oracle, stream)

    @property
    def most(self) -> int:
        """A twentieth of all; four rings per randomisation at least."""
        return int(max(self.effort.trajectories / 20, 4 * RANDOMISATIONS * PER_RING))

    @property
    def rounds(self) -> tuple[int, int]:
        """Larger parts, as small differences are seen."""
        return self.most // 4, self.most // 2

    def aim(self, slope: float, error: float | None = None) -> float:
        """Below the target by what the first confirmation needs, and two standard errors to be nearly sure of it."""
        if error is None:
            return self.effort.target * (1 - _margin(slope))
        return max(self.effort.target - self._distance() * error, 0.5 * self.effort.target)

    def needed(self, slope: float, error: float, n: int) -> int:
        """What a trial takes, and until the error costs little duration; then a quarter of all trajectories at most."""
        excess = self._distance() * error / (_margin(slope) * self.effort.target)
        doublings = np.ceil(np.log2(max(excess, 1.0)) / _GAIN)
        wanted = min(n * 2**doublings, self.effort.trajectories / 4)
        return int(max(n, wanted, self._least(self.effort.alpha / 2)))

    def _least(self, risk):
        """Trajectories of so many rings, about, that entire ones of the target's probability would not be missed."""
        return -np.log(risk) / self.effort.target * PER_RING

    def _distance(self):
        return stdtrit(RANDOMISATIONS - 1, 1 - self.effort.alpha * (1 - PLAIN_SHARE) / 2) + 2

    def plain(self) -> Trial:
        """That of plain variational inference; to be wrong in a first look costs a short ramp only."""
        return self._trial("plain", PLAIN, self.effort.alpha * PLAIN_SHARE, 0, self.effort.alpha)

    def trial(self, stream: str, candidate: Candidate, risk: float, aim: float, n: int) -> Trial:
        """One look, on rings whose number is known before."""
        return self._trial(stream, candidate, risk, n, _DESPAIR)

    def _trial(self, stream, candidate, risk, n, despair):
        """A first look, at other rings, cannot confirm; with this risk of being wrong it saves the effort."""
        first = self._look(f"{stream}, first look", candidate, risk, 1, despair)
        if first.interval[0] > self.effort.target:
            return first
        full = self._look(stream, candidate, risk, rings_for(max(n, self._least(risk))), self.effort.alpha)
        return replace(full, seen=full.seen + first.seen)

    def _look(self, stream, candidate, risk, rings, lower):
        shares = self.oracle.shares(candidate, stream, rings)
        p = float(1 - shares.probability[0])
        low, high = p - shares.half_width(lower)[0], p + shares.half_width(risk)[0]
        interval = float(max(low, 0)), float(min(high, 1))
        return Trial(candidate, p, shares.trajectories, interval[1] < self.effort.target, interval)

    def knowing(self, plain: float) -> "Separatrix":
        """The same, with the probability without annealing known."""
        return replace(self, effort=replace(self.effort, plain=plain))


def _margin(slope):
    """Distance to the target, relative to it, that makes a ramp a tenth longer; within 1 and 6 %."""
    return float(np.clip(-0.1 * slope, 0.01, 0.06))
