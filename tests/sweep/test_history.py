"""However a study came to be what it is, its phase diagram is the one of a study that was so from the start."""

from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from vicollapse.sweep.aggregate import aggregate
from vicollapse.sweep.runner import simulate
from vicollapse.sweep.shards import plan_shards
from vicollapse.sweep.study import Study

FIRST = Study("s", experiment="fake", axes={"separation": (1.0, 2.0), "dimension": (2, 10)}, replicates=300)
KEEPING = {"keep_trajectories": 3, "save_times": (0.0, 1.0)}
WIDER = {"dimension": (2, 10), "separation": (0.5, 1.0, 2.0)}


def run(study: Study, folder: Path, minutes: float) -> tuple[dict[str, np.ndarray], int]:
    shards = plan_shards(study, folder, minutes=minutes, register=True)
    before = len(list(folder.glob("shards/*.h5")))
    for shard in shards:
        simulate(shard, folder)
    computed = len(list(folder.glob("shards/*.h5"))) - before
    return datasets(aggregate(study, folder, shards)), computed


def datasets(path: Path) -> dict[str, np.ndarray]:
    found = {}
    with h5py.File(path) as file:
        file.visititems(lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
    return {name: data for name, data in found.items() if not name.startswith("provenance")}


@pytest.mark.parametrize(
    "edits",
    [
        [replace(FIRST, replicates=1000)],
        [replace(FIRST, axes=WIDER), replace(FIRST, axes=WIDER, replicates=512)],
        [replace(FIRST, **KEEPING), replace(FIRST, replicates=700, **KEEPING)],
        [replace(FIRST, replicates=1000), replace(FIRST, replicates=1000, **KEEPING), replace(FIRST, replicates=600)],
        [replace(FIRST, axes={"separation": (2.0,), "dimension": (10,)}), replace(FIRST, axes=WIDER, **KEEPING)],
    ],
)
def test_the_phase_diagram_forgets_how_it_was_made(fake, tmp_path, edits):
    run(FIRST, tmp_path / "edited", 0.01)
    for study in edits:
        edited, _ = run(study, tmp_path / "edited", 0.01)
    fresh, _ = run(edits[-1], tmp_path / "fresh", 2.0)
    assert edited.keys() == fresh.keys()
    for name, data in fresh.items():
        np.testing.assert_array_equal(edited[name], data, err_msg=name)
    again, computed = run(edits[-1], tmp_path / "edited", 0.01)
    assert computed == 0
    assert again.keys() == fresh.keys()
