"""A SLURM cluster on this machine, and Snakemake on it, where that is wanted: see `why_not`."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
for _folder in (HERE, HERE.parent / "sweep"):
    sys.path.insert(0, str(_folder))

import lab  # noqa: E402

PACED = """\
shard_minutes: 1000
studies:
  paced:
    experiment: paced
    axes:
      separation: [0.5, 1, 2]
    replicates: 10240
    seed: 5
"""
BATCHES = 60  # of its only shard: 3 points x 40 blocks, two at a time


def why_not() -> str | None:
    """Why the tests of this folder are skipped; None if they run.

    They run where somebody says so, as `.ci/run` does after it has installed what they need: then they fail if anything
    is missing. Besides, they run in continuous integration if they can.
    """
    if os.environ.get("VICOLLAPSE_SLURM_LAB") == "1":
        return None
    if os.environ.get("CI") == "true" and os.geteuid() == 0 and not lab.missing():
        return None
    return (
        "these tests start a SLURM cluster on this machine: as root, with Debian's packages, with links in /etc/slurm; "
        "continuous integration does so, elsewhere set VICOLLAPSE_SLURM_LAB=1 if that is fine with you"
    )


@pytest.fixture(scope="session")
def cluster():
    """The cluster of tests/slurm/lab.py, one for all processes of the test suite."""
    if reason := why_not():
        pytest.skip(reason)
    assert os.geteuid() == 0, "a SLURM cluster needs root"
    assert not lab.missing(), f"not installed: {', '.join(lab.missing())}; apt-get install {' '.join(lab.PACKAGES)}"
    with lab.lab():
        yield


def ask(*command: str) -> str:
    """What a command of SLURM prints."""
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


@dataclass
class Run:
    """A folder with a config and a profile, in which Snakemake submits jobs to the cluster.

    Parameters
    ----------
    config : text of the config file.
    profile : the profile of this repository that is copied into the folder.
    edits : what the user changes in the copy besides account, partition and cores; text -> text.
    options : of Snakemake.
    """

    folder: Path
    config: str = PACED
    profile: str = "profiles/slurm"
    edits: dict[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder.mkdir()
        (self.folder / "config.yaml").write_text(self.config)
        text = (ROOT / self.profile / "config.yaml").read_text()
        everyone = {"slurm_account: default ": f"slurm_account: {lab.ACCOUNT} ", "  simulate: ": "  simulate: 2 # "}
        for old, new in {**everyone, **self.edits}.items():
            assert text.count(old) == 1, f"{self.profile}: '{old}' is there {text.count(old)} times"
            text = text.replace(old, new)
        (self.folder / "profile").mkdir()
        (self.folder / "profile" / "config.yaml").write_text(text)
        self.pace(0.0)

    def pace(self, seconds: float) -> None:
        """How long a batch takes from now on."""
        (self.folder / "pace.new").write_text(str(seconds))
        (self.folder / "pace.new").replace(self.folder / "pace")

    def start(self, *targets: str) -> subprocess.Popen[str]:
        """Start Snakemake; what it prints goes to the file `output`."""
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), *targets]
        command += ["--profile", "profile", "--workflow-profile", str(ROOT / "profiles/default")]
        # what makes the tests quick
        command += ["--slurm-init-seconds-before-status-checks", "2", "--latency-wait", "20"]
        command += ["--configfile", "config.yaml", *self.options]
        with (self.folder / "output").open("w") as output:
            streams = {"stdin": subprocess.DEVNULL, "stdout": output, "stderr": output}
            # a shell that starts the tests in the background makes them, and their children, ignore Ctrl-C
            streams["preexec_fn"] = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)
            self.started.append(
                subprocess.Popen(command, cwd=self.folder, env=self.environment(), text=True, **streams)
            )
        return self.started[-1]

    def simulate_here(self) -> None:
        """Simulate and aggregate on this machine, without SLURM, MPI and Snakemake."""
        for command in ("simulate", "aggregate"):
            words = [sys.executable, "-m", "vicollapse", command, "--config", "config.yaml"]
            if command == "aggregate":
                words += ["--study", next((self.folder / "results").iterdir()).name]
            subprocess.run(words, cwd=self.folder, env=self.environment(), timeout=120, check=True)

    def end(self) -> None:
        """Kill what a failed test has left."""
        for process in self.started:
            process.kill()
            process.wait()
        if jobs := self.jobs():
            subprocess.run(["scancel", "--full", *jobs], timeout=60)

    def environment(self) -> dict[str, str]:
        """Variables of every process, also in jobs."""
        return {**os.environ, "PYTHONPATH": str(HERE / "startup")}

    def output(self) -> str:
        """What the last run has printed."""
        return (self.folder / "output").read_text()

    def run(self, *arguments: str) -> None:
        """Run Snakemake to its end, which must be a good one."""
        assert self.start(*arguments).wait(200) == 0, self.output()

    def computed(self) -> list[dict]:
        """What is known of every batch that was computed, in the order of time."""
        path = self.folder / "computed"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def repeated(self) -> int:
        """Batches that were computed more than once."""
        counts = Counter(key for line in self.computed() for key in line["blocks"])
        return (sum(counts.values()) - len(counts) + 1) // 2

    def files(self) -> dict[str, Path]:
        """Shards and phase diagrams by their place in the folder."""
        found = (self.folder / "results").rglob("*.h5")
        return {str(path.relative_to(self.folder)): path for path in found if "parts" not in path.parts}

    def jobs(self) -> dict[str, str]:
        """SLURM jobs of this folder that are not over: number -> state."""
        listed = [line.split("|") for line in ask("squeue", "-h", "--format=%i|%T|%Z").splitlines()]
        return {number: state for number, state, folder in listed if folder == str(self.folder)}

    def running_job(self) -> str:
        """The number of the one job, once it has computed some batches of its own."""
        self.wait_until(lambda: "RUNNING" in self.jobs().values())
        (number,) = self.jobs()
        self.wait_until(lambda: sum(line["SLURM_JOB_ID"] == number for line in self.computed()) >= 3)
        return number

    def wait_until(self, condition: Callable[[], object], seconds: float = 90) -> None:
        """Look again and again until something is true, while Snakemake runs."""
        end = time.monotonic() + seconds
        while not condition():
            assert self.started[-1].poll() is None, self.output()
            assert time.monotonic() < end, f"not within {seconds} s; {self.jobs()}\n{self.output()}"
            time.sleep(0.1)


@pytest.fixture
def make_run(cluster, tmp_path: Path):
    """Make runs in folders of this test."""
    runs: list[Run] = []

    def make(name: str = "run", **settings: Any) -> Run:
        runs.append(Run(tmp_path / name, **settings))
        return runs[-1]

    yield make
    for run in runs:
        run.end()


@pytest.fixture
def undisturbed(make_run) -> Run:
    """The study of one shard, simulated on this machine, without a break."""
    run = make_run("undisturbed")
    run.simulate_here()
    return run
