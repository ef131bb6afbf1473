"""Simulate the shards of one study or of all, or a single shard. What is there already is kept, after any kill too."""

import argparse
from typing import TYPE_CHECKING

from vicollapse.commands import common
from vicollapse.cores import available_threads

if TYPE_CHECKING:
    from vicollapse.sweep.study import Config, Study


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    common.add_config(parser)
    parser.add_argument("--study", metavar="NAME", help="the study; all of them by default")
    parser.add_argument("--shard", metavar="ID", help="one shard of the study; all of them by default")
    parser.add_argument(
        "--threads", type=common.positive, default=available_threads(), metavar="N", help="threads (%(default)s)"
    )
    parser.add_argument("--backend", default="cpu", help="what computes (%(default)s)")


def run(options: argparse.Namespace) -> None:
    """Simulate."""
    from vicollapse.errors import ConfigError

    config = common.load(options)
    if options.shard and not options.study:
        raise ConfigError("--shard needs --study: say which study the shard belongs to")
    studies = common.chosen(config, options.study and [options.study])
    if not options.shard:
        _check_room(config, studies)
    for study in studies:
        _simulate(config, study, options)


def _check_room(config: "Config", studies: "list[Study]") -> None:
    # before anything is spent; a single shard comes from a workflow, which has asked for all of them together
    from vicollapse.sweep.plan import estimate
    from vicollapse.sweep.resources import check_resources

    check_resources([estimate(config, study) for study in studies], config.results)


def _simulate(config: "Config", study: "Study", options: argparse.Namespace) -> None:
    from vicollapse.sweep.progress import progress_bar
    from vicollapse.sweep.runner import simulate
    from vicollapse.sweep.shards import find_shard

    folder, label = common.folder(config, study), study.name
    if options.shard:
        shards = [find_shard(study, folder, options.shard, minutes=config.shard_minutes)]
        label = f"{study.name} {options.shard}"
    else:
        shards = common.shards(config, study, register=True)
    with progress_bar(sum(shard.trajectories for shard in shards), label) as advance:
        for shard in shards:
            simulate(shard, folder, threads=options.threads, backend=options.backend, progress=advance)
