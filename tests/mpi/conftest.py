"""MPI tests start real ranks, with the launcher that belongs to this environment."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "resume"))

from workplace import LAUNCHER, undisturbed, workplace  # noqa: F401  (fixtures)

MISSING = [
    what
    for what, there in (("mpi4py", importlib.util.find_spec("mpi4py")), ("mpiexec", Path(LAUNCHER[0]).exists()))
    if not there
]


@pytest.fixture(autouse=True)
def _mpi_is_there():
    if MISSING:
        pytest.skip(f"{' and '.join(MISSING)} not in this environment: pip install 'vicollapse[mpi]'")


@pytest.fixture
def ranks():
    """Run Python code on so many ranks: what they printed."""

    def run(number, code, code_expected=0, **environment):
        done = subprocess.run(
            [*LAUNCHER, str(number), sys.executable, "-m", "mpi4py", "-c", code],
            capture_output=True, text=True, timeout=60, env={**os.environ, **environment},
        )  # fmt: skip
        assert done.returncode == code_expected, done.stderr
        return done.stdout

    return run
