# What the rules know of the config. Studies are read by the package itself, so that the workflow and the
# command line agree; the `config` dictionary of Snakemake is not used.
import gc
import hashlib
import json
import os
import sys
from dataclasses import asdict
from functools import cache
from pathlib import Path

from vicollapse.errors import VicollapseError
from vicollapse.figures.registry import parse_options
from vicollapse.sweep import shards, study

gc.set_threshold(50_000, 20, 50)  # plans are large and stay: looking for dead objects takes half of the time

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


@cache
def planned(name, register=False):
    """Shards of a study by their ids: those on disk that it can use, and new ones for the rest.

    A job of a batch system starts Snakemake again and never asks: planning a large study takes seconds.
    """
    folder, minutes = RESULTS / name, CONFIG.shard_minutes
    found = or_stop(shards.plan_shards, CONFIG.studies[name], folder, minutes=minutes, register=register)
    return {shard.id: shard for shard in found}


def digest(thing, without=()):
    """A short text that changes if the thing does, apart from its cosmetic parts."""
    content = {key: value for key, value in asdict(thing).items() if key not in without}
    return hashlib.sha256(json.dumps(content, default=str).encode()).hexdigest()[:16]
