"""Write the phase diagram of a study, results/STUDY/phase_diagram.h5, from its shards."""

import argparse

from vicollapse.commands import common


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    common.add_config(parser)
    parser.add_argument("--study", metavar="NAME", help="the study; all of them by default")
    parser.add_argument(
        "--partial", action="store_true", help="aggregate what there is; missing points get count 0 and probability NaN"
    )


def run(options: argparse.Namespace) -> None:
    """Aggregate."""
    from vicollapse.sweep.aggregate import aggregate

    config = common.load(options)
    for study in common.chosen(config, options.study and [options.study]):
        folder, shards = common.folder(config, study), common.shards(config, study)
        print(aggregate(study, folder, shards, partial=options.partial))
