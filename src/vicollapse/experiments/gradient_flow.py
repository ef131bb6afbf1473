"""The main experiment: the gradient flow of two components towards two modes."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from vicollapse.ensemble.solution import Problem
from vicollapse.ensemble.solve import solve
from vicollapse.experiments import base
from vicollapse.experiments.gradient_flow_model import AXES, FATES_RTOL, OBSERVABLES
from vicollapse.experiments.gradient_flow_model import Parameters as FlowParameters
from vicollapse.mixture import fates, initial
from vicollapse.mixture.coordinates import coordinates_from_state, state_from_coordinates
from vicollapse.schedules import annealing

EQUATIONS = "vicollapse.mixture.equations:two_modes"


class GradientFlow(base.Experiment):
    """Deterministic flow of the means and weights from random starts (`mixture.equations`)."""

    name = "gradient_flow"
    title = "Gradient flow of the reverse KL, two components, two modes"
    version = 3
    Parameters = FlowParameters
    outcomes = fates.OUTCOMES
    collapsed = frozenset({"aligned", "vanished"})
    flags = ("redundant",)
    counters = ("steps_accepted", "steps_rejected")
    observables = OBSERVABLES
    static = ("weights", "initial_law", "rtol", "fates_only", "max_steps", "annealing.schedule")
    observation = ("t_end", "rtol", "fates_only", "mass_threshold", "weight_threshold", "max_steps")
    backends = ("cpu", "reference")

    def seconds(self, parameters: FlowParameters) -> float:
        """Predicted core-seconds of one trajectory to t = 10^4, as measured (`vicollapse plan --measure`)."""
        seconds = 21e-6 if parameters.weights == "fixed" else 34e-6
        if parameters.fates_only:
            return 0.26 * seconds
        return seconds * (1e-6 / parameters.rtol) ** (1 / 6 if parameters.rtol > 1e-6 else 0.28)

    def start_up_seconds(self, parameters: FlowParameters) -> float:
        """Imports and loading of a compiled kernel; the very first run of a machine adds half a minute."""
        return 1.5

    def bytes_per_trajectory(self, parameters: FlowParameters) -> float:
        """States, parameters, observables and counters of one trajectory, with temporaries."""
        return 1000.0

    def axis_metadata(self, name: str) -> tuple[str, str, str]:
        """Units, description and mathtext label of a parameter."""
        return AXES.get(name, ("1", name.replace("_", " "), name.replace("_", " ")))

    def run(self, blocks: Sequence[base.Block], *, threads: int = 1, backend: str = "cpu") -> base.Outcomes:
        """Integrate every replicate of `blocks`, from the law of its point, and classify what became of it."""
        ensemble = _Ensemble(blocks)
        solution = ensemble.solve(threads=threads, backend=backend)
        mass = np.column_stack([solution.observables["mass_plus"], solution.observables["mass_minus"]])
        weights = np.column_stack([solution.observables["w_1"], solution.observables["w_2"]])
        h = ensemble.column("imbalance")
        fate = fates.classify(
            mass,
            weights,
            _mode_weights(h),
            ~solution.succeeded,
            mass_threshold=ensemble.column("mass_threshold"),
            weight_threshold=ensemble.column("weight_threshold"),
        )
        return base.Outcomes(
            outcome=fate.outcome,
            flags={"redundant": fate.redundant},
            observables={
                "mode_mass": mass,
                "lowest_mode_mass": fate.mass_ratio,
                "lowest_weight": fate.weight_ratio,
                "kl": solution.observables["kl"],
            },
            counters={"steps_accepted": solution.accepted, "steps_rejected": solution.rejected},
        )

    def trace(self, blocks: Sequence[base.Block], times, *, threads: int = 1, backend: str = "cpu") -> dict[str, Any]:
        """Means (n, S, 2, 3) as coordinates along mu and across, and logits (n, S), at `times`."""
        ensemble = _Ensemble(blocks)
        saved = ensemble.solve(threads=threads, backend=backend, save_at=times).saved
        constant = np.broadcast_to(ensemble.column("initial_log_odds")[:, None], saved.shape[:2])
        logit = np.where(np.isnan(saved[..., 0]), np.nan, constant) if saved.shape[2] == 6 else saved[..., 6]
        return {"means": coordinates_from_state(saved), "logit": logit}

    def trace_dimensions(self) -> dict[str, tuple[str, ...]]:
        """Names of the dimensions after (trajectory, time)."""
        return {"means": ("component", "coordinate"), "logit": ()}


class _Ensemble:
    """The replicates of some blocks as columns: one row per trajectory."""

    def __init__(self, blocks):
        self.blocks, self.first = blocks, blocks[0].parameters
        self.sizes = np.array([block.size for block in blocks])
        self.schedule = annealing(self.first.annealing)

    def column(self, name):
        return np.repeat([float(getattr(block.parameters, name)) for block in self.blocks], self.sizes)

    def solve(self, **options):
        trainable = self.first.weights != "fixed"
        U = np.concatenate([_draw(block) for block in self.blocks])
        state, logit = state_from_coordinates(U), self.column("initial_log_odds")
        parameters = {name: self.column(name) for name in ("separation", "imbalance")} | self._annealing()
        return solve(
            Problem(EQUATIONS, (self.first.weights, self.schedule.shape)),
            np.column_stack([state, logit]) if trainable else state,
            parameters if trainable else parameters | {"logit": logit},
            self.column("t_end"),
            rtol=FATES_RTOL if self.first.fates_only else self.first.rtol,
            max_steps=self.first.max_steps,
            **options,
        )

    def _annealing(self):
        rows = [annealing(block.parameters.annealing).values() for block in self.blocks]
        return {name: np.repeat([row[name] for row in rows], self.sizes) for name in rows[0]}


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
