"""What every check is given: the ranks, and what the user wants to use."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from vicollapse.checkup.collective import Collective
from vicollapse.parallel.team import Team


@dataclass(frozen=True)
class Setting:
    """The ranks that check together, and their options.

    Parameters
    ----------
    team : all ranks.
    threads : of this rank.
    folder : of the results, where files are tried; need not exist.
    backend : that was asked for, or "auto".
    token : text that no other run has, the same on all ranks.
    """

    team: Team
    threads: int
    folder: Path
    backend: str
    token: str

    @cached_property
    def ranks(self) -> Collective:
        """Exchange between the ranks."""
        return Collective(self.team)

    @property
    def scratch(self) -> Path:
        """Folder of the files of this run."""
        return self.folder / f".check-{self.token}"

    @property
    def far(self) -> int:
        """A rank as far as can be from rank 0: the last one on another machine, else the last one."""
        others = [rank for rank, host in enumerate(self.team.hosts) if host != self.team.hosts[0]]
        return others[-1] if others else self.team.size - 1
