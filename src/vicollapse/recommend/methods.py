"""What a search needs of a way to measure probabilities of collapse, and which way there is for a problem."""

from typing import Protocol, Self

from vicollapse.recommend.candidates import Candidate
from vicollapse.recommend.confirm import Trial
from vicollapse.recommend.effort import Effort
from vicollapse.recommend.evidence import Evidence
from vicollapse.recommend.sampling import Sampling
from vicollapse.recommend.separatrix import Separatrix
from vicollapse.recommend.simulation import Simulation


class Method(Protocol):
    """How candidates are measured, and how near to the target a proposal can then be."""

    @property
    def effort(self) -> Effort:
        """Target, risk, and how many trajectories."""
        ...

    @property
    def close(self) -> float:
        """Ratio of durations that it does not distinguish."""
        ...

    def evidence(self, stream: str) -> Evidence:
        """Nothing seen yet of a stream."""
        ...

    @property
    def most(self) -> int:
        """Trajectories of one candidate, with which the search for its duration begins."""
        ...

    @property
    def rounds(self) -> tuple[int, int]:
        """Trajectories of one candidate in the first and in the last round of a race for the best beta0."""
        ...

    def aim(self, slope: float, error: float | None = None) -> float:
        """Probability that a proposal shall have, given d log odds / d log duration and the error that is known."""
        ...

    def needed(self, slope: float, error: float, n: int) -> int:
        """Trajectories that a proposal needs, from the error of n; n itself if they are enough."""
        ...

    def plain(self) -> Trial:
        """That of plain variational inference."""
        ...

    def trial(self, stream: str, candidate: Candidate, risk: float, aim: float, n: int) -> Trial:
        """On starts of its own; n as of `needed`."""
        ...

    def knowing(self, plain: float) -> Self:
        """The same, with the probability without annealing known."""
        ...


def method_for(simulation: Simulation, effort: Effort) -> Method:
    """By separatrices where the initial law allows it."""
    return (Separatrix if simulation.turnable else Sampling)(simulation, effort)
