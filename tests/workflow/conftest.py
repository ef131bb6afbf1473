"""A tiny study in a folder of its own, and Snakemake on it."""

import fcntl
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONFIG = """\
shard_minutes: 1.0e-6   # one shard per point
studies:
  tiny:
    description: a first description
    experiment: gradient_flow
    weights: fixed
    axes:
      separation: [2, 4]
      init_scale: [1]
    dimension: 2
    t_end: 10
    replicates: 16
    seed: 1
figures:
  tiny_curve:
    kind: collapse_curve
    studies: [tiny]
    lines: init_scale
"""


@dataclass
class Run:
    """A folder with a config, in which Snakemake runs the workflow of this repository."""

    folder: Path

    @property
    def config(self) -> Path:
        return self.folder / "config.yaml"

    def command(self, *arguments: str) -> list[str]:
        command = [
            sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--directory", str(self.folder),
            "--workflow-profile", str(ROOT / "profiles" / "default"), "--cores", "1",
        ]  # fmt: skip
        return [*command, "--configfile", str(self.config), *arguments]

    def snakemake(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = self.command(*arguments)
        return subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=300)

    def jobs(self) -> dict[str, int]:
        """Rule -> how many jobs a run would start now."""
        done = self.snakemake("--dry-run")
        assert done.returncode == 0, done.stderr
        counts = re.findall(r"^(simulate|aggregate|figure) +(\d+)$", done.stdout + done.stderr, re.MULTILINE)
        return {rule: int(n) for rule, n in counts}

    def edit(self, old: str, new: str) -> None:
        text = self.config.read_text()
        assert old in text
        self.config.write_text(text.replace(old, new))

    def shards(self) -> dict[str, int]:
        """Name -> inode of every shard file: a new one if it was computed again."""
        return {path.name: path.stat().st_ino for path in self.folder.glob("results/tiny/shards/*.h5")}


@pytest.fixture
def fresh(tmp_path: Path) -> Run:
    """Nothing computed yet."""
    (tmp_path / "config.yaml").write_text(CONFIG)
    return Run(tmp_path)


@pytest.fixture(scope="session")
def first_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder where all of the tiny study is computed and drawn, once for all processes of the test suite."""
    base = tmp_path_factory.getbasetemp()
    base = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder, ready = base / "first_run", base / "first_run.ready"
    with (base / "first_run.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not ready.exists():
            folder.mkdir(exist_ok=True)
            (folder / "config.yaml").write_text(CONFIG)
            done = Run(folder).snakemake()
            assert done.returncode == 0, done.stderr
            ready.touch()
    return folder


@pytest.fixture
def finished(first_run: Path, tmp_path: Path) -> Run:
    """A finished run, in a copy of its own."""
    return Run(Path(shutil.copytree(first_run, tmp_path / "run")))
