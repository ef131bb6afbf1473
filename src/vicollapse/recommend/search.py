"""How the cheapest schedule is found: halving of durations, a race of forms and beta0, then finer durations.

The probability falls with the duration, and at each duration it has an optimum over beta0. So the duration at which a
good schedule meets the target is bracketed first. Between the two durations all forms and some beta0 race, the worse
ones leaving early; the best ones and their neighbours race again where they are expected to meet the target. All
candidates see the same starts. The duration of the winner is then made finer on other starts, where it has no luck.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from vicollapse.recommend.candidates import STEP, Candidate, Family
from vicollapse.recommend.curve import level_of, line, log_odds
from vicollapse.recommend.evidence import Evidence
from vicollapse.recommend.methods import Method
from vicollapse.recommend.race import race

_FIRST = 256
_RACES = 3  # at most, after the first one
_SURE = 2.0  # standard errors at which a coarse step is decided
_HOPELESS = 6.0  # standard errors by which the best of the longest ramps misses the aim: no more is spent on it
_LONGER = 1.1  # least ratio of the durations of an attempt and the one before
_NEAR = 1.6  # ratio of durations within which the same schedule is the best
_COARSE = 1.25  # ratio of durations within which a refinement ends, unless it is to be precise
_STEPS = 4, 3  # of the coarse and the precise refinement, at most


@dataclass
class Search:
    """One search.

    Parameters
    ----------
    method : how candidates are measured, and how near to the target a proposal can be.
    family : the candidates.
    surrogate : if known, a cheap guess of a candidate's probability; it only decides where the walk starts.
    """

    method: Method
    family: Family
    surrogate: Callable[[Candidate], float] | None = None
    n: int = field(init=False)
    aim: float = field(init=False)
    raced: Evidence = field(init=False)
    refined: Evidence = field(init=False)

    def __post_init__(self) -> None:
        """Starts for the choice of a schedule, others for its duration; the aim of a flat curve while none is known."""
        self.n, self.aim = self.most, self.method.aim(-0.2)
        self.raced, self.refined = self.method.evidence("race"), self.method.evidence("refine")

    @property
    def most(self) -> int:
        """Trajectories of one candidate, before its duration is refined."""
        return self.method.most

    @property
    def spent(self) -> int:
        """Trajectories so far."""
        return self.raced.spent + self.refined.spent

    def proposal(self) -> Candidate:
        """The cheapest schedule that is expected to meet the aim; if none is, the best of the longest ramps."""
        best = race(self.raced, self.family.arms(self._bracket()), self.first, self.most // 8)
        for _ in range(_RACES):
            duration = line(self.raced, best[0], self.aim).duration(self.aim)
            if self._near(self._lasting(best[0], duration), best[0]):
                break
            best = self._race_at(duration, best[:2])
        hopeless = best[0].duration == self.family.longest and self._surplus(best[0]) > _HOPELESS
        return best[0] if hopeless else self._refined(best[0])

    def _refined(self, best):
        """The winner at its own duration; where that is far from where it won, who wins there."""
        for _ in range(_RACES):
            winner = self.refine(best)
            if self._near(winner, best):
                break
            best = self._race_at(winner.duration, [winner])[0]
        return self.refine(winner, precise=True)

    def _near(self, a, b):
        return abs(np.log(a.duration / b.duration)) < np.log(_NEAR)

    def _race_at(self, duration, best):
        """The best so far, and their neighbours in beta0, at another duration."""
        arms = [self._lasting(c, duration) for c in best]
        arms += [arms[0].hotter(STEP**0.5), arms[0].hotter(STEP**-0.5)]
        return race(self.raced, list(dict.fromkeys(arms)), *self.method.rounds)

    def _bracket(self):
        """Duration between the last rung above the aim and the first one below it; where there is none, the end."""
        rungs = self.family.rungs()
        low, high, rung = -1, len(rungs), self._start(rungs)
        while high - low > 1:
            above = self._above(self.family.first(rungs[rung]))
            low, high = (rung, high) if above else (low, rung)
            next_one = low + 1 if above else high - 1  # a surrogate is nearly right
            rung = next_one if self.surrogate else (low + high) // 2
        return float(np.sqrt(rungs[max(low, 0)] * rungs[high])) if high < len(rungs) else rungs[-1]

    def _start(self, rungs):
        if self.surrogate is None:
            return len(rungs) // 2
        guessed = [self.surrogate(self.family.first(duration)) <= self.aim for duration in rungs]
        return guessed.index(True) if True in guessed else len(rungs) - 1

    @property
    def first(self) -> int:
        """Trajectories of each candidate in the first round: some ten that are lost, if the budget allows."""
        return int(min(max(_FIRST, 10 / self.aim), max(self.most // 4, _FIRST)))

    def _above(self, candidate):
        """Whether it loses more than the aim, as soon as that is clear, or else as it looks in the end."""
        n = self.first
        while True:
            self.raced.extend([candidate], n)
            surplus = self._surplus(candidate)
            if abs(surplus) > _SURE or n >= self.most // 4:
                return surplus > 0
            n *= 2

    def _surplus(self, candidate):
        """How far a candidate's share is above the aim, in standard errors."""
        return (self.raced.share(candidate) - self.aim) / self.raced.error(candidate)

    def refine(self, winner: Candidate, precise: bool = False) -> Candidate:
        """The same form and beta0 with the duration at which they meet the aim on starts of their own.

        Parameters
        ----------
        winner : of any duration.
        precise : whether to take as many starts as a proposal needs; they also decide how near the aim may be.
        """
        errors = []  # of so many trajectories: a single estimate may be small by chance
        for _ in range(_STEPS[precise]):
            self.refined.extend([winner], self.n)
            errors.append(self.refined.error(winner))
            curve, error = line(self.refined, winner, self.aim), float(np.median(errors))
            n = self.method.needed(curve.slope, error, self.n) if precise else self.n
            self.aim = self.method.aim(curve.slope, error if precise and n == self.n else None)
            last, winner = winner, self._lasting(winner, curve.duration(self.aim))
            blur = max(np.log(self.method.close if precise else _COARSE), curve.blur)
            if n == self.n and abs(np.log(winner.duration / last.duration)) < blur:
                break
            if n != self.n:
                self.n, errors = n, []
        return winner

    def _lasting(self, candidate, duration):
        return candidate.lasting(min(duration, self.family.longest))

    def longer(self, failed: Candidate, probability: float) -> Candidate | None:
        """What to try after a proposal that failed, by as much lower as it missed; None where there is nothing longer.

        Parameters
        ----------
        failed : the proposal.
        probability : what its own trajectories say, in (0, 1).
        """
        if failed.duration >= self.family.longest:
            return None
        missing = max(log_odds(probability) - log_odds(self.aim), 0.0)
        least = _LONGER * failed.duration
        duration = line(self.refined, failed, self.aim).duration(level_of(log_odds(self.aim) - missing))
        duration = max(duration, least)
        winner = self._race_at(duration, [failed, *(self.family.guess(form, duration) for form in self.family.forms)])[
            0
        ]
        if (winner.schedule, winner.beta0) != (failed.schedule, failed.beta0):
            winner = self.refine(winner)
        return self._lasting(winner, max(winner.duration, least))
