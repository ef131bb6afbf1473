# What the rules know of the config. Studies are read by the package itself, so that the workflow and the
# command line agree; the `config` dictionary of Snakemake is not used.
import atexit
import hashlib
import json
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path

import psutil
from snakemake.logging import logger

from vicollapse.errors import VicollapseError
from vicollapse.figures.registry import parse_options
from vicollapse.sweep import ledger, lock, plan, resources, shards, study

# The `vicollapse` that belongs to this Snakemake is found also where its environment is not activated.
os.environ.update(PATH=os.pathsep.join([str(Path(sys.executable).parent), *os.get_exec_path()]))


def stop(message):
    """End the run with one clear line instead of a traceback."""
    sys.exit(f"vicollapse: error: {message}")


def or_stop(call, *arguments, **options):
    """Result of a call; what the package refuses, with its reason, ends the run."""
    try:
        return call(*arguments, **options)
    except VicollapseError as error:
        stop(error)


def config_file():
    """The one file that this run is about: that of --configfile, or the default."""
    if workflow.config_settings.config:
        stop("--config is not supported: copy the config file, change the copy, and name it with --configfile")
    files = workflow.overwrite_configfiles or [DEFAULT_CONFIG]
    if len(files) != 1:
        stop(f"one config file at a time, not {len(files)}: --configfile {' '.join(map(str, files))}")
    return os.path.relpath(files[0])


CONFIG_FILE = config_file()
CONFIG = or_stop(study.load, CONFIG_FILE, check_figure=parse_options)
RESULTS, FIGURES = Path(CONFIG.results), Path(CONFIG.figures_folder)

SHARD = f"{RESULTS}/{{study}}/shards/{{shard}}.h5"
DIAGRAM = f"{RESULTS}/{{study}}/phase_diagram.h5"
FIGURE = f"{FIGURES}/{{figure}}.{{suffix}}"


wildcard_constraints:
    study="[A-Za-z0-9_-]+",
    figure="[A-Za-z0-9_-]+",
    shard="[0-9a-f]+",


def planned(name, register=False):
    """Shards of a study: those on disk that it can use, and new ones for the rest."""
    folder, minutes = RESULTS / name, CONFIG.shard_minutes
    return or_stop(shards.plan_shards, CONFIG.studies[name], folder, minutes=minutes, register=register)


PLANNED = {name: planned(name) for name in CONFIG.studies}
SHARDS = {name: [shard.id for shard in planned_shards] for name, planned_shards in PLANNED.items()}


def digest(thing, without=()):
    """A short text that changes if the thing does, apart from its cosmetic parts."""
    content = {key: value for key, value in asdict(thing).items() if key not in without}
    return hashlib.sha256(json.dumps(content, default=str).encode()).hexdigest()[:16]


def launcher(asked):
    """How a simulation is started: empty for one process with threads, `mpiexec -n 4` with mpi=mpiexec, tasks=4."""
    mpi = asked.get("mpi", "")
    return f"{mpi} -n {asked.get('tasks', 1)}" if mpi else ""


def refuse_second_run():
    """Hold a lock of the operating system while this run lives; unlike Snakemake's own it never outlives a kill."""
    if workflow.is_main_process:
        held = lock.exclusive(Path(".snakemake/run/lock"))
        or_stop(held.__enter__)
        atexit.register(held.__exit__, None, None, None)


def at_work(ids):
    """Processes that simulate these shards in this folder although no run of Snakemake waits for them any more."""
    for process in psutil.process_iter(["cmdline", "cwd"]):
        command = " ".join(process.info["cmdline"] or [])
        if "vicollapse simulate" in command and process.info["cwd"] == os.getcwd():
            yield from (process.pid for shard in ids if shard in command)
    for path in [RESULTS / name / "parts" / shard / "lock" for name in SHARDS for shard in SHARDS[name]]:
        yield from (who.get("pid") for who in [lock.holder(path)] if who)


def wait_for_orphans():
    """Let simulations finish that go on although the run that started them was killed; then their work counts."""
    ids = {shard for name in SHARDS for shard in SHARDS[name]}
    while left := sorted(set(at_work(ids))):
        logger.info(f"waiting for processes {left}, which an earlier run has started and which still simulate")
        time.sleep(1)


def check_resources():
    """Stop before anything is computed if disk or memory cannot hold it."""
    done = {name: ledger.computed(RESULTS / name)[0] for name in PLANNED}
    plans = [plan.estimate_shards(CONFIG.studies[name], PLANNED[name], done[name]) for name in PLANNED]
    or_stop(resources.check_resources, plans, RESULTS)


def register_shards():
    """Write the shards into the ledgers, from which each job takes its own."""
    for name in CONFIG.studies:
        planned(name, register=True)
