"""Is a probability below a target? Exact tests and bounds that hold whenever one stops to look.

Trajectories are Bernoulli trials: k of n collapsed so far. The evidence against "the probability is p or more" is the
likelihood of the trials, averaged over a Beta law cut at p, over their likelihood at p. Under every probability >= p it
is a supermartingale that starts at 1, so it ever exceeds 1/alpha with probability alpha at most (Ville), however often
it is looked at. The law decides how soon a test ends, never how often it errs.

Source: Robbins, Ann. Math. Stat. 41 (1970) 1397; Wald's test is the case of a law at one point.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainc, betaln, rel_entr

Array = NDArray[np.float64]
UNIFORM = (1.0, 1.0)
"""Parameters (a, b) of the Beta law where nothing is known."""

_MIXING = 1.0  # what averaging over a law costs, compared with knowing the probability: nats of evidence, about


def log_evidence_below(k: ArrayLike, n: ArrayLike, bound: ArrayLike, law: tuple[float, float] = UNIFORM) -> Array:
    """Log of the evidence that the probability is below a bound; Robbins' mixture.

    Parameters
    ----------
    k, n : broadcastable; successes and trials so far.
    bound : broadcastable, in (0, 1).
    law : parameters of the Beta law of the alternatives, which is cut at the bound.

    Returns
    -------
    evidence : nats; reaches log(1 / alpha) with probability alpha at most where the probability is the bound or more.
    """
    k, n, p = (np.asarray(x, np.float64) for x in (k, n, bound))
    a, b = law
    before, after = betainc(a, b, p), betainc(a + k, b + n - k, p)  # mass of the law below the bound
    with np.errstate(divide="ignore", invalid="ignore"):
        cut = np.where(before > 0, np.log(after) - np.log(before), -np.inf)
    average = betaln(a + k, b + n - k) - betaln(a, b)
    return cut + average - k * np.log(p) - (n - k) * np.log1p(-p)


def log_evidence_above(k: ArrayLike, n: ArrayLike, bound: ArrayLike, law: tuple[float, float] = UNIFORM) -> Array:
    """As `log_evidence_below`, for the probability being above the bound."""
    k, n = np.asarray(k, np.float64), np.asarray(n, np.float64)
    return log_evidence_below(n - k, n, 1 - np.asarray(bound, np.float64), law[::-1])


def bounds(k: int, n: int, alpha: float, law: tuple[float, float] = UNIFORM) -> tuple[float, float]:
    """Lower and upper bound of a probability; each is wrong with probability alpha at most, whenever one looks.

    Parameters
    ----------
    k, n : successes and trials so far.
    alpha : in (0, 1), of each bound on its own.
    law : as in `log_evidence_below`; the upper bound is below a target iff the test with this law says so.

    Returns
    -------
    low, high : in [0, 1].
    """
    return 1 - _upper(n - k, n, alpha, law[::-1]), _upper(k, n, alpha, law)


def _upper(k, n, alpha, law):
    """The last probability that is not refuted: a grid, made finer three times."""
    low, high = k / max(n, 1), 1.0
    for _ in range(4):
        grid = np.linspace(low, high, 66)
        inner = np.clip(grid[1:-1], 1e-12, 1 - 1e-12)
        open_ = np.flatnonzero(log_evidence_below(k, n, inner, law) < np.log(1 / alpha))
        last = int(open_[-1]) + 1 if len(open_) else 0
        low, high = float(grid[last]), float(grid[last + 1])
    return high


@dataclass(frozen=True)
class BelowTest:
    """Sequential test of "the probability is below the target", truncated.

    Parameters
    ----------
    target : in (0, 1).
    alpha : probability of saying yes where the probability is the target or more, at most.
    beta : probability of giving up where it is below, at most, but for the truncation.
    law : Beta law of the alternatives below the target; `law_at` makes one.
    limit : trials after which it gives up.
    """

    target: float
    alpha: float
    beta: float = 0.05
    law: tuple[float, float] = UNIFORM
    limit: int = 1_000_000

    def verdict(self, k: int, n: int) -> bool | None:
        """True: below. False: not, or too close to tell. None: go on."""
        if n and log_evidence_below(k, n, self.target, self.law) >= np.log(1 / self.alpha):
            return True
        hopeless = n and log_evidence_above(k, n, self.target) >= np.log(1 / self.beta)
        return False if hopeless or n >= self.limit else None


def law_at(probability: float, target: float) -> tuple[float, float]:
    """Beta law around a probability below the target, as wide as the distance between the two."""
    spread = (target - probability) ** 2
    size = max(probability * (1 - probability) / spread - 1, 2.0)
    return probability * size, (1 - probability) * size


def affordable(target: float, alpha: float, trials: float) -> float:
    """The largest probability that a test shows to be below the target in about this many trials.

    Parameters
    ----------
    target, alpha : of the test.
    trials : expected number.

    Returns
    -------
    probability : below the target; 0 where that many trials do not suffice for any.

    Source: Wald's equation; a trial adds the relative entropy of the two probabilities to the evidence.
    """
    p = target * np.linspace(0, 1, 1001)[:-1]
    gain = rel_entr(p, target) + rel_entr(1 - p, 1 - target)
    enough = np.flatnonzero(gain * trials >= np.log(1 / alpha) + _MIXING)
    return float(p[enough[-1]]) if len(enough) else 0.0
