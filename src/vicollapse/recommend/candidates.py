"""The family of schedules that is searched: forms, initial inverse temperatures, durations."""

from dataclasses import dataclass
from typing import Any

import numpy as np

FORMS = ("linear_temperature", "geometric", "linear")
"""Forms of the ramp, the usually better ones first; each ends at beta = 1 exactly after its duration."""

SHORTEST = 0.3
"""Shortest ramp that is tried, in times of the flow: a shorter one changes nothing."""

HOTTEST, MILDEST = 1e-6, 0.9
"""Bounds of the initial inverse temperature."""

STEP = 10**0.5
"""Ratio of neighbouring durations and initial inverse temperatures of the first, coarse walk."""

_BEST = {"linear": (1e-3, 0), "linear_temperature": (3.0, -1), "geometric": (1.0, -1)}
"""Best beta0, about, as factor and power of the duration: a start for the search, from simulations."""


@dataclass(frozen=True, order=True)
class Candidate:
    """One schedule; plain variational inference has duration 0.

    Parameters
    ----------
    duration : cost; time of the flow that is spent before beta = 1.
    schedule, beta0 : as in `schedules.Annealing`.
    """

    duration: float
    schedule: str = "constant"
    beta0: float = 1.0

    def annealing(self) -> dict[str, Any] | None:
        """In the form that every other call takes; None for plain variational inference."""
        if self.duration == 0:
            return None
        return {"schedule": self.schedule, "beta0": self.beta0, "duration": self.duration}

    def lasting(self, duration: float) -> "Candidate":
        """The same form and beta0 with another duration."""
        return ramp(self.schedule, self.beta0, duration)

    def hotter(self, factor: float) -> "Candidate":
        """The same form and duration with beta0 divided by a factor, within the bounds."""
        return ramp(self.schedule, self.beta0 / factor, self.duration)


PLAIN = Candidate(0.0)


def ramp(schedule: str, beta0: float, duration: float) -> Candidate:
    """A candidate with numbers that one can read: three digits of the duration, two of beta0 (within its bounds)."""
    return Candidate(_digits(duration, 3), schedule, _digits(min(max(beta0, HOTTEST), MILDEST), 2))


def _digits(value, digits):
    return float(f"{value:.{digits}g}")


@dataclass(frozen=True)
class Family:
    """The schedules that may be recommended.

    Parameters
    ----------
    forms : some of `FORMS`.
    longest : longest duration.
    """

    forms: tuple[str, ...]
    longest: float

    def rungs(self) -> list[float]:
        """Durations of the coarse walk, half a decade apart, from the shortest to the longest."""
        steps = max(int(np.ceil(np.log(self.longest / SHORTEST) / np.log(STEP))), 0)
        return [self.longest / STEP**i for i in reversed(range(steps + 1))]

    def first(self, duration: float) -> Candidate:
        """The schedule of that duration that is tried first, and decides where the others are compared."""
        return self.guess(next(form for form in FORMS if form in self.forms), duration)

    def guess(self, form: str, duration: float) -> Candidate:
        """A form with the beta0 that is usually best for a duration: a long ramp may start hotter."""
        factor, power = _BEST[form]
        return ramp(form, min(factor * duration**power, 0.3), duration)

    def arms(self, duration: float) -> list[Candidate]:
        """What is compared at a duration: every form with a few beta0 around its guess."""
        found = []
        for form in self.forms:
            guess = self.guess(form, duration)
            # `linear` only gains from a smaller beta0, and nothing below some size
            factors = (1.0,) if form == "linear" else (STEP, 1.0, 1 / STEP, 1 / STEP**2)
            found += [guess.hotter(factor) for factor in factors]
        return list(dict.fromkeys(found))
