"""From a problem and a target to what is found: plain variational inference first, then search and confirmation."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from vicollapse.recommend.candidates import PLAIN, Candidate, Family
from vicollapse.recommend.confirm import Trial, attempts, trial
from vicollapse.recommend.effort import PLAIN_SHARE, Effort
from vicollapse.recommend.evidence import Oracle
from vicollapse.recommend.search import Search
from vicollapse.recommend.sequential import BelowTest


@dataclass(frozen=True)
class Found:
    """What a search has found.

    Parameters
    ----------
    plain : the trial of plain variational inference.
    trials : those of the proposals, in order; none where plain variational inference is good enough.
    search : the search, with all that it has seen; None likewise.
    """

    plain: Trial
    trials: list[Trial]
    search: Search | None

    @property
    def last(self) -> Trial:
        """The trial that the answer rests on: the confirmed one, or where there is none the one of fewest losses."""
        confirmed = [t for t in [self.plain, *self.trials] if t.confirmed]
        return confirmed[0] if confirmed else min(self.trials, key=lambda t: t.probability)

    def spent(self) -> dict[str, int]:
        """Trajectories of each part."""
        return {
            "plain": self.plain.seen,
            "search": self.search.spent if self.search else 0,
            "confirmation": sum(t.seen for t in self.trials),
        }


def find(
    oracle: Oracle,
    family: Family,
    effort: Effort,
    report: Callable[[str], Any] = lambda text: None,
    surrogate: Callable[[Candidate], float] | None = None,
) -> Found:
    """Search for the cheapest schedule whose probability of collapse is below the target.

    Parameters
    ----------
    oracle : what simulates.
    family : the schedules that may be recommended.
    effort : target, risk, and how many trajectories.
    report : is told of each phase.
    surrogate : see `Search`.
    """
    report("plain variational inference")
    plain = trial(oracle, "plain", PLAIN, effort.plain_test(), effort.alpha)
    if plain.confirmed:
        return Found(plain, [], None)
    effort = replace(effort, plain=plain.probability)
    search = Search(oracle, family, effort.aim, effort.most, surrogate)

    def propose(done: list[Trial]) -> tuple[Candidate, BelowTest] | None:
        report(f"search, attempt {len(done) + 1}")
        chosen = search.longer(done[-1].candidate, done[-1].probability) if done else search.proposal()
        if chosen is None:
            return None
        report(f"confirmation of {chosen.schedule}, beta0 {chosen.beta0:g}, duration {chosen.duration:g}")
        risk = effort.alpha * (1 - PLAIN_SHARE) / 2 ** (len(done) + 1)
        return chosen, effort.test(risk, search.aim)

    return Found(plain, attempts(oracle, propose, effort.alpha), search)
