"""All checks in their order; each is bounded in time, and none keeps the others from running."""

import os
import shutil
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from vicollapse.checkup import (
    binding,
    clocks,
    counter,
    files,
    folder,
    gpus,
    kernels,
    locks,
    memory,
    messages,
    program,
    ranks,
    rename,
    science,
    threads,
)  # fmt: skip
from vicollapse.checkup.collective import RankFailure
from vicollapse.checkup.findings import Finding, Findings, Verdict, error, skipped
from vicollapse.checkup.setting import Setting
from vicollapse.parallel.team import Team

_GRACE = 10.0
"""Seconds that the other ranks wait longer than rank 0, which has the table to print."""

_LAST = 8.0
"""Seconds that an end by MPI is given."""


@dataclass(frozen=True)
class Check:
    """One row of the table.

    Parameters
    ----------
    name : of the row.
    run : called by all ranks; exchanges values through `Setting.ranks` alone, and returns the same on all of them.
    needs : a check that must not end with an error, or "".
    seconds : after which the whole program is ended, because some rank hangs in the exchange itself.
    """

    name: str
    run: Callable[[Setting], Finding]
    needs: str = ""
    seconds: float = 120.0


CHECKS = (
    Check("program", program.check),
    Check("ranks", ranks.check),
    Check("cores", binding.check),
    Check("memory", memory.check),
    Check("GPUs", gpus.check),
    Check("messages", messages.check),
    Check("counter", counter.check),
    Check("clocks", clocks.check),
    Check("folder", folder.check),
    Check("file clock", clocks.check_files, needs="folder"),
    Check("rename", rename.check, needs="folder"),
    Check("lock", locks.check, needs="folder"),
    Check("small files", files.check_small, needs="folder"),
    Check("large file", files.check_large, needs="folder"),
    Check("HDF5", files.check_hdf5, needs="folder"),
    Check("kernel cache", kernels.check),
    Check("threads", threads.check, needs="kernel cache", seconds=900.0),
    Check("science", science.check, needs="threads", seconds=1800.0),
)
"""Those that wait for a compiler may take minutes, once on a machine."""


def run(
    team: Team,
    *,
    threads: int,
    folder: Path,
    backend: str,
    checks: Sequence[Check] = CHECKS,
    show: Callable[[Findings], None] = lambda findings: None,
) -> Findings:
    """Run the checks; all ranks call it.

    Parameters
    ----------
    team : all ranks.
    threads : of this rank.
    folder : of the results.
    backend : that will be asked for.
    checks : in their order.
    show : prints the findings so far, on rank 0, before a rank that hangs ends the program.

    Returns
    -------
    dict : name of a check -> finding, the same on all ranks.
    """
    setting = Setting(team, threads, folder, backend, team.share(uuid.uuid4().hex[:8]))
    findings: Findings = {}
    existed = folder.exists()
    try:
        for check in checks:
            with _bounded(check, setting, findings, show):
                findings[check.name] = _finding(check, setting, findings)
    finally:
        _clean(setting, existed)
    return findings


def _finding(check: Check, setting: Setting, so_far: Findings) -> Finding:
    if check.needs in so_far and so_far[check.needs].verdict is Verdict.ERROR:
        return skipped(f"needs '{check.needs}'")
    try:
        return _together(check, setting)
    except RankFailure as failure:
        return failure.finding(setting.team.hosts)


def _together(check: Check, setting: Setting) -> Finding:
    try:
        finding = check.run(setting)
        setting.ranks.gather(None)  # where the others meet a rank that fails after its last exchange
        return finding
    except RankFailure:
        raise
    except Exception as problem:
        setting.ranks.fail(problem)
        raise


@contextmanager
def _bounded(check: Check, setting: Setting, findings: Findings, show: Callable[[Findings], None]) -> Iterator[None]:
    limit = check.seconds + (0.0 if setting.team.is_first else _GRACE)
    timer = threading.Timer(limit, _give_up, (check, setting, findings, show))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _give_up(check: Check, setting: Setting, findings: Findings, show: Callable[[Findings], None]) -> None:
    # the main thread hangs in an exchange: nothing but the end of all ranks helps, by MPI or at least by this one's
    if setting.team.is_first:
        found = f"no end within {check.seconds:g} s: a rank hangs or is dead; the checks after this one were not run"
        advice = "start again with fewer ranks, or on other machines, to find which one"
        show({**findings, check.name: error(found, advice)})
    sys.stdout.flush()
    if setting.team.size > 1:
        threading.Thread(target=setting.team.abort, args=(1,), daemon=True).start()
        time.sleep(_LAST)
    os._exit(1)


def _clean(setting: Setting, existed: bool) -> None:
    # after the last exchange nobody uses the files any more
    if setting.team.is_first:
        shutil.rmtree(setting.scratch, ignore_errors=True)
        if not existed:
            with suppress(OSError):  # not empty, or never made
                setting.folder.rmdir()
