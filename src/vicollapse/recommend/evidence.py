"""What has been seen of each candidate: trajectories in growing numbers, from the same starts for all of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from vicollapse import experiments
from vicollapse.experiments.base import BLOCK
from vicollapse.recommend.candidates import Candidate
from vicollapse.recommend.sequential import BelowTest
from vicollapse.sweep.points import point_blocks, point_id

Lost = NDArray[np.bool_]


class Oracle(Protocol):
    """Whether trajectories lose a mode: the simulation, or in tests a known probability."""

    def __call__(self, candidates: Sequence[Candidate], stream: str, first: int, stop: int) -> Lost:
        """(candidates, stop - first) for the starts [first, stop) of a stream; those of one stream are always equal."""
        ...


@dataclass(frozen=True)
class Simulation:
    """The gradient flow of one problem. All candidates have the same starts, which makes their differences sharp.

    Parameters
    ----------
    parameters : of the experiment, as plain data, without annealing.
    seed : of all starts.
    threads : results do not depend on it.
    backend : as in `collapse_probability`.
    """

    parameters: dict[str, Any]
    seed: int
    threads: int = 1
    backend: str = "cpu"

    def __call__(self, candidates: Sequence[Candidate], stream: str, first: int, stop: int) -> Lost:
        """Lost or not; one that could not be integrated to its end counts as lost."""
        lost = np.empty((len(candidates), stop - first), bool)
        for schedule in {c.schedule for c in candidates}:
            rows = [i for i, c in enumerate(candidates) if c.schedule == schedule]
            lost[rows] = self._run([candidates[i] for i in rows], stream, first, stop)
        return lost

    def _run(self, candidates, stream, first, stop):
        experiment = experiments.get("gradient_flow")
        identity = f"{point_id(experiment, self.model(None))}:recommend:{stream}"
        models = [self.model(c.annealing()) for c in candidates]
        found = [block for model in models for block in point_blocks(identity, model, first, stop, self.seed)]
        outcome = experiment.run(found, threads=self.threads, backend=self.backend).outcome
        covered = experiment.outcomes.index("covered")
        return (outcome != covered).reshape(len(candidates), stop - first)

    def model(self, annealing: dict[str, Any] | None) -> Any:
        """The experiment's parameters with a schedule."""
        return experiments.get("gradient_flow").Parameters.model_validate({**self.parameters, "annealing": annealing})


@dataclass
class Evidence:
    """The trajectories of a stream that candidates have been given so far.

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
        have = {c: len(self.seen.get(c, ())) for c in candidates}
        for first in sorted(set(have.values())):
            group = [c for c in have if have[c] == first]
            if first < n:
                lost = self.oracle(group, self.stream, first, n)
                self.spent += lost.size
                for c, row in zip(group, lost, strict=True):
                    self.seen[c] = np.concatenate([self.seen.get(c, row[:0]), row])

    def count(self, candidate: Candidate) -> tuple[int, int]:
        """Lost, and seen."""
        lost = self.seen.get(candidate)
        return (0, 0) if lost is None else (int(lost.sum()), len(lost))

    def share(self, candidate: Candidate) -> float:
        """Share that was lost, shrunk a little towards 1/2 so that it is never 0 or 1."""
        k, n = self.count(candidate)
        return (k + 0.5) / (n + 1)

    def test(self, candidate: Candidate, test: BelowTest) -> bool:
        """Give the candidate trajectories until the test has its verdict."""
        while (verdict := test.verdict(*self.count(candidate))) is None:
            n = self.count(candidate)[1]
            self.extend([candidate], min(max(BLOCK, n + n // 4), test.limit))
        return verdict
