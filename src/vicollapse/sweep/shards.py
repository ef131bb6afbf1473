"""Shards: content-addressed jobs of points x replicates; plans keep what earlier plans have computed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from vicollapse import experiments
from vicollapse.errors import ConfigError
from vicollapse.experiments.base import Block
from vicollapse.sweep.coverage import Coverage
from vicollapse.sweep.ledger import Entry, computed, read_ledger, shard_id, write_ledger
from vicollapse.sweep.parameters import get_value
from vicollapse.sweep.partition import Piece, partition
from vicollapse.sweep.points import Point, make_point, point_blocks, points
from vicollapse.sweep.study import Study


@dataclass(frozen=True)
class Shard:
    """One job and one file: every point times the replicates [first, stop).

    Parameters
    ----------
    id : 16 hex digits of the content.
    experiment, seed : of the study.
    points : the points, in the order of the file's rows.
    first, stop : replicates; `first` is a multiple of 256.
    keep_trajectories, save_times : whole trajectories kept per point (none unless `first` is 0), and when.
    """

    id: str
    experiment: str
    seed: int
    points: tuple[Point, ...]
    first: int
    stop: int
    keep_trajectories: int = 0
    save_times: tuple[float, ...] = ()

    @property
    def trajectories(self) -> int:
        """Points times replicates."""
        return len(self.points) * (self.stop - self.first)

    def blocks(self) -> list[Block]:
        """Random streams of all replicates, point after point."""
        return [b for p in self.points for b in point_blocks(p.id, p.parameters, self.first, self.stop, self.seed)]


def plan_shards(study: Study, folder: Path, *, minutes: float, register: bool = False) -> list[Shard]:
    """The shards that together hold every point and replicate of a study.

    Shards with data are used as far as they go; what they do not cover is cut into new ones. For every point of the
    study the replicates [first, stop) of the shards in the list join without overlap, the short last block of a shard
    that ends elsewhere than the study left out; only a shard of one block, listed for its kept trajectories, may repeat
    what another one counts.

    Parameters
    ----------
    study : the study.
    folder : of the study, `results/<study>`; need not exist.
    minutes : core-minutes of a new shard, about.
    register : write the ledger, so that `find_shard` and later plans know the shards.

    Returns
    -------
    list of Shard : the same for the same study and ledger, also when shards found by `find_shard` are done meanwhile.

    Raises
    ------
    ConfigError : a combination of axis values that is not allowed.
    StorageError : the ledger is unreadable, or cannot be written.
    """
    wanted = points(study)
    coverage = Coverage(study, wanted)
    ledger, (_, begun) = read_ledger(folder), computed(folder)
    taken = _take(study, wanted, coverage, ledger, begun, minutes)
    new = _new_entries(study, wanted, coverage.rest(), minutes)
    if register:
        write_ledger(folder, _merge([e for e in ledger if e.id in taken or e.id in begun], new))
    known = {point.key: point for point in wanted}
    fresh = [_shard(entry, [known[key] for key in entry.points]) for entry in new]
    return [taken[entry.id] for entry in ledger if entry.id in taken] + fresh


def find_shard(study: Study, folder: Path, identity: str, *, minutes: float = 5.0) -> Shard:
    """The shard of that id, from the ledger, or else from a plan, which is then registered: a shard is about to run.

    Parameters
    ----------
    study, folder, minutes : as of `plan_shards`.
    identity : id of the shard.

    Raises
    ------
    ConfigError : the study has no such shard.
    StorageError : the ledger is unreadable, or cannot be written.
    """
    begun = computed(folder)[1]
    for entry in read_ledger(folder):
        current = entry.minutes == minutes or entry.id in begun
        if entry.id == identity and current and (shard := _from_entry(study, entry, {})):
            return shard
    for shard in plan_shards(study, folder, minutes=minutes, register=True):
        if shard.id == identity:
            return shard
    raise ConfigError(
        f"study '{study.name}' has no shard '{identity}': the study or the version has changed since it was planned; "
        "plan again, or leave --shard out to simulate all that is left"
    )


def _take(
    study: Study, wanted: Sequence[Point], coverage: Coverage, ledger: list[Entry], begun: set[str], minutes: float
) -> dict[str, Shard]:
    known = {point.key: point for point in wanted}
    taken: dict[str, Shard] = {}

    def offer(entries: list[Entry], accepts: Callable[[Entry], bool]) -> None:
        for entry in entries:
            shard = _from_entry(study, entry, known) if not known.keys().isdisjoint(entry.points) else None
            if shard and entry.seed == study.seed and accepts(entry):
                taken[entry.id] = shard

    offer([e for e in ledger if e.id in begun], lambda e: coverage.take(e, entirely=False))
    idle = [e for e in ledger if e.id not in begun and e.minutes == minutes]
    offer(idle, lambda e: coverage.take(e, entirely=True))
    return taken


def _from_entry(study: Study, entry: Entry, known: dict[str, Point]) -> Shard | None:
    # None if the points cannot be made any more: the experiment's version or parameters have changed
    experiment = experiments.get(entry.experiment)
    made = []
    for key, values in zip(entry.points, entry.coordinates, strict=True):
        point = known.get(key)
        if point is None:
            try:
                point = make_point(experiment, study.name, entry.fixed, entry.axes, values)
            except ConfigError:
                return None
            coordinates = tuple(get_value(point.parameters, name) for name in study.axes)
            point = replace(point, coordinates=coordinates)
        if point.key != key:
            return None
        made.append(point)
    return _shard(entry, made)


def _shard(entry: Entry, made: Sequence[Point]) -> Shard:
    return Shard(
        entry.id,
        entry.experiment,
        entry.seed,
        tuple(made),
        entry.first,
        entry.stop,
        entry.keep_trajectories,
        entry.save_times,
    )


def _new_entries(study: Study, wanted: Sequence[Point], rest: list[Piece], minutes: float) -> list[Entry]:
    if not rest:
        return []
    experiment = experiments.get(study.experiment)
    varying = [name for name in experiment.static if name in study.axes]
    seconds = [float(experiment.seconds(point.parameters)) for point in wanted]
    groups = [tuple(get_value(point.parameters, name) for name in varying) for point in wanted]
    return [_new_entry(study, wanted, piece, minutes) for piece in partition(rest, seconds, groups, 60 * minutes)]


def _new_entry(study: Study, wanted: Sequence[Point], piece: Piece, minutes: float) -> Entry:
    members = [wanted[row] for row in piece.rows]
    keys = tuple(point.key for point in members)
    version = experiments.get(study.experiment).version
    keep, times = (study.keep_trajectories, study.save_times) if piece.first == 0 else (0, ())
    times = times if keep else ()
    identity = shard_id(study.experiment, version, study.seed, keys, piece.first, piece.stop, keep, times)
    return Entry(
        id=identity,
        experiment=study.experiment,
        version=version,
        seed=study.seed,
        points=keys,
        first=piece.first,
        stop=piece.stop,
        keep_trajectories=keep,
        save_times=times,
        fixed=study.parameters,
        axes=tuple(study.axes),
        coordinates=tuple(point.coordinates for point in members),
        minutes=minutes,
    )


def _merge(old: list[Entry], new: list[Entry]) -> list[Entry]:
    return list({entry.id: entry for entry in [*old, *new]}.values())
