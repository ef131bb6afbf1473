"""A small study of a slow experiment, run in processes of its own through the command line."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

HERE = Path(__file__).parent
for _folder in (HERE, HERE.parent / "sweep"):
    sys.path.insert(0, str(_folder))

from hdf5_content import content  # noqa: E402

PROGRAM = f"""
import sys
sys.path[:0] = {[str(HERE), str(HERE.parent / "sweep")]!r}
import slow_experiment
slow_experiment.register()
from vicollapse.cli import main
sys.exit(main(sys.argv[1:]))
"""

CONFIG = """
shard_minutes: 0.5
studies:
  slow:
    experiment: slow
    axes:
      weights: [fixed, softmax]
      separation: [0.5, 1, 2]
    replicates: 700
    keep_trajectories: 3
    save_times: [0, 1, 2]
    seed: 5
"""
SHARDS = 4
LAUNCHER = [str(Path(sys.executable).with_name("mpiexec")), "-n"]


class Workplace:
    """A folder with a config file, in which commands run."""

    def __init__(self, folder):
        """Make the folder, with `config` in it."""
        self.folder = folder
        self.results = folder / "results" / "slow"
        folder.mkdir(parents=True)
        (folder / "config.yaml").write_text(CONFIG)

    def start(self, *arguments, ranks=0, **environment):
        """Start `vicollapse ... --config config.yaml`, on so many MPI ranks unless 0."""
        # A shell that starts the tests in the background makes them, and their children, ignore Ctrl-C.
        program = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n" + PROGRAM
        python = [*LAUNCHER, str(ranks), sys.executable, "-m", "mpi4py"] if ranks else [sys.executable]
        return subprocess.Popen(
            [*python, "-c", program, *arguments, "--config", "config.yaml"],
            cwd=self.folder,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments, **more):
        """Run it to its end: exit code, stdout, stderr."""
        process = self.start(*arguments, **more)
        out, err = process.communicate(timeout=120)
        return process.returncode, out, err

    def parts(self):
        """Part files that are there now."""
        return sorted(self.results.glob("parts/*/[0-9t]*.h5"))

    def shards(self):
        """Shard files that are there now."""
        return sorted(self.results.glob("shards/*.h5"))

    def leftovers(self):
        """Temporary files, locks and parts: what a clean end leaves none of."""
        return [
            p for p in self.results.rglob("*") if p.is_file() and p.suffix != ".json" and "shards" not in str(p.parent)
        ]

    def finish(self):
        """Simulate what is left, in one process, and aggregate."""
        for command in ("simulate", "aggregate"):
            code, _, err = self.run(command, "--study", "slow")
            assert code == 0, err

    def equals(self, other):
        """Whether this and another workplace hold the same shards and the same phase diagram, bit for bit."""
        assert [p.name for p in self.shards()] == [p.name for p in other.shards()]
        pairs = [*zip(self.shards(), other.shards(), strict=True)]
        pairs.append((self.results / "phase_diagram.h5", other.results / "phase_diagram.h5"))
        return all(content(a) == content(b) for a, b in pairs)


def wait_until(condition, process, timeout=60):
    """Look again and again until something is true, or the process has ended."""
    end = time.monotonic() + timeout
    while not condition() and process.poll() is None:
        assert time.monotonic() < end, process.communicate()
        time.sleep(0.002)


@pytest.fixture
def workplace(tmp_path):
    """A fresh workplace."""
    return Workplace(tmp_path / "work")


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory):
    """The study, simulated by one process and aggregated without any disturbance."""
    place = Workplace(tmp_path_factory.mktemp("undisturbed") / "work")
    place.finish()
    assert len(place.shards()) == SHARDS
    return place
