"""`collapse_probability`: how often random starts lose a mode, with intervals."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from vicollapse import experiments
from vicollapse.cores import available_threads
from vicollapse.errors import ConfigError
from vicollapse.experiments.recheck import COUNTERS
from vicollapse.intervals import wilson
from vicollapse.schedules import Annealing
from vicollapse.sweep.parameters import rounded, validate
from vicollapse.sweep.points import blocks


@dataclass(frozen=True)
class CollapseProbability:
    """Estimated probabilities of what becomes of a random start.

    Parameters
    ----------
    probability : outcome (covered, aligned, vanished, failed) -> share of the replicates.
    collapsed : share in which a mode was lost (aligned or vanished).
    redundant : share in which a weight died but no mode was lost.
    interval : the names above, "collapsed" and "redundant" -> (low, high), Wilson, 95%.
    replicates : number of trajectories.
    rechecked, recheck_disagreements : trajectories whose fate was checked at a tighter tolerance (none unless `recheck`
        is given), and those of them whose fate was another one.
    parameters : all parameters, defaults filled in.
    """

    probability: dict[str, float]
    collapsed: float
    redundant: float
    interval: dict[str, tuple[float, float]]
    replicates: int
    rechecked: int
    recheck_disagreements: int
    parameters: dict[str, Any]


def collapse_probability(
    *,
    dimension: int,
    separation: float,
    init_scale: float,
    weights: str,
    t_end: float,
    replicates: int,
    seed: int,
    imbalance: float = 0.0,
    annealing: Mapping[str, Any] | None = None,
    backend: str = "cpu",
    threads: int | None = None,
    **others: Any,
) -> CollapseProbability:
    """Probability that the gradient flow from random starts loses a mode, and by which mechanism.

    The trajectories are those of a study's cell with the same parameters and seed.

    Parameters
    ----------
    dimension, separation, init_scale, weights, t_end, imbalance, annealing, others : see
        `experiments.gradient_flow_model.Parameters`. Only `recheck` has another default, 0: one point is no study, and
        the check needs a kernel of its own.
    replicates : number of random starts.
    seed : of the study.
    backend, threads : as in `two_mode_flow`.

    Raises
    ------
    ConfigError : unknown parameter or value out of range.
    """
    given = {
        "dimension": dimension,
        "separation": separation,
        "init_scale": init_scale,
        "weights": weights,
        "t_end": t_end,
        "imbalance": imbalance,
        "annealing": as_mapping(annealing),
        "recheck": 0.0,
        **others,
    }
    if replicates < 1:
        raise ConfigError(f"replicates must be at least 1, got {replicates}")
    experiment = experiments.get("gradient_flow")
    parameters = validated(experiment.Parameters, given)
    outcomes = experiment.run(
        blocks(experiment, parameters, replicates, seed), threads=threads or available_threads(), backend=backend
    )
    counts = dict(zip(experiment.outcomes, np.bincount(outcomes.outcome, minlength=4).tolist(), strict=True))
    total = {**counts, "collapsed": sum(counts[name] for name in experiment.collapsed)}
    total["redundant"] = int(outcomes.flags["redundant"].sum())
    interval = {name: tuple(float(x) for x in wilson(count, replicates)) for name, count in total.items()}
    share = {name: count / replicates for name, count in total.items()}
    return CollapseProbability(
        probability={name: share[name] for name in experiment.outcomes},
        collapsed=share["collapsed"],
        redundant=share["redundant"],
        interval=interval,  # type: ignore[arg-type]
        replicates=replicates,
        **{name: int(outcomes.counters[name].sum()) for name in COUNTERS},
        parameters=parameters.model_dump(),
    )


def as_mapping(annealing: Any) -> Any:
    """A schedule as plain keys, as in a config; what is none is left for the validation to refuse."""
    if isinstance(annealing, Annealing):
        return annealing.model_dump(exclude_none=True)
    return dict(annealing) if isinstance(annealing, Mapping) else annealing


def validated(model: type[Any], given: dict[str, Any]) -> Any:
    """Parameters of an experiment from keywords, values rounded as in a study.

    Raises
    ------
    ConfigError : unknown parameter or value out of range.
    """
    parameters, problems = validate(model, rounded(given))
    if problems:
        named = [(".".join(map(str, place)), message) for place, message in problems]
        raise ConfigError("; ".join(f"{name}: {message}" if name else message for name, message in named))
    return parameters
