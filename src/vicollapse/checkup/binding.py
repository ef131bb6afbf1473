"""Which cores each rank may use, and whether there are enough of them for its threads."""

from collections.abc import Sequence
from pathlib import Path

from vicollapse.checkup.findings import Finding, number_of, ok, place, warning
from vicollapse.checkup.setting import Setting
from vicollapse.parallel.binding import cores

_TOPOLOGY = "/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list"


def check(setting: Setting) -> Finding:
    """Compare the cores of all ranks with their threads."""
    return judge(setting.team.hosts, *zip(*setting.ranks.gather((cores(), setting.threads)), strict=True))


def physical_cores(numbers: Sequence[int]) -> int:
    """How many physical cores these are: hardware threads of one core count once.

    Parameters
    ----------
    numbers : of the cores, as the system counts them.
    """
    return len({_siblings(number) for number in numbers})


def judge(hosts: Sequence[str], masks: Sequence[tuple[int, ...]], threads: Sequence[int]) -> Finding:
    """Find ranks with too few cores, and machines with too many threads.

    Ranks that may all use the same cores, with enough of them for all threads, are well: the system spreads them.

    Parameters
    ----------
    hosts, masks, threads : by rank: machine, numbers of the cores that it may use, threads that it starts.
    """
    text = _describe(hosts, masks, threads)
    for rank, (mask, count) in enumerate(zip(masks, threads, strict=True)):
        if count > len(mask):
            return warning(
                f"{text}; {place(rank, hosts)} starts {number_of(count, 'thread')} on {number_of(len(mask), 'core')}",
                f"bind fewer ranks, or none, to a core (SLURM: --cpus-per-task={count}; mpiexec: --bind-to none), "
                f"or use --threads {len(mask)}",
            )
    for host in dict.fromkeys(hosts):
        mine = [rank for rank, other in enumerate(hosts) if other == host]
        if problem := _crowded([masks[rank] for rank in mine], [threads[rank] for rank in mine]):
            found, advice = problem
            return warning(f"{text}; on {host} {found}", advice)
    return ok(text)


def _crowded(masks: Sequence[tuple[int, ...]], threads: Sequence[int]) -> tuple[str, str] | None:
    there = set().union(*masks)
    if sum(threads) > len(there):
        found = f"{number_of(sum(threads), 'thread')} share {number_of(len(there), 'core')}"
        return found, "start fewer ranks or threads, or ask for more cores (SLURM: --cpus-per-task)"
    if len(set(masks)) > 1 and (shared := sum(map(len, masks)) - len(there)) > 0:
        found = f"some ranks share {number_of(shared, 'core')} while others have their own"
        return found, "give every rank its own cores (SLURM: --cpus-per-task; mpiexec: --bind-to core, or none)"
    return None


def _describe(hosts: Sequence[str], masks: Sequence[tuple[int, ...]], threads: Sequence[int]) -> str:
    texts: dict[str, list[str]] = {}
    for host in dict.fromkeys(hosts):
        mine = [rank for rank, other in enumerate(hosts) if other == host]
        each = sorted({threads[rank] for rank in mine})
        of_each = number_of(each[0], "thread") if len(each) == 1 else f"{each[0]} to {each[-1]} threads"
        there = len(set().union(*(masks[rank] for rank in mine)))
        bound = "" if len(mine) == 1 else ", bound" if len({masks[rank] for rank in mine}) > 1 else ", not bound"
        texts.setdefault(f"{number_of(len(mine), 'rank')} x {of_each} on {number_of(there, 'core')}{bound}", []).append(
            host
        )
    return "; ".join(
        f"{text} ({names[0]})" if len(names) == 1 else f"{text} (each of {len(names)} machines)"
        for text, names in texts.items()
    )


def _siblings(number: int) -> str:
    try:
        return Path(_TOPOLOGY.format(number)).read_text().strip()
    except OSError:  # the system does not say
        return str(number)
