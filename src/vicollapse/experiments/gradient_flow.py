"""The main experiment: the gradient flow of two components towards two modes."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vicollapse.ensemble.solution import Problem
from vicollapse.ensemble.solve import solve
from vicollapse.experiments import base
from vicollapse.experiments.gradient_flow_model import AXES, FATES_RTOL, OBSERVABLES
from vicollapse.experiments.gradient_flow_model import Parameters as FlowParameters
from vicollapse.experiments.recheck import COUNTERS, recheck, tighter
from vicollapse.mixture import fates, initial
from vicollapse.mixture.coordinates import coordinates_from_state, state_from_coordinates
from vicollapse.schedules import annealing

EQUATIONS = "vicollapse.mixture.equations:two_modes"
_OBSERVATION = ("t_end", "mass_threshold", "weight_threshold")
_COSTS = (0.11, 0.15, 0.21, 0.39, 0.61, 1, 2.2, 3.2, 8, 11, 18, 32)  # at rtol 1e-1, ..., 1e-12, times that of 1e-6
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
        return _seconds(parameters.weights, rtol) + check

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
        ensemble, first, how = _ensemble(blocks), blocks[0].parameters, {"threads": threads, "backend": backend}
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
                "mode_mass": _mode_mass(solution),
                "lowest_mode_mass": fate.mass_ratio,
                "lowest_weight": fate.weight_ratio,
                "kl": solution.observables["kl"],
            },
            counters={"steps_accepted": solution.accepted, "steps_rejected": solution.rejected} | checked,
        )

    def trace(self, blocks: Sequence[base.Block], times, *, threads: int = 1, backend: str = "cpu") -> dict[str, Any]:
        """Means (n, S, 2, 3) as coordinates along mu and across, and logits (n, S), at `times`."""
        ensemble, first = _ensemble(blocks), blocks[0].parameters
        saved = ensemble.solve(_rtol(first), first.max_steps, threads=threads, backend=backend, save_at=times).saved
        if first.weights == "fixed":
            constant = np.broadcast_to(ensemble.parameters["logit"][:, None], saved.shape[:2])
            logit = np.where(np.isnan(saved[..., 0]), np.nan, constant)
        else:
            logit = saved[..., 6]
        return {"means": coordinates_from_state(saved), "logit": logit}

    def trace_dimensions(self) -> dict[str, tuple[str, ...]]:
        """Names of the dimensions after (trajectory, time)."""
        return {"means": ("component", "coordinate"), "logit": ()}


@dataclass(frozen=True)
class _Ensemble:
    """Trajectories: their equations, and one row of every array for each."""

    problem: Problem
    states: NDArray[np.float64]
    parameters: dict[str, NDArray[np.float64]]
    observation: dict[str, Any]  # t_end and the thresholds

    def take(self, rows):
        parameters, observation = (
            {name: column[rows] for name, column in columns.items()} for columns in (self.parameters, self.observation)
        )
        return _Ensemble(self.problem, self.states[rows], parameters, observation)

    def solve(self, rtol, max_steps, **how):
        t_end = self.observation["t_end"]
        return solve(self.problem, self.states, self.parameters, t_end, rtol=rtol, max_steps=max_steps, **how)

    def fates(self, solution):
        thresholds = {name: column for name, column in self.observation.items() if name != "t_end"}
        weights = np.column_stack([solution.observables["w_1"], solution.observables["w_2"]])
        pi = _mode_weights(self.parameters["imbalance"])
        return fates.classify(_mode_mass(solution), weights, pi, ~solution.succeeded, **thresholds)


def _ensemble(blocks):
    """All replicates of some blocks."""
    points, sizes = [block.parameters for block in blocks], [block.size for block in blocks]
    weights, schedule = points[0].weights, annealing(points[0].annealing).shape
    states = state_from_coordinates(np.concatenate([_draw(block) for block in blocks]))
    parameters = _columns([_of_equations(p) for p in points], sizes)
    if weights != "fixed":
        states = np.column_stack([states, parameters.pop("logit")])
    observation = _columns([{name: getattr(p, name) for name in _OBSERVATION} for p in points], sizes)
    return _Ensemble(Problem(EQUATIONS, (weights, schedule)), states, parameters, observation)


def _of_equations(p):
    known = {"separation": p.separation, "imbalance": p.imbalance, "logit": p.initial_log_odds}
    return known | annealing(p.annealing).values()


def _columns(rows, sizes):
    return {name: np.repeat([float(row[name]) for row in rows], sizes) for name in rows[0]}


@cache
def _seconds(weights, rtol):
    """Core-seconds of one trajectory, without a check; between the measured tolerances a power law."""
    costs = np.interp(-np.log10(rtol), np.arange(1, 13), np.log(_COSTS))
    return (11e-6 if weights == "fixed" else 17.5e-6) * float(np.exp(costs))


def _rtol(parameters):
    return FATES_RTOL if parameters.fates_only else parameters.rtol


def _mode_mass(solution):
    return np.column_stack([solution.observables["mass_plus"], solution.observables["mass_minus"]])


def _mode_weights(h):
    """Weights of both modes; in the usual case without SciPy, whose import takes longer than a small study."""
    if not h.any():
        return np.full((len(h), 2), 0.5)
    from scipy.special import expit

    return expit(np.column_stack([2 * h, -2 * h]))


def _draw(block):
    """Starting means of a block; a short block is the beginning of a whole one."""
    p, rng = block.parameters, np.random.Generator(np.random.Philox(key=block.key))
    law = initial.get(p.initial_law)
    options = {"overlaps": p.overlaps} if p.overlaps else {}
    U = law(rng, base.BLOCK, dimension=p.dimension, separation=p.separation, init_scale=p.init_scale, **options)
    return U[: block.size]
