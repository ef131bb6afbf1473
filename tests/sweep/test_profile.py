"""What profiles of Snakemake say about the jobs that simulate."""

from pathlib import Path

import pytest

from vicollapse.errors import ConfigError
from vicollapse.sweep import profile
from vicollapse.sweep.profile import read_profile

MAPPING = """
executor: slurm
jobs: 50
default-resources: {slurm_partition: cpu, runtime: 30, mem_mb: 1000}
set-threads: {simulate: 8}
set-resources:
  simulate: {mpi: mpiexec, tasks: 4, nodes: 2, runtime: 2h}
  aggregate: {mem_mb: 9}
"""
LIST = """
jobs: "50"
default-resources: [slurm_partition=cpu, runtime=30, mem_mb=1000]
set-threads: [simulate=8, aggregate=1]
set-resources:
  - simulate:mpi=mpiexec
  - simulate:tasks=4
  - simulate:nodes=2
  - simulate:runtime=2h
  - aggregate:mem_mb=9
"""


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write profiles/NAME/config.yaml in an empty working folder."""
    monkeypatch.chdir(tmp_path)

    def write_profile(text, name="slurm"):
        file = Path("profiles", name, "config.yaml")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    return write_profile


@pytest.mark.parametrize("text", [MAPPING, LIST], ids=["mapping", "list"])
def test_both_ways_to_write_a_profile(write, text):
    file = write(text)
    found = read_profile(file)
    assert (found.jobs, found.ranks, found.threads, found.nodes, found.cores) == (50, 4, 2, 2, 8)
    assert (found.minutes, found.megabytes, found.gpus, found.unclear) == (120, 1000, 0, ())


@pytest.mark.parametrize("path", ["slurm", "profiles/slurm", "profiles/slurm/", "profiles/slurm/config.yaml"])
def test_a_profile_is_found_by_folder_file_or_name(write, path):
    file = write(MAPPING)
    assert read_profile(Path(path)).path == file


def test_what_a_profile_leaves_open_the_workflow_decides(write):
    found = read_profile(write("executor: slurm\n"))
    assert (found.jobs, found.ranks, found.threads, found.nodes) == (None, 1, 1, 1)
    assert (found.minutes, found.megabytes) == (None, None)


@pytest.mark.parametrize(("text", "jobs"), [("cores: 40", 5), ("{cores: 40, jobs: 3}", 3), ("{cores: 4, jobs: 9}", 9)])
def test_cores_limit_the_jobs_at_once(write, text, jobs):
    found = read_profile(write("set-threads: {simulate: 8}\n" + text.strip("{}").replace(", ", "\n")))
    assert found.jobs == jobs


def test_tasks_without_mpi_are_one_process(write):
    found = read_profile(write("set-threads: {simulate: 8}\nset-resources: {simulate: {tasks: 4}}"))
    assert (found.ranks, found.threads) == (1, 8)


def test_cores_per_rank_may_be_given_outright(write):
    found = read_profile(write("set-resources: {simulate: {mpi: srun, tasks: 4, cpus_per_task: 3}}"))
    assert (found.ranks, found.threads) == (4, 3)


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("45", 45),
        ("'45'", 45),
        ("90m", 90),
        ("1.5h", 90),
        ("2 hours", 120),
        ("1d", 1440),
        ("120s", 2),
        ("'2h'", 120),
        ("60 * attempt", 60),
        ("attempt*60", 60),
    ],
)
def test_times(write, text, minutes):
    assert read_profile(write(f"default-resources: {{runtime: {text}}}")).minutes == minutes


@pytest.mark.parametrize(("text", "megabytes"), [("mem_mb: 800", 800), ("mem: 2GB", 2000), ("mem: 500 MB", 500)])
def test_memory(write, text, megabytes):
    assert read_profile(write(f"default-resources: {{{text}}}")).megabytes == megabytes


@pytest.mark.parametrize(
    ("text", "gpus"),
    [
        ("gpu: 1", 1),
        ("gpus_per_task: 1", 4),
        ("gres: gpu:2", 2),
        ("gres: 'gpu:a100:3'", 3),
        ("slurm_extra: --gpus=2", 2),
        ("slurm_extra: '--exclusive --gpus-per-node=h100:4'", 4),
        ("slurm_extra: --exclusive", 0),
    ],
)
def test_gpus(write, text, gpus):
    assert read_profile(write(f"set-resources: {{simulate: {{mpi: mpiexec, tasks: 4, {text}}}}}")).gpus == gpus


def test_expressions_are_left_to_snakemake_and_named(write):
    found = read_profile(
        write("set-resources: {simulate: {runtime: 30 + input.size, mem_mb: 'min(9, 1000 * attempt)'}}")
    )
    assert (found.minutes, found.megabytes) == (None, None)
    assert found.unclear == ("mem_mb", "runtime")


def test_what_is_no_profile(write):
    write("jobs: 1", "default")
    write("jobs: 1", "slurm")
    hint = "profiles here: profiles/default, profiles/slurm"
    for name, why in (
        ("slrum", "no profile 'slrum' (a folder with config.yaml, or a file); "),
        ("profiles", "no profile"),
    ):
        with pytest.raises(ConfigError) as caught:
            read_profile(Path(name))
        assert why in str(caught.value)
        assert hint in str(caught.value)
    for text, why in (
        ("- a\n- b", "is a mapping of options"),
        ("a: [", "cannot be read as YAML"),
        ("", "is a mapping"),
    ):
        with pytest.raises(ConfigError, match=why) as caught:
            read_profile(write(text, "bad"))
        assert "profiles here: profiles/bad, profiles/default" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_the_profiles_of_the_project_can_be_read():
    root = Path(__file__).parents[2] / profile.PROFILES
    for file in root.rglob("config.yaml"):
        found = read_profile(file)
        assert found.cores >= 1
        assert found.unclear == ()
