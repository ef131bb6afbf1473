"""The probability of one form and beta0 over the duration: a falling line of log odds over log duration."""

from dataclasses import dataclass

import numpy as np

from vicollapse.recommend.candidates import Candidate
from vicollapse.recommend.evidence import Evidence

_STEEPEST, _FLATTEST, _USUAL = -20.0, -0.1, -0.8  # slopes that are believed; the usual one where there is one point
_FURTHEST = np.log(4)  # from the middle of what was seen, in log duration
_NEAR = 2.0  # standard errors of the best known point within which all points count alike
_AS_GOOD = 1.5  # ratio of errors within which points have a say in the height; all have one in the slope


def log_odds(probability: float) -> float:
    """log(p / (1 - p)) of a probability, taken as 1e-6 from 0 or 1 at least."""
    p = min(max(probability, 1e-6), 1 - 1e-6)
    return float(np.log(p) - np.log1p(-p))


def level_of(odds: float) -> float:
    """The probability of given log odds."""
    return float(1 / (1 + np.exp(-odds)))


@dataclass(frozen=True)
class Line:
    """A falling line through what was seen of one form and beta0, the points near a level counting most.

    Parameters
    ----------
    middle, height : a point of it: log duration, log odds.
    slope : negative.
    error : standard error of the best known point, in log odds.
    """

    middle: float
    height: float
    slope: float
    error: float

    @property
    def blur(self) -> float:
        """Standard error of the log duration at which it meets a probability."""
        return -self.error / self.slope

    def duration(self, level: float) -> float:
        """Where the line meets a probability; not further than four times what was seen."""
        step = (log_odds(level) - self.height) / self.slope
        return float(np.exp(self.middle + np.clip(step, -_FURTHEST, _FURTHEST)))


def line(evidence: Evidence, like: Candidate, level: float) -> Line:
    """The curve of a candidate's form and beta0 near a level.

    Parameters
    ----------
    evidence : what was seen of them, at one duration or more.
    like : the candidate, of any duration.
    level : probability.
    """
    seen = [c for c in evidence.seen if (c.schedule, c.beta0) == (like.schedule, like.beta0)]
    x = np.log([c.duration for c in seen])
    p, error = np.array([[evidence.share(c), evidence.error(c)] for c in seen]).T
    y, error = np.array([log_odds(share) for share in p]), error / (p * (1 - p))
    near = 1 / (_NEAR * error.min() + np.abs(y - log_odds(level))) ** 2
    best = near * (error <= _AS_GOOD * error.min())
    slope = _slope(x, y, near)
    return Line(float(best @ x / best.sum()), float(best @ y / best.sum()), slope, float(error.min()))


def _slope(x, y, weight):
    x, y = x - weight @ x / weight.sum(), y - weight @ y / weight.sum()
    spread = weight @ x**2
    return float(np.clip(weight @ (x * y) / spread if spread > 0 else _USUAL, _STEEPEST, _FLATTEST))
