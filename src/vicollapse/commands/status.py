"""Show how far every study is: shards done, running, failed and left, speed, time left."""

import argparse
import sys

from vicollapse.commands import common


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    common.add_config(parser)
    parser.add_argument("--study", metavar="NAME", action="append", help="this study only (repeatable)")
    common.add_json(parser)


def run(options: argparse.Namespace) -> None:
    """Look, and print a table."""
    from vicollapse.sweep.status import study_status, table

    config = common.load(options)
    statuses = [
        study_status(study.name, common.folder(config, study), common.shards(config, study))
        for study in common.chosen(config, options.study)
    ]
    if options.json:
        common.print_json([status.to_dict() for status in statuses])
        return
    common.print_table(*table(statuses))
    for status in statuses:
        for shard, reason in status.errors.items():
            print(f"{status.study} {shard} failed: {reason}", file=sys.stderr)
