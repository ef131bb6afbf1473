"""What a study costs on a cluster: jobs, time of each, core-hours, node-hours, time until all are through."""

import heapq
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from vicollapse.sweep.job import Job, simulation
from vicollapse.sweep.plan import Plan, estimate_shards, outlook
from vicollapse.sweep.profile import Profile
from vicollapse.sweep.progress import duration
from vicollapse.sweep.study import Config, Study

START_SECONDS = 10.0
"""Start of a job: two Snakemakes, the ranks, imports."""


@dataclass(frozen=True)
class NodeHours:
    """The jobs that simulate what is left, as one profile runs them.

    Parameters
    ----------
    jobs : one per shard.
    ranks, threads, gpus : of each job.
    median_seconds, longest_seconds : predicted time of a job.
    limit_minutes : time limit of the longest job.
    over_time : jobs that are predicted to take longer than their limit.
    core_hours : of all jobs, with all cores that a job holds.
    cores_per_node, node_hours : the divisor, and core-hours divided by it.
    at_once : jobs at a time.
    wall_seconds : until the last job ends, without time in the queue.
    megabytes, limit_megabytes : memory of the largest job on each of its nodes, and the limit of that job (2^20 bytes).
    over_memory : jobs that are predicted to need more than their limit.
    """

    jobs: int
    ranks: int
    threads: int
    gpus: int
    median_seconds: float
    longest_seconds: float
    limit_minutes: float
    over_time: int
    core_hours: float
    cores_per_node: int
    node_hours: float
    at_once: int
    wall_seconds: float
    megabytes: float
    limit_megabytes: float
    over_memory: int

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for `--json`."""
        return asdict(self)


def plan_jobs(config: Config, study: Study, backend: str = "cpu") -> tuple[Plan, list[Job]]:
    """The plan of a study, and the jobs that are left of it; as `plan.estimate`, which gives the plan alone."""
    shards, done, speed = outlook(config, study)
    jobs = [simulation(shard, speed, backend) for shard in shards if shard.id not in done]
    return estimate_shards(study, shards, done, speed), jobs


def node_hours(jobs: Sequence[Job], profile: Profile, cores_per_node: int | None = None) -> NodeHours | None:
    """The cost of jobs under a profile; None if nothing is left to simulate.

    Parameters
    ----------
    jobs : one per shard, in the order in which they are submitted.
    profile : how they are run.
    cores_per_node : of the cluster; those of this machine if None.
    """
    if not jobs:
        return None
    per_node = -(-profile.ranks // profile.nodes)
    seconds = [START_SECONDS + job.core_seconds / profile.cores for job in jobs]
    minutes = [profile.minutes or job.minutes(ranks=profile.ranks, threads=profile.threads) for job in jobs]
    megabytes = [job.megabytes(ranks_per_node=per_node) for job in jobs]
    cores, at_once = cores_per_node or os.cpu_count() or 1, min(profile.jobs or len(jobs), len(jobs))
    core_hours = sum(seconds) * profile.cores / 3600
    return NodeHours(
        jobs=len(jobs),
        ranks=profile.ranks,
        threads=profile.threads,
        gpus=profile.gpus,
        median_seconds=median(seconds),
        longest_seconds=max(seconds),
        limit_minutes=minutes[seconds.index(max(seconds))],
        over_time=sum(second > 60 * minute for second, minute in zip(seconds, minutes, strict=True)),
        core_hours=core_hours,
        cores_per_node=cores,
        node_hours=core_hours / cores,
        at_once=at_once,
        wall_seconds=_until_done(seconds, at_once),
        megabytes=max(megabytes),
        limit_megabytes=profile.megabytes or max(megabytes),
        over_memory=sum(need > (profile.megabytes or need) for need in megabytes),
    )


def report(cost: NodeHours | None, profile: Profile, measured: bool, given: bool) -> tuple[list[str], list[str]]:
    """What `vicollapse plan --profile` prints.

    Parameters
    ----------
    cost : from `node_hours`.
    profile : how the jobs are run.
    measured : whether their times are.
    given : whether the cores per node are, or only those of this machine.

    Returns
    -------
    lines, warnings : sentences.
    """
    if cost is None:
        return ["nothing is left to simulate"], []
    where = "as --cores-per-node says" if given else "as this machine has; --cores-per-node says otherwise"
    lines = [
        f"{_count(cost.jobs, 'job')}, each {_shape(cost)}, "
        + (f"{cost.at_once} at once" if profile.jobs else "all at once (the profile names no number of jobs)"),
        f"time of a job: {duration(cost.median_seconds)} (median), {duration(cost.longest_seconds)} (longest, limit "
        f"{duration(60 * cost.limit_minutes)}), {'measured on this machine' if measured else 'predicted'}",
        f"cost: {cost.core_hours:.3g} core-hours; {cost.node_hours:.3g} node-hours with {cost.cores_per_node} cores "
        f"per node, {where}",
        f"until all are done: {duration(cost.wall_seconds)} without time in the queue",
        f"memory of a job: {cost.megabytes:,.0f} MB on each node (limit {cost.limit_megabytes:,.0f} MB)",
    ]
    if cost.gpus:
        lines.append("these are the times of CPU cores: how fast the GPUs are has not been measured")
    return lines, _warnings(cost, profile)


def _warnings(cost: NodeHours, profile: Profile) -> list[str]:
    found = []
    if cost.over_time:
        found.append(
            f"{cost.over_time} of {_count(cost.jobs, 'job')} will reach the time limit of {profile.path} and, when "
            "Snakemake retries them, go on where they stopped; raise 'runtime', 'tasks' or threads there, or lower "
            "'shard_minutes'"
        )
    if cost.over_memory:
        found.append(
            f"{cost.over_memory} of {_count(cost.jobs, 'job')} need more memory than {profile.path} asks for; "
            "raise 'mem_mb' there, or leave it out: the workflow asks for what a shard needs"
        )
    if profile.unclear:
        found.append(
            f"{profile.path}: only Snakemake can work out {', '.join(profile.unclear)}; left out of account here"
        )
    return found


def _shape(cost: NodeHours) -> str:
    gpus = f", {_count(cost.gpus, 'GPU')}" if cost.gpus else ""
    return f"{_count(cost.ranks, 'rank')} x {_count(cost.threads, 'thread')}{gpus}"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _until_done(seconds: Sequence[float], at_once: int) -> float:
    # each job starts as soon as one of the places is free
    places = [0.0] * at_once
    for second in seconds:
        heapq.heapreplace(places, places[0] + second)
    return max(places)
