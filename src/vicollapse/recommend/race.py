"""A race of schedules of one duration on the same starts: who is clearly worse leaves, the others get more of them."""

import numpy as np

from vicollapse.recommend.candidates import STEP, Candidate
from vicollapse.recommend.evidence import Evidence

_WORSE = 1.5  # standard errors of the difference at which a candidate leaves


def race(evidence: Evidence, arms: list[Candidate], first: int, last: int) -> list[Candidate]:
    """Those that are left when each round doubles the trajectories and drops the worse half at least, best first.

    Parameters
    ----------
    evidence : of all candidates; they see the same starts.
    arms : candidates of one duration.
    first, last : trajectories of each in the first and in the last round.
    """
    n = first
    while True:
        evidence.extend(arms, n)
        arms = _climb(evidence, sorted(arms, key=evidence.share), n)
        arms = [c for c in arms if not worse(evidence, c, arms[0])]
        if n >= last or len(arms) == 1:
            return arms
        arms, n = arms[: max(len(arms) // 2, 2)], 2 * n


def _climb(evidence, arms, n):
    """Go on in beta0 while the best arm is the outermost of its form."""
    while True:
        best = arms[0]
        of_form = sorted(c.beta0 for c in arms if c.schedule == best.schedule)
        beyond = [best.hotter(STEP)] if best.beta0 == of_form[0] else []
        beyond += [best.hotter(1 / STEP)] if best.beta0 == of_form[-1] else []
        new = [c for c in beyond if c not in arms and c not in evidence.seen]
        if not new:
            return arms
        evidence.extend(new, n)
        arms = sorted([*arms, *new], key=evidence.share)


def worse(evidence: Evidence, candidate: Candidate, best: Candidate) -> bool:
    """Whether a candidate loses clearly more than another, by the starts that only one of the two loses.

    Source: the sign test of paired trials (McNemar).
    """
    a, b = evidence.seen[candidate], evidence.seen[best]
    n = min(len(a), len(b))
    more, less = int((a[:n] & ~b[:n]).sum()), int((b[:n] & ~a[:n]).sum())
    return more - less > _WORSE * np.sqrt(more + less + 1)
