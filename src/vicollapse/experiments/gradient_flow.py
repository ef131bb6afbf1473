"""The main experiment: the gradient flow of two components towards two modes."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vicollapse.experiments import base
from vicollapse.experiments.flow_ensemble import beta_along, ensemble_of, ensemble_of_blocks, mode_mass
from vicollapse.experiments.gradient_flow_model import AXES, FATES_RTOL, OBSERVABLES
from vicollapse.experiments.gradient_flow_model import Parameters as FlowParameters
from vicollapse.experiments.recheck import COUNTERS, recheck, tighter
from vicollapse.mixture import fates
from vicollapse.mixture.coordinates import coordinates_from_state
from vicollapse.schedules import annealing

_COSTS = (0.11, 0.15, 0.21, 0.39, 0.61, 1, 2.2, 3.2, 8, 11, 18, 32)  # at rtol 1e-1, ..., 1e-12, times that of 1e-6
_ANNEALED = {"constant": 1.0, "adaptive": 1.25}  # times the plain flow; other schedules are between
_MORE_STEPS = 10  # that a trajectory may take where it is checked, so that the limit is not what makes the difference


class GradientFlow(base.Experiment):
    """Deterministic flow of the means and weights from random starts (`mixture.equations`)."""

    name = "gradient_flow"
    title = "Gradient flow of the reverse KL, two components, two modes"
    version = 6
    Parameters = FlowParameters
    outcomes = fates.OUTCOMES
    collapsed = frozenset({"aligned", "vanished"})
    flags = ("redundant",)
    counters = ("steps_accepted", "steps_rejected", *COUNTERS)
    observables = OBSERVABLES
    static = ("weights", "initial_law", "rtol", "fates_only", "max_steps", "recheck", "annealing.schedule")
    observation = ("t_end", "rtol", "fates_only", "mass_threshold", "weight_threshold", "max_steps", "recheck")
    backends = ("cpu", "gpu", "reference")

    def seconds(self, parameters: FlowParameters) -> float:
        """Predicted core-seconds of one trajectory to t = 10^4, as measured (`vicollapse plan --measure`)."""
        rtol = _rtol(parameters)
        finer = tighter(rtol)
        check = parameters.recheck * _seconds(parameters.weights, finer) if finer else 0.0
        more = _ANNEALED.get(annealing(parameters.annealing).schedule, 1.12)
        return more * (_seconds(parameters.weights, rtol) + check)

    def start_up_seconds(self, parameters: FlowParameters) -> float:
        """Imports and loading of a compiled kernel; the very first run of a machine adds a minute."""
        return 1.5

    def bytes_per_trajectory(self, parameters: FlowParameters) -> float:
        """States, parameters, observables and counters of one trajectory, with temporaries."""
        return 1000.0

    def axis_metadata(self, name: str) -> tuple[str, str, str]:
        """Units, description and mathtext label of a parameter."""
        return AXES.get(name, ("1", name.replace("_", " "), name.replace("_", " ")))

    def run(self, blocks: Sequence[base.Block], *, threads: int = 1, backend: str = "cpu") -> base.Outcomes:
        """Integrate every replicate of `blocks`, from the law of its point, and classify what became of it."""
        first, how = blocks[0].parameters, {"threads": threads, "backend": backend}
        ensemble = ensemble_of_blocks(blocks)
        solution = ensemble.solve(_rtol(first), first.max_steps, **how)
        fate = ensemble.fates(solution)

        def again(rows, rtol):
            some = ensemble.take(rows)
            return some.fates(some.solve(rtol, min(_MORE_STEPS * first.max_steps, 2**31 - 1), **how)).outcome

        checked = recheck(blocks, fate.outcome, again, share=first.recheck, rtol=_rtol(first), failed=fates.FAILED)
        return base.Outcomes(
            outcome=fate.outcome,
            flags={"redundant": fate.redundant},
            observables={
                "mode_mass": mode_mass(solution),
                "lowest_mode_mass": fate.mass_ratio,
                "lowest_weight": fate.weight_ratio,
                "kl": solution.observables["kl"],
            },
            counters={"steps_accepted": solution.accepted, "steps_rejected": solution.rejected} | checked,
        )

    def trace(self, blocks: Sequence[base.Block], times, *, threads: int = 1, backend: str = "cpu") -> dict[str, Any]:
        """Means (n, S, 2, 3) as coordinates along mu and across, logits and beta (n, S), at `times`."""
        ensemble, first = ensemble_of_blocks(blocks), blocks[0].parameters
        saved = ensemble.solve(_rtol(first), first.max_steps, threads=threads, backend=backend, save_at=times).saved
        given = {name: column[:, None] for name, column in ensemble.parameters.items()}
        ended = np.isnan(saved[..., 0])
        logit = np.where(ended, np.nan, given["logit"]) if first.weights == "fixed" else saved[..., 6]
        beta = beta_along(annealing(first.annealing).shape, saved, times, given)
        return {"means": coordinates_from_state(saved), "logit": logit, "beta": beta}

    def trace_dimensions(self) -> dict[str, tuple[str, ...]]:
        """Names of the dimensions after (trajectory, time)."""
        return {"means": ("component", "coordinate"), "logit": (), "beta": ()}


def fates_of_starts(
    parameters: FlowParameters, means: NDArray[np.float64], *, threads: int = 1, backend: str = "cpu"
) -> NDArray[np.uint8]:
    """What becomes of given starts.

    Parameters
    ----------
    parameters : of one point; its initial law is not used.
    means : (n, 2, 3), coordinates as of `mixture.initial`.
    threads, backend : as in `GradientFlow.run`.

    Returns
    -------
    outcome : (n,), index into `GradientFlow.outcomes`.
    """
    ensemble = ensemble_of([parameters], [len(means)], means)
    solution = ensemble.solve(_rtol(parameters), parameters.max_steps, threads=threads, backend=backend)
    return ensemble.fates(solution).outcome


@cache
def _seconds(weights, rtol):
    """Core-seconds of one trajectory, without a check; between the measured tolerances a power law."""
    costs = np.interp(-np.log10(rtol), np.arange(1, 13), np.log(_COSTS))
    return (11e-6 if weights == "fixed" else 17.5e-6) * float(np.exp(costs))


def _rtol(parameters):
    return FATES_RTOL if parameters.fates_only else parameters.rtol
