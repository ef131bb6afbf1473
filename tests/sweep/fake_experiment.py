"""An experiment without physics: its outcomes are thresholds on the first random numbers of a replicate."""

from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from vicollapse.experiments import base


class Annealing(BaseModel):
    """A nested model with a rule across its fields."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    schedule: Literal["linear", "steps"] = Field(description="shape of beta(t)")
    beta0: float = Field(0.1, gt=0, le=1, description="initial inverse temperature")
    duration: float | None = Field(None, gt=0, description="time until beta = 1, for `linear`")
    table: tuple[tuple[float, float], ...] = Field((), description="(t, beta) pairs, for `steps`")

    @model_validator(mode="after")
    def _linear_needs_duration(self) -> "Annealing":
        if self.schedule == "linear" and self.duration is None:
            raise ValueError("the linear schedule needs 'duration'")
        return self


class Parameters(base.Parameters):
    """Parameters of the fake experiment."""

    weights: Literal["fixed", "softmax"] = Field("softmax", description="geometry of the weights")
    dimension: int = Field(2, ge=1, le=10**9, description="dimension of the space")
    separation: float = Field(gt=0, description="half the distance of the modes")
    init_scale: float = Field(0.1, gt=0, description="standard deviation of the initial means")
    annealing: Annealing | None = Field(None, description="schedule of beta(t)")
    t_end: float = Field(1e4, gt=0, description="time of observation")
    fates_only: bool = Field(False, description="coarse tolerance")


class Fake(base.Experiment):
    """Every replicate draws three normals; the first decides, the others are observed."""

    name = "fake"
    title = "A fake experiment"
    version = 1
    Parameters = Parameters
    outcomes = ("covered", "aligned", "vanished", "failed")
    collapsed = frozenset({"aligned", "vanished"})
    flags = ("redundant",)
    counters = ("steps_accepted",)
    observables = (
        base.Observable("mode_mass", "$m$", "1", "mass in each mode", np.linspace(0, 1, 11), "mode", 2),
        base.Observable("kl", "KL", "nats", "a number", np.linspace(-3, 3, 13)),
    )
    static = ("weights", "fates_only", "annealing.schedule")
    observation = ("t_end", "fates_only")

    def seconds(self, parameters):
        """Dearer in high dimensions."""
        return 1e-3 * (1 + np.log10(parameters.dimension))

    def start_up_seconds(self, parameters):
        """A second."""
        return 1.0

    def bytes_per_trajectory(self, parameters):
        """A kilobyte."""
        return 1000.0

    def axis_metadata(self, name):
        """Nothing special."""
        return "1", f"the {name}", f"${name.replace('_', '')}$"

    def run(self, blocks, *, threads=1, backend="cpu"):
        """Thresholds on normals; trajectories with the first normal above 3 fail."""
        draws = np.concatenate([_draws(block) for block in blocks])
        level = np.concatenate([np.full(b.size, 1 / b.parameters.separation) for b in blocks])
        x = draws[:, 0]
        failed = x > 3
        outcome = np.where(failed, 3, np.where(x > level, 1, np.where(x < -2 * level, 2, 0))).astype(np.uint8)
        mass = 1 / (1 + np.exp(-draws[:, 1:3]))
        mass[failed] = np.nan
        return base.Outcomes(
            outcome,
            {"redundant": draws[:, 1] > 1},
            {"mode_mass": mass, "kl": np.where(failed, np.nan, draws[:, 2])},
            {"steps_accepted": np.round(100 * np.abs(x)).astype(np.int64)},
        )

    def trace(self, blocks, times, *, threads=1, backend="cpu"):
        """Straight lines from the draws."""
        draws = np.concatenate([_draws(block) for block in blocks])
        times = np.asarray(times, float)
        return {
            "means": draws[:, None, :2, None] * (1 + times[None, :, None, None]) * np.ones(3),
            "logit": draws[:, 2:] * times[None, :],
        }

    def trace_dimensions(self):
        """As in the real experiment."""
        return {"means": ("component", "coordinate"), "logit": ()}


def _draws(block):
    return np.random.Generator(np.random.Philox(key=block.key)).standard_normal((base.BLOCK, 3))[: block.size]
