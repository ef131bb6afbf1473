"""Jobs, node-hours and waiting times of a study on a cluster, and what `simulate` would do."""

from dataclasses import replace
from pathlib import Path

import pytest

from vicollapse.sweep import node_hours as module
from vicollapse.sweep.dry_run import dry_run, table
from vicollapse.sweep.job import Job
from vicollapse.sweep.ledger import computed
from vicollapse.sweep.node_hours import node_hours, plan_jobs, report
from vicollapse.sweep.plan import estimate
from vicollapse.sweep.profile import Profile
from vicollapse.sweep.runner import simulate
from vicollapse.sweep.shards import plan_shards
from vicollapse.sweep.study import Config, Study

STUDY = Study("s", experiment="fake", axes={"separation": (1.0, 2.0, 3.0, 4.0)}, replicates=512)
PROFILE = Profile(
    Path("profiles/slurm/config.yaml"), jobs=2, ranks=2, threads=4, nodes=1, gpus=0, minutes=60, megabytes=2000
)


@pytest.fixture
def config(fake, tmp_path, monkeypatch):
    """Four shards of one study; jobs that start at once."""
    monkeypatch.setattr(module, "START_SECONDS", 0.0)
    return Config(tmp_path / "config.yaml", {"s": STUDY}, {}, results=tmp_path / "results", shard_minutes=0.0112)


def jobs(*hours):
    """Jobs of so many hours on the 8 cores of the profile."""
    return [Job(core_seconds=8 * 3600 * each, process_bytes=400 * 2**20) for each in hours]


def test_hours_add_up(config):
    cost = node_hours(jobs(0.5, 0.5, 0.75, 0.25), PROFILE, cores_per_node=32)
    assert (cost.jobs, cost.ranks, cost.threads, cost.at_once) == (4, 2, 4, 2)
    assert cost.core_hours == pytest.approx(16)
    assert cost.node_hours == pytest.approx(0.5)
    assert (cost.median_seconds, cost.longest_seconds) == (1800, 2700)
    assert cost.wall_seconds == pytest.approx(3600 + 900)  # 0.5 + 0.75 in one place, 0.5 + 0.25 in the other
    assert (cost.limit_minutes, cost.over_time, cost.over_memory) == (60, 0, 0)


def test_the_machine_s_own_cores_are_only_assumed(config, monkeypatch):
    monkeypatch.setattr(module.os, "cpu_count", lambda: 16)
    cost = node_hours(jobs(1), PROFILE)
    assert (cost.cores_per_node, cost.node_hours) == (16, pytest.approx(0.5))
    lines, _ = report(cost, PROFILE, measured=False, given=False)
    assert any("with 16 cores per node, as this machine has; --cores-per-node says otherwise" in line for line in lines)


def test_jobs_that_do_not_fit_are_told(config):
    cost = node_hours(jobs(0.5, 2), replace(PROFILE, megabytes=1000, unclear=("mem",)))
    assert (cost.over_time, cost.over_memory) == (1, 2)
    lines, warnings = report(cost, PROFILE, measured=True, given=True)
    assert "1 of 2 jobs will reach the time limit" in warnings[0]
    assert "2 of 2 jobs need more memory than profiles/slurm/config.yaml asks for" in warnings[1]
    assert any("2.0 h (longest, limit 60 min), measured on this machine" in line for line in lines)
    assert "only Snakemake can work out mem" in report(cost, replace(PROFILE, unclear=("mem",)), True, True)[1][-1]


def test_without_limits_the_workflow_asks_for_enough(config):
    cost = node_hours(jobs(0.5, 3), replace(PROFILE, minutes=None, megabytes=None, jobs=None))
    assert cost.limit_minutes * 60 > cost.longest_seconds
    assert (cost.over_time, cost.over_memory) == (0, 0)
    assert cost.limit_megabytes == cost.megabytes == 500 + 2 * 400
    assert (cost.at_once, cost.wall_seconds) == (2, 3 * 3600)


def test_ranks_on_several_nodes_share_the_memory(config):
    wide, narrow = (node_hours(jobs(1), replace(PROFILE, nodes=nodes)) for nodes in (2, 1))
    assert narrow.megabytes - wide.megabytes == 400


def test_gpus_are_not_measured_and_said_to_be(config):
    cost = node_hours(jobs(1), replace(PROFILE, gpus=2))
    lines, _ = report(cost, PROFILE, measured=True, given=True)
    assert "2 ranks x 4 threads, 2 GPUs" in lines[0]
    assert "how fast the GPUs are has not been measured" in lines[-1]


def test_jobs_on_gpus_ask_for_the_memory_of_larger_batches(config):
    study = replace(STUDY, replicates=2**21)
    (_, cpu), (_, gpu) = plan_jobs(config, study), plan_jobs(config, study, "gpu")
    assert all(more.process_bytes > less.process_bytes for more, less in zip(gpu, cpu, strict=True))
    assert [job.core_seconds for job in gpu] == [job.core_seconds for job in cpu]


def test_the_jobs_of_a_study_are_what_is_left_of_it(config):
    plan, left = plan_jobs(config, STUDY)
    assert plan == estimate(config, STUDY)
    assert len(left) == plan.shards_total == 4
    assert sum(job.core_seconds for job in left) == pytest.approx(plan.core_seconds)
    shards = plan_shards(STUDY, config.results / "s", minutes=config.shard_minutes, register=True)
    for shard in shards:
        simulate(shard, config.results / "s")
    assert plan_jobs(config, STUDY)[1] == []
    assert node_hours([], PROFILE) is None
    assert report(None, PROFILE, True, True) == (["nothing is left to simulate"], [])


def test_a_dry_run_lists_what_would_run_and_computes_nothing(config):
    folder = config.results / "s"
    pending = dry_run(config, STUDY)
    assert [p.state for p in pending] == ["left"] * 4
    assert not config.results.exists()
    shards = plan_shards(STUDY, folder, minutes=config.shard_minutes, register=True)
    assert [p.shard for p in pending] == [shard.id for shard in shards]
    simulate(shards[1], folder)
    before = computed(folder)
    pending = dry_run(config, STUDY)
    assert computed(folder) == before
    assert [p.state for p in pending] == ["left", "done", "left", "left"]
    assert (pending[1].core_seconds, pending[1].trajectories_left) == (0, 0)
    plan = estimate(config, STUDY)
    assert sum(p.core_seconds for p in pending) == pytest.approx(plan.core_seconds)
    heading, rows = table(pending, cores=2)
    assert heading[-1] == "time on 2 cores (predicted)"
    assert rows[1] == ("s", shards[1].id, "is done", "512", "0", "-")
    assert rows[0][2] == "would run"
    assert rows[-1][:5] == ("all", "3 of 4", "would run", "2,048", "1,536")
