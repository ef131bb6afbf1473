"""A race of schedules of one duration on the same starts: who is clearly worse leaves, the others get more of them."""

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
        arms = [c for c in arms if evidence.surplus(c, arms[0]) <= _WORSE]
        if n >= last or len(arms) == 1:
            return arms
        arms, n = arms[: max(len(arms) // 2, 2)], 2 * n


def _climb(evidence, arms, n):
    """Go on in beta0 while the best arm is the outermost of its form, and clearly better than the one next to it."""
    while new := [c for c in _beyond(evidence, arms[0]) if c not in evidence.seen]:
        evidence.extend(new, n)
        arms = sorted([*arms, *new], key=evidence.share)
    return arms


def _beyond(evidence, best):
    peers = sorted(
        (c for c in evidence.seen if (c.schedule, c.duration) == (best.schedule, best.duration)), key=lambda c: c.beta0
    )
    place = peers.index(best)
    if place == 0 < len(peers) - 1 and evidence.surplus(peers[1], best) > _WORSE:
        return [best.hotter(STEP)]
    if place == len(peers) - 1 > 0 and evidence.surplus(peers[-2], best) > _WORSE:
        return [best.hotter(1 / STEP)]
    return []
