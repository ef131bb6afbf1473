"""Probabilities of collapse from random starts: for initial laws that a turn of the plane along mu changes."""

from dataclasses import dataclass, replace

from vicollapse.experiments.base import BLOCK
from vicollapse.recommend.candidates import PLAIN, Candidate
from vicollapse.recommend.confirm import Trial
from vicollapse.recommend.effort import Effort
from vicollapse.recommend.evidence import Oracle, Sampled
from vicollapse.recommend.sequential import BelowTest, bounds


@dataclass(frozen=True)
class Sampling:
    """Random starts, and sequential tests of Bernoulli trials.

    Parameters
    ----------
    oracle : what simulates.
    effort : target, risk, and how many trajectories.
    """

    oracle: Oracle
    effort: Effort
    close: float = 1.25

    def evidence(self, stream: str) -> Sampled:
        """Nothing seen yet of a stream."""
        return Sampled(self.oracle, stream)

    @property
    def most(self) -> int:
        """A tenth of all, whole blocks."""
        return int(self.effort.trajectories / 10) // BLOCK * BLOCK

    @property
    def rounds(self) -> tuple[int, int]:
        """Parts of `most`."""
        return self.most // 8, self.most // 4

    def aim(self, slope: float, error: float | None = None) -> float:
        """What the trajectories that may be spent can tell from the target."""
        return self.effort.aim(slope)

    def needed(self, slope: float, error: float, n: int) -> int:
        """Nothing is gained by more than `most`."""
        return n

    def plain(self) -> Trial:
        """That of plain variational inference."""
        return self._trial("plain", PLAIN, self.effort.plain_test())

    def trial(self, stream: str, candidate: Candidate, risk: float, aim: float, n: int) -> Trial:
        """As long as it takes."""
        return self._trial(stream, candidate, self.effort.test(risk, aim))

    def _trial(self, stream: str, candidate: Candidate, test: BelowTest) -> Trial:
        evidence, k, n = self.evidence(stream), 0, 0
        while (verdict := test.verdict(k, n)) is None:
            evidence.extend([candidate], min(max(BLOCK, n + n // 4), test.limit))
            k, n = evidence.lost(candidate), evidence.trajectories(candidate)
        interval = bounds(k, n, self.effort.alpha)[0], bounds(k, n, test.alpha, test.law)[1]
        return Trial(candidate, k / max(n, 1), n, verdict, interval)

    def knowing(self, plain: float) -> "Sampling":
        """The same, with the probability without annealing known."""
        return replace(self, effort=replace(self.effort, plain=plain))
