"""`vicollapse check` on real MPI ranks: healthy, with a rank that raises, with a rank that hangs."""

import json
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import pytest

MPIEXEC = Path(sys.executable).with_name("mpiexec")
pytestmark = pytest.mark.skipif(
    not MPIEXEC.exists() or find_spec("mpi4py") is None,
    reason="needs mpi4py and an mpiexec beside this Python: pip install 'vicollapse[mpi]'",
)
COMMAND = ("-m", "vicollapse", "check")
PROGRAM = """
import sys, time
from vicollapse import cli
from vicollapse.checkup import run
from vicollapse.checkup.findings import ok
from vicollapse.checkup.run import CHECKS, Check

def bad(setting):
    setting.ranks.gather(0)
    if setting.team.rank == 1:
        {fault}
    return ok(f"{{setting.ranks.gather(1)}}")

quick = tuple(check for check in CHECKS if check.name in ("program", "messages", "counter", "lock", "folder"))
checks = (quick[0], Check("bad", bad, seconds=2.0), *quick[1:])
run.run.__kwdefaults__["checks"] = checks
if __name__ == "__main__":
    sys.exit(cli.main(["check", *sys.argv[1:]]))
"""


def mpi(ranks, *arguments, folder, timeout=240):
    command = [str(MPIEXEC), "-n", str(ranks), sys.executable, "-m", "mpi4py", *arguments, "--ranks", str(ranks)]
    return subprocess.run(
        [*command, "--folder", str(folder), "--json"], capture_output=True, text=True, timeout=timeout
    )


def verdicts(done):
    assert done.stdout, done.stderr
    return {check["check"]: check for check in json.loads(done.stdout)["checks"]}


@pytest.mark.parametrize("ranks", [2, 3])
def test_ranks_of_this_machine(ranks, tmp_path):
    done = mpi(ranks, *COMMAND, folder=tmp_path / "results")
    found = verdicts(done)
    errors = [check for check in found.values() if check["verdict"] == "error"]
    assert (done.returncode, errors) == (0, [])
    for name in ("program", "ranks", "messages", "counter", "folder", "rename", "lock", "HDF5", "science"):
        assert found[name]["verdict"] == "ok", found[name]
    assert found["ranks"]["found"].startswith(f"{ranks} ranks: {ranks} on ")
    assert f"takes per second on {ranks} ranks" in found["counter"]["found"]
    assert found["clocks"]["verdict"] == "skipped"
    assert list(tmp_path.iterdir()) == []


def test_a_check_that_raises_on_one_rank(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM.format(fault="raise ValueError('made to fail')"))
    done = mpi(3, str(program), folder=tmp_path / "results")
    found = verdicts(done)
    assert done.returncode == 1
    assert found["bad"]["verdict"] == "error"
    assert found["bad"]["found"].startswith("rank 1 (")
    assert found["bad"]["found"].endswith("ValueError: made to fail")
    assert [found[name]["verdict"] for name in ("messages", "counter", "folder", "lock")] == ["ok"] * 4


def test_a_rank_that_hangs(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM.format(fault="time.sleep(1000)"))
    start = time.monotonic()
    done = mpi(2, str(program), folder=tmp_path / "results")
    assert time.monotonic() - start < 60
    assert done.returncode != 0
    found = verdicts(done)
    assert list(found) == ["program", "bad"]
    assert "no end within 2 s" in found["bad"]["found"]


def test_another_number_of_ranks_than_asked_for(tmp_path):
    command = [str(MPIEXEC), "-n", "2", sys.executable, "-m", "mpi4py", *COMMAND, "--ranks", "3"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=tmp_path)
    assert done.returncode != 0
    assert "asked for 3 ranks, but there are 2" in done.stderr
    assert done.stdout == ""
