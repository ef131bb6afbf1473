"""Proposals are confirmed on starts that had no part in choosing them; who fails gives way to a more expensive one."""

from collections.abc import Callable
from dataclasses import dataclass

from vicollapse.recommend.candidates import Candidate


@dataclass(frozen=True)
class Trial:
    """A candidate's own trajectories, and what they say.

    Parameters
    ----------
    candidate : the schedule.
    probability : of losing a mode, as they estimate it.
    seen : how many trajectories.
    confirmed : whether the probability is below the target, with the confidence of the test.
    interval : bounds, each of which holds with the confidence asked for.
    """

    candidate: Candidate
    probability: float
    seen: int
    confirmed: bool
    interval: tuple[float, float]


def attempts(propose: Callable[[list[Trial]], Trial | None], most: int = 4) -> list[Trial]:
    """Trials until one is confirmed; every one on starts of its own.

    Parameters
    ----------
    propose : trials that failed so far -> the next trial, or None. The risks of all tests together are the risk of a
        recommendation that does not hold.
    most : attempts.
    """
    done: list[Trial] = []
    while len(done) < most and not (done and done[-1].confirmed):
        trial = propose(done)
        if trial is None:
            break
        done.append(trial)
    return done
