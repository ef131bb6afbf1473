"""Trajectories of the gradient flow from given starts: states and parameters of the equations, and their fates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vicollapse import schedules
from vicollapse.ensemble.solution import Problem, Solution
from vicollapse.ensemble.solve import solve
from vicollapse.experiments import base
from vicollapse.experiments.gradient_flow_model import Parameters
from vicollapse.mixture import fates, initial
from vicollapse.mixture.coordinates import state_from_coordinates
from vicollapse.schedules import annealing

Array = NDArray[np.float64]

EQUATIONS = "vicollapse.mixture.equations:two_modes"
_OBSERVATION = ("t_end", "mass_threshold", "weight_threshold")


@dataclass(frozen=True)
class FlowEnsemble:
    """Trajectories: their equations, and one row of every array for each.

    Parameters
    ----------
    problem : the equations.
    states : (n, N) at the start.
    parameters : of the equations, name -> (n,).
    observation : t_end and the thresholds of fates, name -> (n,).
    """

    problem: Problem
    states: Array
    parameters: dict[str, Array]
    observation: dict[str, Array]

    def take(self, rows: NDArray[np.intp]) -> "FlowEnsemble":
        """Some of the trajectories."""
        parameters, observation = (
            {name: column[rows] for name, column in columns.items()} for columns in (self.parameters, self.observation)
        )
        return FlowEnsemble(self.problem, self.states[rows], parameters, observation)

    def solve(self, rtol: float, max_steps: int, **how: Any) -> Solution:
        """Integrate them to their t_end; further options as of `ensemble.solve.solve`."""
        t_end = self.observation["t_end"]
        return solve(self.problem, self.states, self.parameters, t_end, rtol=rtol, max_steps=max_steps, **how)

    def fates(self, solution: Solution) -> fates.Fates:
        """What became of them."""
        thresholds: dict[str, Any] = {name: column for name, column in self.observation.items() if name != "t_end"}
        weights = np.column_stack([solution.observables["w_1"], solution.observables["w_2"]])
        pi = _mode_weights(self.parameters["imbalance"])
        return fates.classify(mode_mass(solution), weights, pi, ~solution.succeeded, **thresholds)


def ensemble_of(points: Sequence[Parameters], sizes: Sequence[int], means: Array) -> FlowEnsemble:
    """Trajectories from given means.

    Parameters
    ----------
    points : one set of parameters for every group of trajectories; equal in their weights and shape of schedule.
    sizes : of these groups.
    means : (sum of sizes, 2, 3), coordinates as of `mixture.initial`.
    """
    weights, schedule = points[0].weights, annealing(points[0].annealing).shape
    states = state_from_coordinates(means)
    parameters = _columns([_of_equations(p) for p in points], sizes)
    if weights != "fixed":
        states = np.column_stack([states, parameters.pop("logit")])
    if schedule in schedules.WITH_CLOCK:
        states = np.column_stack([states, np.full(len(states), schedules.CLOCK_START)])
    observation = _columns([{name: getattr(p, name) for name in _OBSERVATION} for p in points], sizes)
    return FlowEnsemble(Problem(EQUATIONS, (weights, schedule)), states, parameters, observation)


def ensemble_of_blocks(blocks: Sequence[base.Block]) -> FlowEnsemble:
    """All replicates of some blocks, each from the initial law of its point."""
    means = np.concatenate([_draw(block) for block in blocks])
    return ensemble_of([block.parameters for block in blocks], [block.size for block in blocks], means)


def mode_mass(solution: Solution) -> Array:
    """(n, 2) mass of the family in the modes +mu and -mu."""
    return np.column_stack([solution.observables["mass_plus"], solution.observables["mass_minus"]])


def beta_along(shape: str, states: Array, times: Array, values: Mapping[str, Any]) -> Array:
    """beta of trajectories: from their clock, which is the last state where there is one, or from the time.

    Parameters
    ----------
    shape : of the schedule.
    states : (..., N) of the equations, NaN where a trajectory had ended before.
    times : of these states, broadcast against (...).
    values : of the parameters of the schedule, by name, broadcast in the same way.
    """
    ended = np.isnan(states[..., 0])
    clock = states[..., -1] if shape in schedules.WITH_CLOCK else np.where(ended, np.nan, times)
    return schedules.evaluate(shape, clock, values)


def _of_equations(p):
    known = {"separation": p.separation, "imbalance": p.imbalance, "logit": p.initial_log_odds}
    return known | annealing(p.annealing).values()


def _columns(rows, sizes):
    return {name: np.repeat([float(row[name]) for row in rows], sizes) for name in rows[0]}


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
