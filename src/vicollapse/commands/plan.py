"""Show what the studies of a config will cost: points, shards, trajectories, memory, disk, time. Nothing is written."""

import argparse

from vicollapse.commands import common
from vicollapse.cores import available_threads


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    common.add_config(parser)
    parser.add_argument("--study", metavar="NAME", action="append", help="this study only (repeatable)")
    parser.add_argument(
        "--threads", type=common.positive, default=available_threads(), metavar="N", help="for the time (%(default)s)"
    )
    common.add_json(parser)


def run(options: argparse.Namespace) -> None:
    """Estimate, print, and complain if there is no room for it."""
    from vicollapse.sweep.plan import estimate, table
    from vicollapse.sweep.resources import check_resources

    config = common.load(options)
    plans = [estimate(config, study) for study in common.chosen(config, options.study)]
    if options.json:
        common.print_json([plan.as_dict() for plan in plans])
    else:
        common.print_table(*table(plans, options.threads))
    check_resources(plans, config.results)
