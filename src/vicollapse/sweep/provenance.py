"""How a file came to be: code, libraries, machine, time. Collecting it never fails."""

import os
import platform
import socket
import subprocess
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

_LIBRARIES = ("numpy", "scipy", "numba", "sympy", "h5py", "pydantic", "xarray", "cupy-cuda13x")


def provenance(*, backend: str, threads: int, wall_seconds: float) -> dict[str, Any]:
    """Attributes that say by what, where and when a file was made.

    Parameters
    ----------
    backend, threads : what computed, on how many threads.
    wall_seconds : time spent computing, s.

    Returns
    -------
    dict : texts and numbers; what cannot be found out is "unknown".
    """
    commit, dirty = source_state()
    return {
        "version": library_version("vicollapse"),
        "commit": commit,
        "dirty": "yes" if dirty else "no",
        "python": platform.python_version(),
        "libraries": ", ".join(f"{name} {library_version(name)}" for name in _LIBRARIES),
        "host": socket.gethostname(),
        "platform": platform.platform(),
        "backend": backend,
        "device": device(backend),
        "threads": threads,
        "wall_seconds": wall_seconds,
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
    }


@cache
def source_state(folder: Path = Path(__file__).parent) -> tuple[str, bool]:
    """Commit of the source tree and whether it has been changed since.

    Parameters
    ----------
    folder : of the source files.

    Returns
    -------
    commit, dirty : "unknown" and False where the source is not under version control.
    """
    # an installed copy inside someone else's repository is not tracked there, and must not claim its commit
    if not _git(folder, "ls-files", "."):
        return "unknown", False
    commit = _git(folder, "rev-parse", "HEAD")
    return (commit or "unknown"), bool(_git(folder, "status", "--porcelain", "--untracked-files=no"))


@cache
def library_version(name: str) -> str:
    """Version of an installed distribution, "none" if it is not installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"


@cache
def device(backend: str) -> str:
    """Name of the processor, and of the graphics card if the backend uses one."""
    names = [f"{cpu_name()}, {os.cpu_count()} cores"]
    if "gpu" in backend:
        names.append(_gpu_name())
    return " + ".join(names)


@cache
def cpu_name() -> str:
    """Model of the processor, "unknown" if the system does not say."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or "unknown"


def _gpu_name() -> str:
    try:
        import cupy

        return cupy.cuda.runtime.getDeviceProperties(cupy.cuda.Device().id)["name"].decode()
    except Exception:  # whatever is wrong with the driver, a file must get its provenance
        return "unknown GPU"


def _git(folder: Path, *arguments: str) -> str:
    try:
        command = ["git", "-C", str(folder), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
