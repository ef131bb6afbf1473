"""A known probability of collapse over form, beta0 and duration, in place of the simulation."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vicollapse.mixture.separatrix import Shares, shares_of_fates
from vicollapse.recommend.candidates import Candidate

WORSE = {"linear_temperature": 0.0, "geometric": 0.25, "linear": 0.7}


@dataclass(frozen=True)
class Surface:
    """From `plain` down to `floor` with the duration; at each duration the best beta0 is `best` / duration.

    The same starts (a uniform number each) decide for all candidates, as in the simulation.
    """

    seed: int
    plain: float = 0.4
    floor: float = 0.0
    half: float = 30.0
    power: float = 0.7
    best: float = 5.0

    def probability(self, c: Candidate) -> float:
        """Of losing a mode."""
        if c.duration == 0:
            return self.plain
        wrong = np.log(c.beta0 * c.duration / self.best)
        effective = c.duration * np.exp(-0.1 * wrong**2 - WORSE[c.schedule])
        return float(self.floor + (self.plain - self.floor) / (1 + (effective / self.half) ** self.power))

    def shortest(self, target: float) -> float:
        """The shortest duration that meets a target."""
        return float(self.half * ((self.plain - self.floor) / (target - self.floor) - 1) ** (1 / self.power))

    def __call__(self, candidates: Sequence[Candidate], stream: str, first: int, stop: int) -> NDArray[np.bool_]:
        """Whether the starts [first, stop) of a stream are lost."""
        rng = np.random.Generator(np.random.Philox(key=[self.seed, sum(stream.encode())]))
        u = rng.random(stop)[first:]
        return np.array([u < self.probability(c) for c in candidates])


@dataclass(frozen=True)
class Cones(Surface):
    """The same probabilities as arcs around x_1 = x_2, the wider the smaller the distance across mu."""

    def shares(self, candidate: Candidate, stream: str, rings: int) -> Shares:
        """Of the fates covered and lost."""
        p, seed = self.probability(candidate), [self.seed, *stream.encode()]

        def classify(U):
            angle = (np.arctan2(U[:, 1, 0], U[:, 0, 0]) - np.pi / 4) % np.pi
            # the square of the distance is 4 times a chi-squared variable of 2 degrees of freedom: uniform for d = 3
            uniform = 1 - np.exp(-((U[:, 0, 1:] - U[:, 1, 1:]) ** 2).sum(axis=-1) / 4)
            return (np.minimum(angle, np.pi - angle) < np.pi * p * (1.5 - uniform) / 2).astype(int)

        given = {"dimension": 3, "init_scale": 1.0, "balanced": True, "monotone": True}
        number = int(np.random.SeedSequence(seed).generate_state(1, np.uint64)[0])
        return shares_of_fates(classify, 2, tolerance=0.0, most_rings=rings, seed=number, **given)
