"""How this process was started: alone, or as one of many by an MPI launcher."""

import os
import sys
from collections.abc import Mapping

_SIZES = (
    ("PMI_SIZE", "mpiexec"),
    ("OMPI_COMM_WORLD_SIZE", "mpiexec"),
    ("MV2_COMM_WORLD_SIZE", "mpiexec"),
    ("SLURM_STEP_NUM_TASKS", "srun"),
)
"""Environment variables in which launchers tell the number of processes; the innermost launcher first."""


def launched(environment: Mapping[str, str] = os.environ) -> tuple[int, str]:
    """Number of processes that were started together with this one, and by what.

    Parameters
    ----------
    environment : variables of the process.

    Returns
    -------
    size, launcher : 1 and "" for a process on its own.
    """
    for name, launcher in _SIZES:
        if environment.get(name, "").isdigit():
            return int(environment[name]), launcher
    return 1, ""


def runs_under_mpi4py() -> bool:
    """Whether Python was started as `python -m mpi4py ...`."""
    return "mpi4py" in sys.modules
