"""Show what the studies of a config will cost: points, shards, trajectories, memory, disk, time.

With --measure the speed of this machine is measured, kept in the results folder, and used from then on; it never
changes the shards. With --profile the cost on a cluster is shown too. Nothing else is written.
"""

import argparse
import math
import sys
import warnings
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from vicollapse.commands import common
from vicollapse.cores import available_threads

if TYPE_CHECKING:
    from vicollapse.sweep.node_hours import NodeHours
    from vicollapse.sweep.plan import Plan
    from vicollapse.sweep.profile import Profile
    from vicollapse.sweep.study import Config, Study


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    common.add_config(parser)
    parser.add_argument("--study", metavar="NAME", action="append", help="this study only (repeatable)")
    parser.add_argument(
        "--threads", type=common.positive, default=available_threads(), metavar="N", help="for the time (%(default)s)"
    )
    parser.add_argument(
        "--measure",
        type=_seconds,
        nargs="?",
        const=5.0,
        metavar="SECONDS",
        help="run some trajectories on one thread, this long for each study (%(const)s), and correct the times",
    )
    parser.add_argument("--profile", type=Path, metavar="FOLDER", help="cost with this profile, such as profiles/slurm")
    parser.add_argument(
        "--cores-per-node", type=common.positive, metavar="N", help="for node-hours (by default those of this machine)"
    )
    common.add_json(parser)


def run(options: argparse.Namespace) -> None:
    """Estimate, print, and complain if there is no room for it."""
    from vicollapse.sweep.node_hours import node_hours, plan_jobs
    from vicollapse.sweep.profile import read_profile
    from vicollapse.sweep.resources import check_resources

    profile = read_profile(options.profile) if options.profile else None
    config = common.load(options)
    studies = common.chosen(config, options.study)
    if options.measure:
        _measure(config, studies, options.measure)
    backend = "gpu" if profile and profile.gpus else "cpu"
    planned = [plan_jobs(config, study, backend) for study in studies]
    plans, jobs = [plan for plan, _ in planned], [job for _, jobs in planned for job in jobs]
    cost = node_hours(jobs, profile, options.cores_per_node) if profile else None
    if options.json:
        rows = [plan.as_dict() for plan in plans]
        common.print_json({"studies": rows, "profile": cost and cost.as_dict()} if profile else rows)
    else:
        _print(plans, options.threads)
        if profile:
            _print_cost(cost, profile, plans, options.cores_per_node)
    here = (
        [replace(plan, memory_bytes=0) for plan in plans] if profile else plans
    )  # the memory is that of other machines
    check_resources(here, config.results)


def _measure(config: "Config", studies: "list[Study]", seconds: float) -> None:
    from vicollapse.sweep.calibration import calibrate

    for study in studies:
        print(f"measuring {study.name} for about {seconds:.3g} s", file=sys.stderr, flush=True)
        calibrate(study, common.folder(config, study), seconds)


def _print(plans: "list[Plan]", threads: int) -> None:
    from vicollapse.sweep.plan import explain_times, table

    common.print_table(*table(plans, threads))
    print("\ntimes", *explain_times(plans), sep="\n  ")


def _print_cost(cost: "NodeHours | None", profile: "Profile", plans: "list[Plan]", cores: int | None) -> None:
    from vicollapse.sweep.node_hours import report

    lines, problems = report(cost, profile, measured=all(plan.speed for plan in plans), given=cores is not None)
    print(f"\n{profile.path}", *lines, sep="\n  ")
    for problem in problems:
        warnings.warn(problem, stacklevel=2)


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < math.inf:
        raise argparse.ArgumentTypeError(f"must be above 0, not {text}")
    return seconds
