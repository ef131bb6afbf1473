"""How fast this machine really is: a few blocks of a study, run and timed, correct what its plan predicts."""

import itertools
import json
import math
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from vicollapse import experiments
from vicollapse.experiments.base import BLOCK, Block, Experiment
from vicollapse.sweep.parameters import get_value
from vicollapse.sweep.points import Point, block_key, points
from vicollapse.sweep.provenance import cpu_name
from vicollapse.sweep.storage import replacing
from vicollapse.sweep.study import Study

FORMAT_VERSION = 1
CALL_BLOCKS = 16
"""Blocks per timed call, from as many points: enough that what a call costs by itself does not count."""
_GOLDEN = (math.sqrt(5) - 1) / 2


@dataclass(frozen=True)
class Measured:
    """The speed of what is compiled together.

    Parameters
    ----------
    static : static parameters -> their values.
    seconds, spread : core-seconds of one trajectory, and their standard deviation between the calls (None if one).
    factor : measured over predicted.
    trajectories : how many were timed.
    """

    static: dict[str, Any]
    seconds: float
    spread: float | None
    factor: float
    trajectories: int


@dataclass(frozen=True)
class Speed:
    """What was measured of a study on one kind of machine.

    Parameters
    ----------
    machine, experiment, version : the processor, and what ran on it.
    date : when, in UTC.
    measured : one entry for each combination of the static parameters.
    """

    machine: str
    experiment: str
    version: int
    date: str
    measured: tuple[Measured, ...]

    def factor(self, parameters: Any) -> float:
        """By what to multiply the predicted time of a point; the mean of all where its like was not measured."""
        for entry in self.measured:
            if entry.static == _static(entry.static, parameters):
                return entry.factor
        return fmean(entry.factor for entry in self.measured)


def calibrate(study: Study, folder: Path, seconds: float) -> Speed:
    """Measure the speed of a study on this machine, and keep it in the folder of the study for later plans.

    Parameters
    ----------
    study, folder : the study, and `results/<study>`.
    seconds : to spend, about.

    Raises
    ------
    ConfigError : a combination of axis values that is not allowed.
    StorageError : the folder cannot be written.
    """
    speed = measure(points(study), experiments.get(study.experiment), study.seed, seconds)
    store(folder, speed)
    return speed


def measure(of: Sequence[Point], experiment: Experiment, seed: int, seconds: float) -> Speed:
    """Time some trajectories of a study, its own first ones, on one thread; compilation does not count.

    Parameters
    ----------
    of : points of the study.
    experiment, seed : of the study.
    seconds : to spend, about, in addition to one first call for each combination of the static parameters.

    Returns
    -------
    Speed : nothing is stored.
    """
    groups: dict[str, list[Point]] = {}
    for point in of:
        groups.setdefault(json.dumps(_static(experiment.static, point.parameters), default=str), []).append(point)
    each = seconds / max(1, len(groups))
    measured = tuple(_measure(members, experiment, seed, each) for members in groups.values())
    date = datetime.now(UTC).isoformat(timespec="seconds")
    return Speed(cpu_name(), experiment.name, experiment.version, date, measured)


def speed_path(folder: Path) -> Path:
    """Where the measured speeds of a study are, in its folder."""
    return folder / "speed.json"


def store(folder: Path, speed: Speed) -> None:
    """Keep a measurement in the folder of the study; an earlier one of the same machine and experiment gives way.

    Raises
    ------
    StorageError : the folder cannot be written.
    """
    others = [old for old in _read(folder) if (old.machine, old.experiment) != (speed.machine, speed.experiment)]
    data = {"format_version": FORMAT_VERSION, "speeds": [asdict(entry) for entry in [*others, speed]]}
    with replacing(speed_path(folder)) as file:
        file.write((json.dumps(data, indent=1) + "\n").encode())


def stored(folder: Path, experiment: str) -> Speed | None:
    """What was measured on a machine like this with this version of the experiment; None if nothing was."""
    wanted = (cpu_name(), experiment, experiments.get(experiment).version)
    return next((found for found in _read(folder) if (found.machine, found.experiment, found.version) == wanted), None)


def _measure(of: Sequence[Point], experiment: Experiment, seed: int, seconds: float) -> Measured:
    sample = _sample(len(of))
    experiment.run([_block(of[0], seed, 1)])  # compiles
    timed: list[tuple[float, float, int]] = []
    end = time.perf_counter() + seconds
    while not timed or time.perf_counter() < end:
        timed.append(_time(_call(of, sample, experiment, seed, seconds / 4), experiment))
    costs = [took / trajectories for took, _, trajectories in timed]
    took, predicted, trajectories = (sum(numbers) for numbers in zip(*timed, strict=True))
    spread = stdev(costs) if len(costs) > 1 else None
    static = _static(experiment.static, of[0].parameters)
    return Measured(static, took / trajectories, spread, took / predicted, int(trajectories))


def _sample(points: int) -> Iterator[tuple[int, int]]:
    # a point and a block of it, for ever: every stretch of it evenly over the grid, nothing twice on purpose
    return ((int(points * ((0.5 + number * _GOLDEN) % 1)), number // points) for number in itertools.count())


def _call(
    of: Sequence[Point], sample: Iterator[tuple[int, int]], experiment: Experiment, seed: int, seconds: float
) -> list[Block]:
    # whole blocks of several points; a slow experiment gets fewer points, and in the end shorter blocks
    chosen = [(of[row], block) for row, block in itertools.islice(sample, CALL_BLOCKS)]
    room = seconds / max(1e-12, fmean(experiment.seconds(point.parameters) for point, _ in chosen))
    size = int(min(BLOCK, max(1, room)))
    return [_block(point, seed, size, block) for point, block in chosen[: max(1, int(room / size))]]


def _time(blocks: Sequence[Block], experiment: Experiment) -> tuple[float, float, int]:
    # seconds that it took, that were predicted, and trajectories
    start = time.perf_counter()
    experiment.run(blocks)
    took = time.perf_counter() - start
    predicted = sum(experiment.seconds(block.parameters) * block.size for block in blocks)
    return took, predicted, sum(block.size for block in blocks)


def _block(point: Point, seed: int, size: int, number: int = 0) -> Block:
    return Block(point.parameters, block_key(seed, point.id, number), size)


def _static(names: Iterable[str], parameters: Any) -> dict[str, Any]:
    return {name: get_value(parameters, name) for name in names}


def _read(folder: Path) -> list[Speed]:
    # a file that is missing, damaged or newer only means that nothing is known
    try:
        data = json.loads(speed_path(folder).read_bytes())
        if data["format_version"] != FORMAT_VERSION:
            return []
        return [Speed(**{**raw, "measured": tuple(Measured(**m) for m in raw["measured"])}) for raw in data["speeds"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []
