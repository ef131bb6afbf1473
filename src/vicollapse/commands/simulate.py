"""Simulate the shards of one study or of all, or a single shard. What is there already is kept, after any kill too.

Under MPI the ranks share each shard: mpiexec -n 4 python -m mpi4py -m vicollapse simulate --ranks 4 ...
"""

import argparse
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vicollapse.commands import common
from vicollapse.parallel.team import Team, joined
from vicollapse.sweep.watchdog import PATIENCE

if TYPE_CHECKING:
    from vicollapse.sweep.shards import Shard
    from vicollapse.sweep.study import Config, Study


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    common.add_config(parser)
    parser.add_argument("--study", metavar="NAME", help="the study; all of them by default")
    parser.add_argument("--shard", metavar="ID", help="one shard of the study; all of them by default")
    parser.add_argument("--threads", type=common.positive, metavar="N", help="threads per rank (by default its cores)")
    parser.add_argument(
        "--backend",
        default="auto",
        choices=["auto", "cpu", "gpu", "reference"],
        help="what computes: auto takes a GPU if there is one that the experiment can use (%(default)s)",
    )
    common.add_ranks(parser)
    parser.add_argument(
        "--watchdog",
        type=float,
        default=PATIENCE,
        metavar="SECONDS",
        help="end the run if one batch takes longer; 0 for never (%(default)s)",
    )
    parser.add_argument("--dry-run", action="store_true", help="list what would be simulated, and how long that takes")


def run(options: argparse.Namespace) -> None:
    """Simulate, on all ranks that there are; or only say what would be."""
    if options.dry_run:
        _show(options)
        return
    with joined(options.ranks) as team:
        for task in team.on_first(lambda: _tasks(options)):
            _simulate(task, options, team)


def _show(options: argparse.Namespace) -> None:
    from vicollapse.cores import available_threads
    from vicollapse.sweep.dry_run import dry_run, table

    config = common.load(options)
    studies = common.chosen(config, options.study and [options.study])
    pending = [shard for study in studies for shard in dry_run(config, study)]
    cores = (options.ranks or 1) * (options.threads or available_threads())
    common.print_table(*table([shard for shard in pending if options.shard in (None, shard.shard)], cores))


@dataclass(frozen=True)
class _Task:
    folder: Path
    label: str
    shards: "list[Shard]"


def _tasks(options: argparse.Namespace) -> list[_Task]:
    from vicollapse.errors import ConfigError

    config = common.load(options)
    if options.shard and not options.study:
        raise ConfigError("--shard needs --study: say which study the shard belongs to")
    studies = common.chosen(config, options.study and [options.study])
    if not options.shard:
        _check_room(config, studies)
    return [_task(config, study, options.shard) for study in studies]


def _check_room(config: "Config", studies: "list[Study]") -> None:
    # before anything is spent; a single shard comes from a workflow, which has asked for all of them together
    from vicollapse.sweep.plan import estimate
    from vicollapse.sweep.resources import check_resources

    check_resources([estimate(config, study) for study in studies], config.results)


def _task(config: "Config", study: "Study", shard: str | None) -> _Task:
    from vicollapse.sweep.shards import find_shard

    folder = common.folder(config, study)
    if shard:
        found = find_shard(study, folder, shard, minutes=config.shard_minutes)
        return _Task(folder, f"{study.name} {shard}", [found])
    return _Task(folder, study.name, common.shards(config, study, register=True))


def _simulate(task: _Task, options: argparse.Namespace, team: Team) -> None:
    from vicollapse import experiments
    from vicollapse.parallel.binding import fair_threads
    from vicollapse.parallel.devices import activate, agreed, choose, memory_limit
    from vicollapse.sweep.progress import progress_bar
    from vicollapse.sweep.runner import simulate

    backends = experiments.get(task.shards[0].experiment).backends
    own = choose(options.backend, backends, local_rank=team.local_rank, local_size=team.local_size)
    device = agreed(own, team)
    activate(device)
    threads = options.threads or fair_threads(team)
    total = sum(shard.trajectories for shard in task.shards)
    with progress_bar(total, task.label) if team.is_first else nullcontext(lambda count: None) as advance:
        for shard in task.shards:
            simulate(
                shard,
                task.folder,
                team=team,
                threads=threads,
                backend=device.backend,
                memory=memory_limit(device),
                progress=advance,
                patience=options.watchdog,
            )
