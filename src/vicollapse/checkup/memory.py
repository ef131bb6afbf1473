"""Is there memory enough on every machine for its ranks?"""

from collections.abc import Sequence

from vicollapse.checkup.findings import Finding, error, ok, skipped, warning
from vicollapse.checkup.setting import Setting
from vicollapse.sweep.plan import PROCESS_BYTES
from vicollapse.sweep.resources import available_memory, format_bytes

_BATCH_BYTES = 256 * 2**20
"""What the batch in flight and a shard may take at most, beside the process itself."""
_PER_CPU = "SLURM: --mem-per-cpu or --mem"


def check(setting: Setting) -> Finding:
    """Compare the free memory of every machine with what its ranks need."""
    return judge(setting.team.hosts, setting.ranks.everywhere(available_memory))


def judge(hosts: Sequence[str], free: Sequence[int | None]) -> Finding:
    """Share out the memory of every machine.

    Parameters
    ----------
    hosts, free : by rank: machine, bytes free there for all its ranks (None if unknown).
    """
    known: dict[str, int] = {}
    for host, bytes in zip(hosts, free, strict=True):
        if bytes is not None:
            known[host] = min(bytes, known.get(host, bytes))
    if not known:
        return skipped("this system does not say how much memory is free")
    shares = {host: bytes // list(hosts).count(host) for host, bytes in known.items()}
    host = min(shares, key=lambda name: shares[name])
    text = f"at least {format_bytes(shares[host])} free for each rank ({host})"
    needed = PROCESS_BYTES + _BATCH_BYTES
    advice = f"start fewer ranks with more threads each, or ask for {format_bytes(needed)} per rank ({_PER_CPU})"
    if shares[host] < PROCESS_BYTES:
        return error(f"{text}; the program alone takes {format_bytes(PROCESS_BYTES)}", advice)
    if shares[host] < needed:
        return warning(f"{text}; a rank may need {format_bytes(needed)}", advice)
    return ok(f"{text}; it needs at most {format_bytes(needed)}")
