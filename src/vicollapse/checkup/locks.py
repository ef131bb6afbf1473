"""Does a lock that one process holds keep the others out?"""

import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from vicollapse.checkup.findings import Finding, error, ok, places, warning
from vicollapse.checkup.setting import Setting
from vicollapse.sweep.lock import exclusive, holder

_LOOK = (
    "import sys; from pathlib import Path; from vicollapse.sweep.lock import holder; print(holder(Path(sys.argv[1])))"
)


def check(setting: Setting) -> Finding:
    """Hold a lock on rank 0, look from other ranks (from a child process if there are none), release it, look again."""
    path = setting.scratch / "lock"
    with ExitStack() as held:
        setting.ranks.everywhere(lambda: held.enter_context(exclusive(path)) if setting.team.is_first else None)
        during = setting.ranks.everywhere(lambda: _is_held(setting, path), seconds=60.0)
        setting.ranks.everywhere(held.close)
        after = setting.ranks.everywhere(lambda: _is_held(setting, path), seconds=60.0)
    lookers = range(setting.team.size) if setting.team.size == 1 else range(1, setting.team.size)
    hosts = setting.team.hosts
    return judge(hosts, [rank for rank in lookers if not during[rank]], [rank for rank in lookers if after[rank]])


def judge(hosts: Sequence[str], blind: Sequence[int], stuck: Sequence[int]) -> Finding:
    """Say whether locks work.

    Parameters
    ----------
    hosts : by rank.
    blind : ranks that did not see the lock while it was held.
    stuck : ranks that saw it after it was released.
    """
    if stuck:
        return error(
            f"a lock that was released is still held for {places(stuck, hosts)}",
            "use another file system for results: a shard that was stopped could not be continued here",
        )
    if blind:
        return warning(
            f"a lock of rank 0 ({hosts[0]}) is not seen by {places(blind, hosts)}",
            "start no second run of a study here: nothing would keep the two apart (NFS: mount without 'nolock')",
        )
    machines = len(set(hosts))
    return ok(
        "held and released as it should, " + (f"across {machines} machines" if machines > 1 else "on one machine")
    )


def _is_held(setting: Setting, path: Path) -> bool:
    if setting.team.size > 1:
        return setting.team.is_first or holder(path) is not None
    done = subprocess.run(
        [sys.executable, "-c", _LOOK, str(path)], capture_output=True, text=True, timeout=50, check=True
    )
    return done.stdout.strip() != "None"
