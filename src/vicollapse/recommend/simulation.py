"""The gradient flow of one problem under any schedule: fates of random starts, or arcs between separatrices."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vicollapse import experiments
from vicollapse.experiments.separatrix import TURNABLE, flow_shares
from vicollapse.mixture.separatrix import Shares
from vicollapse.recommend.candidates import Candidate
from vicollapse.sweep.points import point_blocks, point_id


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

    def __call__(self, candidates: Sequence[Candidate], stream: str, first: int, stop: int) -> NDArray[np.bool_]:
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

    @property
    def turnable(self) -> bool:
        """Whether the law of the starts is one for which there are `shares`."""
        return self.model(None).initial_law in TURNABLE

    def shares(self, candidate: Candidate, stream: str, rings: int) -> Shares:
        """Probabilities of the outcomes, from so many rings per randomisation; those of a stream are always equal."""
        seed = np.random.SeedSequence([self.seed, *stream.encode()]).generate_state(1, np.uint64)[0]
        how = {"tolerance": 0.0, "most_rings": rings, "seed": int(seed)}
        return flow_shares(self.model(candidate.annealing()), threads=self.threads, backend=self.backend, **how)

    def model(self, annealing: dict[str, Any] | None) -> Any:
        """The experiment's parameters with a schedule."""
        return experiments.get("gradient_flow").Parameters.model_validate({**self.parameters, "annealing": annealing})
