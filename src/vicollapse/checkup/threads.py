"""How much faster the kernel is on all threads of all ranks than on one thread alone."""

import time
from collections.abc import Callable, Sequence

import numba
import numpy as np

from vicollapse.checkup.binding import physical_cores
from vicollapse.checkup.findings import Finding, error, ok, place, warning
from vicollapse.checkup.setting import Setting
from vicollapse.ensemble.solution import Problem
from vicollapse.ensemble.solve import solve
from vicollapse.experiments.flow_ensemble import EQUATIONS
from vicollapse.mixture import initial
from vicollapse.mixture.coordinates import state_from_coordinates
from vicollapse.parallel.binding import cores
from vicollapse.schedules import annealing

LOWEST = 0.7
"""Parallel efficiency below which cores are wasted."""
_PIECE = 2048
"""Trajectories that one thread takes at once."""
_PIECES, _MOST_PIECES = 16, 512
"""Pieces for every thread, so that none waits long for the last one; for all of them, so that they fit in memory."""
_SECONDS = 0.7
_COMPILING = 600.0

Kernel = Callable[[int, int], object]
"""Integrates so many trajectories on so many threads."""


def check(setting: Setting) -> Finding:
    """Measure one rank of every machine alone on one thread, then all ranks at once on all their threads."""
    if any(setting.ranks.gather(bool(numba.config.DISABLE_JIT))):  # type: ignore[attr-defined]
        return error("numba compiles nothing", "unset NUMBA_DISABLE_JIT")
    kernel = _kernel()
    setting.ranks.everywhere(lambda: kernel(1, 1), seconds=_COMPILING)
    first = setting.team.local_rank == 0
    alone = setting.ranks.everywhere(lambda: speed(kernel, 1) if first else 0.0, seconds=60.0)
    together = setting.ranks.everywhere(lambda: speed(kernel, setting.threads), seconds=120.0)
    usable = setting.ranks.gather(min(setting.threads, physical_cores(cores())))
    return judge(setting.team.hosts, alone, together, usable)


def speed(kernel: Kernel, threads: int) -> float:
    """Trajectories per second.

    Parameters
    ----------
    kernel : what is measured; it is compiled.
    threads : that it runs on.
    """
    number = _PIECE * threads * max(1, min(_PIECES, _MOST_PIECES // threads))
    start, done = time.perf_counter(), 0
    while (seconds := time.perf_counter() - start) < _SECONDS:
        kernel(number, threads)
        done += number
    return done / seconds


def judge(
    hosts: Sequence[str],
    alone: Sequence[float],
    together: Sequence[float],
    usable: Sequence[int],
) -> Finding:
    """Compare the machines' speed with what one of their threads can do alone.

    Parameters
    ----------
    hosts : by rank.
    alone : by rank: trajectories per second on one thread; 0 for all but the first rank of a machine.
    together : by rank: trajectories per second on all threads, while all ranks compute.
    usable : by rank: threads, but not more than physical cores.
    """
    single = {host: rate for host, rate in zip(hosts, alone, strict=True) if rate > 0}
    efficiency = [rate / (single[host] * n) for host, rate, n in zip(hosts, together, usable, strict=True)]
    rank, slowest = min(range(len(hosts)), key=lambda r: efficiency[r]), min(single, key=lambda host: single[host])
    text = (
        f"{sum(together):,.0f} trajectories/s in all; one thread alone {single[slowest]:,.0f}; "
        f"parallel efficiency {efficiency[rank]:.0%}"
    )
    if efficiency[rank] < LOWEST:
        return warning(
            f"{text} on {place(rank, hosts)}",
            "do ranks share cores (see 'cores'), or are other programs running? Use as many threads as there are "
            "physical cores (SLURM: --hint=nomultithread)",
        )
    if single[slowest] < LOWEST * float(np.median(list(single.values()))):
        return warning(
            f"{text}; {slowest} is slower than the others", f"leave {slowest} out, or find out what runs there"
        )
    return ok(text)


def _kernel() -> Kernel:
    parameters = {"separation": 4.0, "imbalance": 0.0} | annealing(None).values()
    law = initial.get("isotropic")
    U = law(np.random.default_rng(1), _PIECE, dimension=10, separation=4.0, init_scale=0.5)
    states = np.column_stack([state_from_coordinates(U), np.zeros(_PIECE)])
    problem = Problem(EQUATIONS, ("softmax", annealing(None).shape))

    def integrate(number: int, threads: int) -> object:
        return solve(problem, np.resize(states, (number, states.shape[1])), parameters, 1e3, threads=threads)

    return integrate
