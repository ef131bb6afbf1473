"""Where compiled kernels are kept, and which machines share them."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vicollapse.checkup.findings import Finding, ok, place, warning
from vicollapse.checkup.setting import Setting
from vicollapse.ensemble import cache


@dataclass(frozen=True)
class Cache:
    """The cache folder of one rank.

    Parameters
    ----------
    folder : where it is.
    problem : why it is not where it should be, "" if it is.
    """

    folder: str
    problem: str = ""


def check(setting: Setting) -> Finding:
    """Find the cache of every rank, and which machines see each other's."""
    caches = setting.ranks.everywhere(find)
    marker = Path(caches[setting.team.rank].folder) / f".check-{setting.token}-{setting.team.rank}"
    first = setting.team.local_rank == 0
    try:
        setting.ranks.everywhere(lambda: marker.touch() if first else None)
        seen = setting.ranks.everywhere(lambda: len([*marker.parent.glob(f".check-{setting.token}-*")]))
    finally:
        marker.unlink(missing_ok=True)
    return judge(setting.team.hosts, caches, seen)


def find() -> Cache:
    """The cache folder of this process, which is made if need be."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        folder = cache.folder()
    return Cache(str(folder), str(caught[0].message) if caught else "")


def judge(hosts: Sequence[str], caches: Sequence[Cache], seen: Sequence[int]) -> Finding:
    """Say where kernels are compiled.

    Parameters
    ----------
    hosts, caches : by rank.
    seen : by rank: machines whose cache is the same folder, its own included.
    """
    for rank, of in enumerate(caches):
        if of.problem:
            return warning(
                f"{place(rank, hosts)}: {of.problem}", "set VICOLLAPSE_CACHE to a folder that all ranks can write"
            )
    machines = len(set(hosts))
    text = caches[0].folder
    if machines == 1:
        return ok(text)
    if min(seen) == machines:
        return ok(f"{text}, shared by {machines} machines")
    return ok(f"{text}, not shared: each machine compiles for itself, 20 to 30 s for each kernel")
