"""Proposals are confirmed on starts that had no part in choosing them; who fails gives way to a more expensive one."""

from collections.abc import Callable
from dataclasses import dataclass

from vicollapse.recommend.candidates import Candidate
from vicollapse.recommend.evidence import Evidence, Oracle
from vicollapse.recommend.sequential import BelowTest, bounds


@dataclass(frozen=True)
class Trial:
    """A candidate's own trajectories, and what they say.

    Parameters
    ----------
    candidate : the schedule.
    lost, seen : trajectories that lost a mode, and all.
    confirmed : whether the probability is below the target, with the confidence of the test.
    interval : bounds, each of which holds with the confidence asked for, whenever the trial ended.
    """

    candidate: Candidate
    lost: int
    seen: int
    confirmed: bool
    interval: tuple[float, float]

    @property
    def probability(self) -> float:
        """Share that lost a mode."""
        return self.lost / max(self.seen, 1)


def trial(oracle: Oracle, stream: str, candidate: Candidate, test: BelowTest, alpha: float) -> Trial:
    """Test a candidate on the starts of a stream; `alpha` is that of the lower bound, the upper one has the test's."""
    evidence = Evidence(oracle, stream)
    confirmed = evidence.test(candidate, test)
    k, n = evidence.count(candidate)
    interval = bounds(k, n, alpha)[0], bounds(k, n, test.alpha, test.law)[1]
    return Trial(candidate, k, n, confirmed, interval)


def attempts(
    oracle: Oracle, propose: Callable[[list[Trial]], tuple[Candidate, BelowTest] | None], alpha: float, most: int = 4
) -> list[Trial]:
    """Trials of proposals until one is confirmed; every one on starts of its own.

    Parameters
    ----------
    oracle : what simulates.
    propose : trials that failed so far -> the next candidate and its test, or None. The risks (alpha) of all tests
        together are the risk of a recommendation that does not hold.
    alpha : of the lower bounds.
    most : attempts.
    """
    done: list[Trial] = []
    while len(done) < most and not (done and done[-1].confirmed):
        proposed = propose(done)
        if proposed is None:
            break
        done.append(trial(oracle, f"confirm {len(done) + 1}", *proposed, alpha))
    return done
