"""What a run plans, and how it ends where it cannot run or was killed."""

import fcntl
import math
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from vicollapse.figures.registry import parse_options
from vicollapse.sweep.shards import plan_shards
from vicollapse.sweep.study import load

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["config", "test", "annealing", "annealing_test"])
def test_a_dry_run_plans_all_of_a_config_and_writes_nothing(fresh, name):
    shutil.copy(ROOT / "config" / f"{name}.yaml", fresh.config)
    wanted = yaml.safe_load(fresh.config.read_text())
    jobs = fresh.jobs()
    assert jobs["aggregate"] == len(wanted["studies"])
    assert jobs["figure"] == len(wanted["figures"])
    assert len(wanted["studies"]) <= jobs["simulate"] <= 40
    assert not (fresh.folder / "results").exists()


def test_the_full_resolution_asks_for_a_hundred_million_trajectories():
    config = load(ROOT / "config" / "paper.yaml", check_figure=parse_options)
    sizes = {s.name: s.replicates * math.prod(map(len, s.axes.values())) for s in config.studies.values()}
    assert min(sizes["mean_alignment"], sizes["vanishing_weight"]) >= 1e8


def test_configs_keep_their_results_apart():
    configs = [load(path) for path in (ROOT / "config").glob("*.yaml")]
    assert len({config.results for config in configs}) == len(configs)
    assert len({config.figures_folder for config in configs}) == len(configs)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("replicates: 16", "replicats: 16", "studies.tiny.replicats: unknown key; did you mean 'replicates'?"),
        ("lines: init_scale", "line: init_scale", "did you mean 'lines'?"),
    ],
)
def test_a_wrong_config_is_one_clear_error(fresh, old, new, message):
    fresh.edit(old, new)
    done = fresh.snakemake("--dry-run")
    assert done.returncode != 0
    assert message in done.stderr
    assert "config.yaml:" in done.stderr
    assert "Traceback" not in done.stderr
    assert "File " not in done.stderr


def test_overrides_outside_the_file_are_refused(fresh):
    done = fresh.snakemake("--dry-run", "--config", "results=elsewhere")
    assert done.returncode != 0
    assert "--config is not supported" in done.stderr


def test_a_second_run_in_the_same_folder_is_refused(fresh):
    lock = fresh.folder / ".snakemake" / "run" / "lock"
    lock.parent.mkdir(parents=True)
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        done = fresh.snakemake()
    assert done.returncode != 0
    assert "in use by process" in done.stderr
    assert not list(fresh.folder.rglob("*.h5"))


def test_after_a_kill_the_same_command_goes_on(fresh):
    command = fresh.command()
    process = subprocess.Popen(command, cwd=fresh.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not fresh.shards() and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.05)
    time.sleep(0.5)  # the next simulation is on its way
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = fresh.shards()
    assert before, "killed too early or too late to test anything"
    done = fresh.snakemake()
    assert done.returncode == 0, done.stderr
    assert before.items() <= fresh.shards().items(), "a finished shard was computed again"
    assert fresh.jobs() == {}


def test_a_simulation_that_outlives_its_run_is_waited_for(fresh):
    config = load(fresh.config)
    shards = plan_shards(config.studies["tiny"], fresh.folder / "results/tiny", minutes=config.shard_minutes)
    command = [sys.executable, "-c", "import time; time.sleep(200)", "vicollapse simulate", shards[0].id]
    with subprocess.Popen(command, cwd=fresh.folder) as left_over:
        run = subprocess.Popen(fresh.command(), cwd=fresh.folder, stderr=subprocess.PIPE, text=True)
        seen = next((line for line in run.stderr if "waiting for process" in line), "nobody was waited for")
        assert not fresh.shards()
        left_over.terminate()
        output = run.stderr.read()
    assert str(left_over.pid) in seen
    assert run.wait() == 0, output
    assert len(fresh.shards()) == 2
