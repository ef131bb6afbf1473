"""The content of a phase-diagram file: its variables over the axes, its table of points, its attributes."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vicollapse.experiments import recheck
from vicollapse.experiments.base import Observable
from vicollapse.intervals import wilson
from vicollapse.sweep.variables import Source, Variable, texts


def attributes(source: Source) -> dict[str, Any]:
    """Attributes of the root: all that a caption needs, and nothing that depends on how the work was done."""
    study, experiment = source.study, source.experiment
    fixed = source.points[0].parameters.model_dump(mode="json")
    for name in study.axes:
        _remove(fixed, name)
    return {
        "title": experiment.title,
        "study": study.name,
        "description": study.description,
        "experiment": study.experiment,
        "experiment_version": experiment.version,
        "seed": study.seed,
        "parameters": json.dumps(fixed),
        "study_config": json.dumps(asdict(study), default=str),
        "collapsed_outcomes": json.dumps([o for o in experiment.outcomes if o in experiment.collapsed]),
        **_recheck(source),
        **({} if source.rectangular else {"coordinates": " ".join(study.axes)}),
    }


def root(source: Source) -> Iterator[Variable]:
    """Variables over the axes of the study."""
    tally, experiment = source.tally, source.experiment
    yield from source.axes()
    yield _outcomes(source)
    yield source.grid("replicates", tally.reached, "trajectories simulated")
    count = tally.totals["count"]
    yield source.grid("count", count, "trajectories with this outcome", ("outcome",))
    yield from _proportion(source, "probability", count, "probability of this outcome", ("outcome",))
    collapsed = count[:, [o in experiment.collapsed for o in experiment.outcomes]].sum(axis=1)
    flags = {flag: tally.totals[f"flag/{flag}"] for flag in experiment.flags}
    for name, total in {"collapsed": collapsed, **flags}.items():
        yield source.grid(f"{name}_count", total, f"trajectories that are {name}")
        yield from _proportion(source, name, total, f"probability of being {name}")
    for name in experiment.counters:
        about = recheck.COUNTERS.get(name, f"{name.replace('_', ' ')}, over all trajectories")
        yield source.grid(name, tally.totals[f"counter/{name}"], about)
    yield from {o.dimension: _numbers(o.dimension, o.size) for o in experiment.observables if o.dimension}.values()
    for observable in experiment.observables:
        yield from _observable(source, observable)
    yield from _trajectories(source)


def table(source: Source) -> Iterator[Variable]:
    """Variables of the group "points": one row per point."""
    tally, experiment = source.tally, source.experiment
    yield from source.columns()
    yield _outcomes(source)
    for name, meaning in (("id", "random identity"), ("key", "complete identity")):
        yield Variable(
            f"point_{name}", ("point",), texts(getattr(p, name) for p in source.points), {"long_name": meaning}
        )
    yield Variable("replicates", ("point",), tally.reached)
    yield Variable("count", ("point", "outcome"), tally.totals["count"])
    for name in experiment.flags:
        yield Variable(f"{name}_count", ("point",), tally.totals[f"flag/{name}"])
    for name in experiment.counters:
        yield Variable(name, ("point",), tally.totals[f"counter/{name}"])
    for o in experiment.observables:
        dims = ("point", o.dimension) if o.dimension else ("point",)
        yield Variable(o.name, dims, _mean(source, o), {"units": o.units, "long_name": o.description})


def _recheck(source: Source) -> dict[str, Any]:
    """Totals of the counters of the recheck, and the interval of the share of fates that depend on the tolerance."""
    if not set(recheck.COUNTERS) <= set(source.experiment.counters):
        return {}
    totals = {name: int(source.tally.totals[f"counter/{name}"].sum()) for name in recheck.COUNTERS}
    interval = wilson(totals["recheck_disagreements"], totals["rechecked"])
    return totals | {"recheck_interval": np.array(interval)}


def _outcomes(source: Source) -> Variable:
    return Variable("outcome", ("outcome",), texts(source.experiment.outcomes), {"long_name": "what became of it"})


def _numbers(name: str, size: int) -> Variable:
    return Variable(name, (name,), np.arange(size), {"units": "1", "long_name": f"number of the {name}"})


def _proportion(
    source: Source, name: str, count: NDArray[np.int64], long_name: str, before: tuple[str, ...] = ()
) -> Iterator[Variable]:
    trials = source.tally.reached.reshape(-1, *(1,) * len(before)) + np.zeros_like(count)
    low, high = wilson(count, trials)
    none = trials == 0
    estimate = np.where(none, np.nan, count / np.maximum(trials, 1))
    yield source.grid(name, estimate, long_name, before)
    for end, bound in (("low", low), ("high", high)):
        text = f"{'lower' if end == 'low' else 'upper'} end of the 95 % Wilson interval"
        yield source.grid(f"{name}_{end}", np.where(none, np.nan, bound), text, before)


def _mean(source: Source, observable: Observable) -> NDArray[np.float64]:
    total, valid = (source.tally.totals[f"{kind}/{observable.name}"] for kind in ("sum", "valid"))
    return np.where(valid == 0, np.nan, total / np.maximum(valid, 1))


def _observable(source: Source, observable: Observable) -> Iterator[Variable]:
    name, extra = observable.name, (observable.dimension,) if observable.dimension else ()
    about = f"mean over the trajectories that did not fail: {observable.description}"
    yield source.grid(name, _mean(source, observable), about, extra, units=observable.units, label=observable.label)
    histogram = source.tally.totals[f"histogram/{name}"]
    yield source.grid(f"{name}_histogram", histogram, f"histogram: {observable.description}", extra, (f"{name}_bin",))
    edges = {"units": observable.units, "long_name": "edges of the histogram bins; values outside are in the last ones"}
    yield Variable(f"{name}_edges", (f"{name}_edge",), np.asarray(observable.edges, float), edges)


def _trajectories(source: Source) -> Iterator[Variable]:
    arrays = source.tally.trajectories
    if arrays:
        times = np.asarray(source.study.save_times, float)
        yield Variable("time", ("time",), times, {"units": "time of the flow", "long_name": "time", "label": "$t$"})
    dims: Mapping[str, tuple[str, ...]] = source.experiment.trace_dimensions()
    for name, array in arrays.items():
        if name == "outcome":
            about = "outcome of each kept trajectory, as index into `outcome`; -1: not simulated yet"
            yield source.grid("trajectory_outcome", array, about, (), ("trajectory",))
        else:
            after = ("trajectory", "time", *dims.get(name, ()))
            yield source.grid(name, array, f"kept trajectories: {name}", (), after)


def _remove(parameters: dict[str, Any], name: str) -> None:
    *parents, last = name.split(".")
    for parent in parents:
        parameters = parameters.get(parent) or {}
    parameters.pop(last, None)
