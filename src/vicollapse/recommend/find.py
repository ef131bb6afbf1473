"""From a problem and a target to what is found: plain variational inference first, then search and confirmation."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from vicollapse.recommend.candidates import Candidate, Family
from vicollapse.recommend.confirm import Trial, attempts
from vicollapse.recommend.effort import PLAIN_SHARE
from vicollapse.recommend.methods import Method
from vicollapse.recommend.search import Search


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
    method: Method,
    family: Family,
    report: Callable[[str], Any] = lambda text: None,
    surrogate: Callable[[Candidate], float] | None = None,
) -> Found:
    """Search for the cheapest schedule whose probability of collapse is below the target.

    Parameters
    ----------
    method : how candidates are measured; it has the target and the risk.
    family : the schedules that may be recommended.
    report : is told of each phase.
    surrogate : see `Search`.
    """
    report("plain variational inference")
    plain = method.plain()
    if plain.confirmed:
        return Found(plain, [], None)
    search = Search(method.knowing(plain.probability), family, surrogate)

    def propose(done: list[Trial]) -> Trial | None:
        number = len(done) + 1
        report(f"search, attempt {number}")
        chosen = search.longer(done[-1].candidate, done[-1].probability) if done else search.proposal()
        if chosen is None:
            return None
        report(f"confirmation of {chosen.schedule}, beta0 {chosen.beta0:g}, duration {chosen.duration:g}")
        risk = method.effort.alpha * (1 - PLAIN_SHARE) / 2**number
        return search.method.trial(f"confirm {number}", chosen, risk, search.aim, search.n)

    return Found(plain, attempts(propose), search)
