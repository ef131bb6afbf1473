"""From the shards of a study to its phase diagram: one file, the same datasets however the work was divided."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vicollapse import experiments
from vicollapse.errors import StorageError
from vicollapse.sweep import storage
from vicollapse.sweep.diagram_file import write_diagram
from vicollapse.sweep.points import points
from vicollapse.sweep.provenance import provenance
from vicollapse.sweep.shard_file import shard_path
from vicollapse.sweep.tally import Tally
from vicollapse.sweep.variables import Source

if TYPE_CHECKING:
    from vicollapse.sweep.shards import Shard
    from vicollapse.sweep.study import Study

FILE_NAME = "phase_diagram.h5"
_LISTED = 8


def aggregate(study: "Study", folder: Path, shards: Sequence["Shard"], *, partial: bool = False) -> Path:
    """Write the phase diagram of a study.

    Parameters
    ----------
    study : which points and replicates are wanted.
    folder : of the study, `results/<study>`.
    shards : those of the study; others, and replicates beyond the wanted ones, do no harm.
    partial : accept that shards are missing; their points have count 0 and probability NaN.

    Returns
    -------
    Path : `folder/phase_diagram.h5`.

    Raises
    ------
    StorageError : shards are missing (lists them) or damaged, or the file cannot be written.
    """
    if not partial:
        _require(study, folder, shards)
    experiment, wanted = experiments.get(study.experiment), points(study)
    tally = Tally(study, experiment, wanted)
    tally.add_all(shards, folder)
    lacking = int((tally.reached < study.replicates).sum())
    if lacking and not partial:
        raise StorageError(
            f"study '{study.name}': {lacking} of {len(wanted)} points lack replicates; "
            f"run `vicollapse simulate --study {study.name}`"
        )
    path = folder / FILE_NAME
    storage.remove_leftovers(path)
    write_diagram(path, Source(study, experiment, wanted, tally), _provenance(study, tally))
    return path


def _require(study: "Study", folder: Path, shards: Sequence["Shard"]) -> None:
    missing = [shard.id for shard in shards if not shard_path(folder, shard.id).exists()]
    if missing:
        shown = ", ".join(missing[:_LISTED]) + (", ..." if len(missing) > _LISTED else "")
        raise StorageError(
            f"study '{study.name}': {len(missing)} of {len(shards)} shards are not simulated yet ({shown}); "
            f"run `vicollapse simulate --study {study.name}`, or aggregate what is there with `--partial`"
        )


def _provenance(study: "Study", tally: Tally) -> dict[str, Any]:
    shards = tally.provenance

    def distinct(name: str) -> str:
        return ", ".join(sorted({str(shard[name]) for shard in shards}))

    own = provenance(
        backend=distinct("backend"),
        threads=max((int(shard["threads"]) for shard in shards), default=0),
        wall_seconds=float(np.sum([shard["wall_seconds"] for shard in shards])),
    )
    simulated = {f"simulated_{name}": distinct(name) for name in ("version", "commit", "dirty", "host", "libraries")}
    config = json.dumps(asdict(study), default=str)
    return own | simulated | {"device": distinct("device"), "shards": len(shards), "seed": study.seed, "study": config}
