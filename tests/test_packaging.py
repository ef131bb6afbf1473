"""Packaging: hash-pinned locks without an index, conda environments that follow pyproject.toml, one command for CI."""

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
LOCKS = sorted((ROOT / "locks").glob("*.txt"))
CONDA_NAMES = {
    "matplotlib": "matplotlib-base",
    "snakemake": "snakemake-minimal",
    "cupy-cuda13x": "cupy",
    "nvidia-cuda-nvrtc": "cuda-nvrtc",
}
CONDA_ONLY = {"python", "pip", "cuda-version"}
INDEX_HOSTS = re.compile("|".join((r"py" r"pi\.", r"python" r"hosted\.", r"ana" r"conda\.", r"index-url[ =]\S*://")))
SKIPPED = {".git", ".venv", ".snakemake", "results", "figures", "logs", "build", "dist", "node_modules"}


def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def split(requirement: str) -> tuple[str, str]:
    """Name and version range of a requirement, as in `numpy>=2.0`."""
    name, bounds = re.fullmatch(r"([A-Za-z0-9_.-]+)\s*([<>=!~].*)?", requirement).groups()
    return name.lower(), (bounds or "").replace(" ", "")


def pins(lock: Path) -> dict[str, str]:
    """Package -> version; where the lock has one per range of Python versions, the first."""
    found: dict[str, str] = {}
    for name, version in re.findall(r"^([a-z0-9.-]+)==([^ ;\\]+)", lock.read_text(), re.MULTILINE):
        found.setdefault(name, version)
    return found


def conda(name: str) -> dict[str, str]:
    return dict(split(d) for d in yaml.safe_load((ROOT / "envs" / f"{name}.yaml").read_text())["dependencies"])


@pytest.mark.parametrize(("name", "extras"), [("cpu", ["mpi"]), ("gpu", ["gpu", "mpi"])])
def test_conda_environments_follow_pyproject(name: str, extras: list[str]):
    wanted = [*project()["dependencies"], *(d for e in extras for d in project()["optional-dependencies"][e])]
    expected = {CONDA_NAMES.get(n, n): bounds for n, bounds in map(split, wanted)}
    found = conda(name)
    assert found["python"] == project()["requires-python"]
    assert {n: b for n, b in found.items() if n not in CONDA_ONLY} == expected


def test_every_file_of_the_package_is_shipped():
    package = ROOT / "src" / "vicollapse"
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["vicollapse"]
    shipped = {path for pattern in patterns for path in package.glob(pattern)}
    found = {path for path in package.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")}
    assert {path.name for path in shipped} >= {"gpu_driver.cu", "gpu_runtime.cuh", "expansion.json"}
    assert found - {path for path in found if path.name.startswith(".")} <= shipped


@pytest.mark.parametrize("lock", LOCKS, ids=lambda p: p.name)
def test_locks_are_pinned_by_hash_and_name_no_index(lock: Path):
    text = lock.read_text()
    assert "://" not in text
    for entry in re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]:
        assert re.match(r"[a-z0-9.-]+==", entry), f"not pinned: {entry.splitlines()[0]}"
        assert "--hash=sha256:" in entry, f"no hash: {entry.splitlines()[0]}"


def test_locks_hold_every_dependency():
    extras: list[str] = []
    for lock, extra in (("run", "mpi"), ("slurm", "slurm"), ("dev", "dev")):  # each holds those before it
        extras.append(extra)
        wanted = [*project()["dependencies"], *(d for e in extras for d in project()["optional-dependencies"][e])]
        assert {split(d)[0] for d in wanted} <= set(pins(ROOT / "locks" / f"{lock}.txt"))
    assert {"setuptools", "wheel"} <= set(pins(ROOT / "locks" / "build.txt"))
    assert "uv" in pins(ROOT / "locks" / "uv.txt")


def test_checks_run_on_the_versions_that_runs_use():
    locks = [pins(path) for path in LOCKS]
    for name in set().union(*locks):
        assert len({lock[name] for lock in locks if name in lock}) == 1, f"{name} differs between the locks"


def test_no_file_names_a_package_index():
    for folder, subfolders, names in os.walk(ROOT):
        subfolders[:] = [d for d in subfolders if d not in SKIPPED and not d.endswith((".egg-info", "_cache", "__"))]
        for path in (Path(folder) / name for name in names if (Path(folder) / name).stat().st_size < 1_000_000):
            found = INDEX_HOSTS.search(path.read_bytes().decode("utf8", "ignore"))
            assert not found, f"{path.relative_to(ROOT)}: {found[0]}"


def test_continuous_integration_runs_what_the_readme_says():
    lines = [line for line in (ROOT / ".ci" / "run").read_text().splitlines() if line and not line.startswith("#")]
    assert lines[-1] == "exec make test"
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    assert "make test" in (ROOT / "README.md").read_text()
    assert "make run" in (ROOT / "README.md").read_text()


def test_make_test_runs_every_check():
    shown = subprocess.run(["make", "-n", "test"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for check in ('ruff" check', 'ruff" format --check', 'mypy"', 'snakefmt" --check', "-m pytest -n 2"):
        assert check in shown


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """As much of a fresh checkout as set-up needs before it installs anything."""
    for name in ("envs", "locks"):
        shutil.copytree(ROOT / name, tmp_path / name)
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    environment = {k: v for k, v in os.environ.items() if k not in {"PYTHON", "MAKEFLAGS", "MAKELEVEL", "UV"}}
    return subprocess.run(["make", *arguments], cwd=folder, env=environment, capture_output=True, text=True)


def test_an_old_python_is_refused_in_one_line(checkout: Path):
    old = checkout / "old_python"
    old.write_text('#!/bin/sh\ncase "$1" in -V) echo Python 3.9.1;; *) exit 1;; esac\n')
    old.chmod(0o755)
    done = make(checkout, "setup", f"PYTHON={old}")
    assert done.returncode != 0
    assert "Python 3.11 or later is needed" in done.stderr
    assert "is Python 3.9.1" in done.stderr
    assert not (checkout / ".venv").exists()


def test_a_missing_python_is_named(checkout: Path):
    done = make(checkout, "setup", "PYTHON=no_such_python")
    assert done.returncode != 0
    assert "'no_such_python' not found" in done.stderr
