"""How many ranks there are, on which machines, and whether that is what the job was given."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence

from vicollapse.checkup.findings import Finding, number_of, ok, warning
from vicollapse.checkup.setting import Setting


def check(setting: Setting) -> Finding:
    """Count, and compare with the scheduler's variables."""
    may_call = setting.ranks.gather(bool(getattr(setting.team, "threads_may_call", True)))
    return judge(setting.team.hosts, setting.team.library, all(may_call), os.environ)


def judge(hosts: Sequence[str], library: str, threads_may_call: bool, environment: Mapping[str, str]) -> Finding:
    """Say how the ranks are spread, and what does not fit.

    Parameters
    ----------
    hosts : by rank.
    library : of MPI, in words.
    threads_may_call : whether the MPI library lets several threads call it, on all ranks.
    environment : variables of the process.
    """
    text = f"{number_of(len(hosts), 'rank')}: {_spread(hosts)}; MPI: {' '.join(library.split())}"
    tasks = environment.get("SLURM_NTASKS", "")
    if tasks.isdigit() and int(tasks) > len(hosts):  # fewer under mpiexec: it starts its own helpers with srun
        return warning(
            f"{text}; but the job has {number_of(int(tasks), 'task')} (SLURM_NTASKS)",
            f"start all of them: mpiexec -n {tasks} python -m mpi4py -m vicollapse ... --ranks {tasks}",
        )
    if len(set(hosts)) > 1 and not threads_may_call:
        return warning(
            f"{text}; without MPI_THREAD_MULTIPLE",
            "use an MPI library with MPI_THREAD_MULTIPLE: without it the other ranks may wait for rank 0's batch "
            "whenever they take a new one",
        )
    return ok(text)


def _spread(hosts: Sequence[str]) -> str:
    counts = Counter(hosts)
    if len(counts) <= 4:
        return ", ".join(f"{count} on {host}" for host, count in counts.items())
    each = sorted(set(counts.values()))
    return f"{each[0] if len(each) == 1 else f'{each[0]} to {each[-1]}'} on each of {len(counts)} machines"
