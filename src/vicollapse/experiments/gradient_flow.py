"""The main experiment: the gradient flow of two components towards two modes."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from pydantic import Field
from scipy.special import expit

from vicollapse.ensemble.solution import Problem
from vicollapse.ensemble.solve import solve
from vicollapse.experiments import base
from vicollapse.mixture import fates, initial
from vicollapse.mixture.coordinates import coordinates_from_state, state_from_coordinates
from vicollapse.schedules import Annealing, annealing

EQUATIONS = "vicollapse.mixture.equations:two_modes"
MAX_DIMENSION = 1_000_000_000
FATES_RTOL = 1e-2
"""Tolerance of `fates_only` runs: the fates of 0.9999 of the trajectories are those of rtol 1e-6 (docs/numerics.md)."""


class Parameters(base.Parameters):
    """Parameters of the gradient flow; every scalar one can be an axis."""

    weights: Literal["fixed", "softmax", "fisher_rao", "wasserstein_fisher_rao"] = Field(
        "softmax", description="geometry of the weights; `fixed` trains the means alone"
    )
    dimension: int = Field(2, ge=1, le=MAX_DIMENSION, description="dimension d of the space")
    separation: float = Field(
        gt=0, le=1e4, description="half the distance of the modes, |mu|, in their standard deviations"
    )
    init_scale: float = Field(0.1, gt=0, le=1e4, description="standard deviation of the initial means per coordinate")
    initial_law: Literal["isotropic", "fixed_norm", "same_mode", "at_modes"] = Field(
        "isotropic", description="law of the initial means"
    )
    initial_log_odds: float = Field(0.0, ge=-500, le=500, description="log(w_1/w_2) at the start")
    imbalance: float = Field(0.0, ge=-20, le=20, description="h = log(pi_+/pi_-) / 2 of the target's weights")
    annealing: Annealing | None = Field(None, description="schedule of the inverse temperature beta(t); none: beta = 1")
    t_end: float = Field(1e4, gt=0, le=1e12, description="time of observation, in units of the flow")
    rtol: float = Field(1e-6, ge=1e-12, le=1e-1, description="relative tolerance of a step")
    fates_only: bool = Field(
        False, description=f"integrate at rtol {FATES_RTOL:g}, enough for the fates, several times faster"
    )
    mass_threshold: float = Field(0.1, gt=0, lt=1, description="a mode is lost below this fraction of its own mass")
    weight_threshold: float = Field(
        0.01, gt=0, lt=1, description="a weight is dead below this fraction of the smallest mode's mass"
    )
    max_steps: int = Field(
        100_000, ge=1, le=10**9, description="step attempts after which a trajectory counts as failed"
    )


_AXES = {
    "dimension": ("1", "dimension of the space", "$d$"),
    "separation": ("standard deviations", "half the distance of the modes", r"separation $|\mu|$"),
    "init_scale": ("standard deviations", "scale of the initial means per coordinate", r"init scale $\sigma_0$"),
    "t_end": ("time of the flow", "time of observation", r"$t_\mathrm{end}$"),
    "imbalance": ("1", "half the log odds of the modes", "$h$"),
    "initial_log_odds": ("1", "log odds of the components at the start", r"$\log(w_1/w_2)(0)$"),
    "weights": ("1", "geometry of the weights", "weights"),
    "initial_law": ("1", "law of the initial means", "initial law"),
    "annealing.beta0": ("1", "initial inverse temperature", r"$\beta_0$"),
    "annealing.duration": ("time of the flow", "duration of the annealing", r"annealing duration $\tau$"),
    "annealing.time_constant": ("time of the flow", "time constant of the annealing", r"$\tau$"),
}

_FRACTION = np.linspace(0, 1, 51)
_OBSERVABLES = (
    base.Observable("mode_mass", "$m_j$", "1", "mass of the family in each mode, E_q[t_j]", _FRACTION, "mode", 2),
    base.Observable(
        "lowest_mode_mass", r"$\min_j m_j/\pi_j$", "1", "smallest mode mass over the target's", np.linspace(0, 1, 101)
    ),
    base.Observable(
        "lowest_weight",
        r"$\min_k w_k/\min_j\pi_j$",
        "1",
        "smallest weight over the smallest mode's",
        np.concatenate([[0.0], np.logspace(-12, 0, 49), [1e9]]),
    ),
    base.Observable(
        "kl",
        r"$\mathrm{KL}(q\|p)$",
        "nats",
        "reverse KL at beta = 1",
        np.concatenate([[-1e9], np.logspace(-8, 4, 73), [1e9]]),
    ),
)


class GradientFlow(base.Experiment):
    """Deterministic flow of the means and weights from random starts (`mixture.equations`)."""

    name = "gradient_flow"
    title = "Gradient flow of the reverse KL, two components, two modes"
    version = 1
    Parameters = Parameters
    outcomes = ("covered", "aligned", "vanished", "failed")
    collapsed = frozenset({"aligned", "vanished"})
    flags = ("redundant",)
    counters = ("steps_accepted", "steps_rejected")
    observables = _OBSERVABLES
    static = ("weights", "initial_law", "rtol", "fates_only", "max_steps", "annealing.schedule")
    observation = ("t_end", "rtol", "fates_only", "mass_threshold", "weight_threshold", "max_steps")

    def seconds(self, parameters: Parameters) -> float:
        """Predicted core-seconds of one trajectory, from the measured scaling with the tolerance."""
        return 5e-6 if parameters.fates_only else 35e-6 * (1e-6 / parameters.rtol) ** (1 / 6)

    def start_up_seconds(self, parameters: Parameters) -> float:
        """Imports and loading of a compiled kernel; the very first run of a machine adds about 20 s."""
        return 1.5

    def bytes_per_trajectory(self, parameters: Parameters) -> float:
        """States, parameters, observables and counters of one trajectory, with temporaries."""
        return 1000.0

    def axis_metadata(self, name: str) -> tuple[str, str, str]:
        """Units, description and mathtext label of a parameter."""
        return _AXES.get(name, ("1", name.replace("_", " "), name.replace("_", " ")))

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
            expit(np.column_stack([2 * h, -2 * h])),
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


def _draw(block):
    """Starting means of a block; a short block is the beginning of a whole one."""
    p, rng = block.parameters, np.random.Generator(np.random.Philox(key=block.key))
    law = initial.get(p.initial_law)
    U = law(rng, base.BLOCK, dimension=p.dimension, separation=p.separation, init_scale=p.init_scale)
    return U[: block.size]
