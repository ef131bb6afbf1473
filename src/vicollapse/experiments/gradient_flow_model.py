"""What the gradient flow takes and returns: its parameters, the axes they make, its observables."""

from typing import Literal

import numpy as np
from pydantic import Field, model_validator

from vicollapse.experiments import base
from vicollapse.experiments.recheck import FACTOR
from vicollapse.schedules import Annealing

Weights = Literal["fixed", "softmax", "fisher_rao", "wasserstein_fisher_rao"]
MAX_DIMENSION = 1_000_000_000
FATES_RTOL = 5e-3
"""Tolerance of `fates_only` runs: to t_end = 1e4, 0.9997 of the fates are those of rtol 1e-8 (docs/numerics.md)."""


class Parameters(base.Parameters):
    """Parameters of the gradient flow; every scalar one can be an axis."""

    weights: Weights = Field("softmax", description="geometry of the weights; `fixed` trains the means alone")
    dimension: int = Field(2, ge=1, le=MAX_DIMENSION, description="dimension d of the space")
    separation: float = Field(
        gt=0, le=1e4, description="half the distance of the modes, |mu|, in their standard deviations"
    )
    init_scale: float = Field(0.1, gt=0, le=1e4, description="standard deviation of the initial means per coordinate")
    initial_law: Literal["isotropic", "fixed_norm", "at_overlap", "same_mode", "at_modes"] = Field(
        "isotropic",
        description="law of the initial means: N(0, init_scale^2 I); the same of norm init_scale; given overlaps with "
        "the modes, isotropic across; both around one mode; each around its own",
    )
    overlaps: tuple[float, float] | None = Field(
        None, description="`at_overlap`: (u_1.mu, u_2.mu) / |mu|^2 at the start; 1 is the mode +mu, -1 the mode -mu"
    )
    initial_log_odds: float = Field(0.0, ge=-500, le=500, description="log(w_1/w_2) at the start")
    imbalance: float = Field(0.0, ge=-20, le=20, description="h = log(pi_+/pi_-) / 2 of the target's weights")
    annealing: Annealing | None = Field(None, description="schedule of the inverse temperature beta(t); none: beta = 1")
    t_end: float = Field(1e4, gt=0, le=1e12, description="time of observation, in units of the flow")
    rtol: float = Field(1e-6, ge=1e-12, le=1e-1, description="relative tolerance of a step")
    fates_only: bool = Field(
        False, description=f"integrate at rtol {FATES_RTOL:g}, several times faster; enough for fates up to t_end = 1e5"
    )
    mass_threshold: float = Field(0.1, gt=0, lt=1, description="a mode is lost below this fraction of its own mass")
    weight_threshold: float = Field(
        0.01, gt=0, lt=1, description="a weight is dead below this fraction of the smallest mode's mass"
    )
    max_steps: int = Field(
        100_000, ge=1, le=10**9, description="step attempts after which a trajectory counts as failed"
    )
    recheck: float = Field(
        0.01,
        ge=0,
        le=1,
        description=f"share of the trajectories, chosen at random, whose fate is checked at a {FACTOR} times tighter "
        "tolerance, where rtol >= 1e-9; 0 for none",
    )

    @model_validator(mode="after")
    def _overlaps_belong_to_their_law(self) -> "Parameters":
        if (self.initial_law == "at_overlap") != (self.overlaps is not None):
            raise ValueError("overlaps: give them with initial_law 'at_overlap', and only then")
        return self


AXES = {
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
    "annealing.rate": ("standard deviations per time of the flow", "speed of the means that halves the pace", r"$r$"),
    "annealing.schedule": ("1", "schedule of the inverse temperature", "schedule"),
}
"""Parameter -> units, description, mathtext label."""

_FRACTION = np.linspace(0, 1, 51)
OBSERVABLES = (
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
"""Numbers per trajectory that are stored as mean and histogram."""
