"""What has been seen of each candidate: more and more trajectories of a stream, the same starts for all candidates."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from vicollapse.experiments.base import BLOCK
from vicollapse.mixture.separatrix import RANDOMISATIONS, Shares
from vicollapse.recommend.candidates import Candidate

Lost = NDArray[np.bool_]
PER_RING = 40
"""Trajectories of a ring, about: its angles, the bisections of two edges, and its checks if it has any."""


class Oracle(Protocol):
    """Whether trajectories lose a mode: the simulation, or in tests a known probability."""

    def __call__(self, candidates: Sequence[Candidate], stream: str, first: int, stop: int) -> Lost:
        """(candidates, stop - first) for the starts [first, stop) of a stream; those of one stream are always equal."""
        ...


class RingOracle(Protocol):
    """Shares of fates by separatrices: the simulation, or in tests known separatrices."""

    def shares(self, candidate: Candidate, stream: str, rings: int) -> Shares:
        """Of the fate covered (the first one) and others; rings per randomisation, equal ones for a stream."""
        ...


class Evidence(Protocol):
    """What has been seen, by sampling or by separatrices."""

    seen: dict[Candidate, Any]
    spent: int

    def extend(self, candidates: Sequence[Candidate], n: int) -> None:
        """Let each candidate have seen n trajectories, about, or more."""
        ...

    def trajectories(self, candidate: Candidate) -> int:
        """That it has seen."""
        ...

    def share(self, candidate: Candidate) -> float:
        """Probability of losing a mode, never 0 or 1."""
        ...

    def error(self, candidate: Candidate) -> float:
        """Standard error of the share, never 0."""
        ...

    def surplus(self, candidate: Candidate, other: Candidate) -> float:
        """How much more it loses than another one, in standard errors of the difference on the same starts."""
        ...


@dataclass
class Sampled:
    """Evidence from random starts.

    Parameters
    ----------
    oracle : what simulates.
    stream : name of the starts; streams are independent of one another.
    """

    oracle: Oracle
    stream: str
    seen: dict[Candidate, Lost] = field(default_factory=dict)
    spent: int = 0

    def extend(self, candidates: Sequence[Candidate], n: int) -> None:
        """Let each candidate have seen at least the first n starts (whole blocks)."""
        n = -(-n // BLOCK) * BLOCK
        have = {c: self.trajectories(c) for c in candidates}
        for first in sorted(set(have.values())):
            group = [c for c in have if have[c] == first]
            if first < n:
                lost = self.oracle(group, self.stream, first, n)
                self.spent += lost.size
                for c, row in zip(group, lost, strict=True):
                    self.seen[c] = np.concatenate([self.seen.get(c, row[:0]), row])

    def trajectories(self, candidate: Candidate) -> int:
        """That it has seen."""
        return len(self.seen.get(candidate, ()))

    def lost(self, candidate: Candidate) -> int:
        """How many of them lost a mode."""
        return int(np.sum(self.seen.get(candidate, 0)))

    def share(self, candidate: Candidate) -> float:
        """Share that was lost, shrunk a little towards 1/2 so that it is never 0 or 1."""
        return (self.lost(candidate) + 0.5) / (self.trajectories(candidate) + 1)

    def error(self, candidate: Candidate) -> float:
        """Standard error of the share."""
        p = self.share(candidate)
        return float(np.sqrt(p * (1 - p) / (self.trajectories(candidate) + 1)))

    def surplus(self, candidate: Candidate, other: Candidate) -> float:
        """By the starts that only one of the two loses: the sign test of paired trials (McNemar)."""
        a, b = self.seen[candidate], self.seen[other]
        n = min(len(a), len(b))
        more, less = int((a[:n] & ~b[:n]).sum()), int((b[:n] & ~a[:n]).sum())
        return float((more - less) / np.sqrt(more + less + 1))


@dataclass
class Arcs:
    """Evidence from arcs between separatrices, on rings of starts.

    Parameters
    ----------
    oracle : what simulates.
    stream : name of the rings; streams are independent of one another.
    """

    oracle: RingOracle
    stream: str
    seen: dict[Candidate, Shares] = field(default_factory=dict)
    rings: dict[Candidate, int] = field(default_factory=dict)
    spent: int = 0

    def extend(self, candidates: Sequence[Candidate], n: int) -> None:
        """Rings, a power of two per randomisation, of n trajectories altogether, about."""
        rings = rings_for(n)
        for c in candidates:
            if self.rings.get(c, 0) < rings:
                self.rings[c], self.seen[c] = rings, self.oracle.shares(c, self.stream, rings)
                self.spent += self.seen[c].trajectories

    def trajectories(self, candidate: Candidate) -> int:
        """That its rings took."""
        return self.seen[candidate].trajectories if candidate in self.seen else 0

    def share(self, candidate: Candidate) -> float:
        """One minus the share that is covered."""
        least = 0.5 / self.trajectories(candidate)
        return float(np.clip(1 - self.seen[candidate].probability[0], least, 1 - least))

    def error(self, candidate: Candidate) -> float:
        """Standard error of the share."""
        return float(max(self.seen[candidate].standard_error[0], 0.5 / self.trajectories(candidate)))

    def surplus(self, candidate: Candidate, other: Candidate) -> float:
        """By the scatter of the difference over the randomisations."""
        a, b = self.seen[candidate], self.seen[other]
        more = Shares(b.each[:, :1] - a.each[:, :1], min(a.checks, b.checks), 0)
        return float(more.each.mean() / max(more.standard_error[0], 1e-9))


def rings_for(n: float) -> int:
    """Rings per randomisation, a power of two, of n trajectories altogether, about."""
    return 2 ** round(np.log2(max(n / (RANDOMISATIONS * PER_RING), 1)))
