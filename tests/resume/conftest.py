"""A small study of a slow experiment, run in processes of its own through the command line."""

import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
for _folder in (HERE, HERE.parent / "sweep"):
    sys.path.insert(0, str(_folder))

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


class Workplace:
    """A folder with a config file, in which commands run."""

    def __init__(self, folder):
        self.folder = folder
        self.results = folder / "results" / "slow"
        folder.mkdir(parents=True)
        (folder / "config.yaml").write_text(CONFIG)

    def start(self, *arguments):
        """Start `vicollapse ... --config config.yaml`."""
        # A shell that starts the tests in the background makes them, and their children, ignore Ctrl-C.
        program = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n" + PROGRAM
        command = [sys.executable, "-c", program, *arguments, "--config", "config.yaml"]
        return subprocess.Popen(
            command, cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )

    def run(self, *arguments):
        """Run it to its end: exit code, stdout, stderr."""
        process = self.start(*arguments)
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


@pytest.fixture
def workplace(tmp_path):
    return Workplace(tmp_path / "work")


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory):
    """The study, simulated and aggregated without any disturbance."""
    place = Workplace(tmp_path_factory.mktemp("undisturbed") / "work")
    for command in ("simulate", "aggregate"):
        code, _, err = place.run(command, "--study", "slow")
        assert code == 0, err
    assert len(place.shards()) == SHARDS
    return place
