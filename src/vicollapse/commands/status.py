"""Show how far every study is: shards done, running, failed, interrupted and left, speed, time left.

Of finished ones also how many of the fates that were checked depend on the tolerance.
"""

import argparse
import sys

from vicollapse.commands import common


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    common.add_config(parser)
    parser.add_argument("--study", metavar="NAME", action="append", help="this study only (repeatable)")
    parser.add_argument("--shards", action="store_true", help="list every shard: state, speed, machine, log, reason")
    common.add_json(parser)


def run(options: argparse.Namespace) -> None:
    """Look, and print a table."""
    from vicollapse.sweep.status import study_status
    from vicollapse.sweep.status_table import accuracy, problems, shard_table, table

    config = common.load(options)
    statuses = [
        study_status(study.name, common.folder(config, study), common.shards(config, study), thorough=options.shards)
        for study in common.chosen(config, options.study)
    ]
    if options.json:
        common.print_json([status.to_dict(shards=options.shards) for status in statuses])
        return
    common.print_table(*(shard_table if options.shards else table)(statuses))
    for status in [] if options.shards else statuses:
        for line in accuracy(status):
            print(line)
        for line in problems(status):
            print(line, file=sys.stderr)
