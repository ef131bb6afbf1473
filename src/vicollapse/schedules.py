"""Inverse temperature beta(t) of the annealed target: the schedules, their parameters, their kinks."""

from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from vicollapse.errors import ConfigError

if TYPE_CHECKING:
    import sympy as sp

ScheduleName = Literal["constant", "linear", "linear_temperature", "geometric", "exponential", "table"]

_NEEDS = {
    "constant": ("beta0",),
    "linear": ("beta0", "duration"),
    "linear_temperature": ("beta0", "duration"),
    "geometric": ("beta0", "duration"),
    "exponential": ("beta0", "time_constant"),
    "table": ("times", "betas"),
}


class Annealing(BaseModel):
    """A schedule beta(t); plain variational inference is `constant` with beta0 = 1."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    schedule: ScheduleName = Field(
        description="linear (in beta), linear_temperature, geometric: beta = 1 exactly after `duration`; "
        "exponential: 1 - (1 - beta0) exp(-t / time_constant); constant; table: linear between given points"
    )
    beta0: float | None = Field(None, gt=0, description="initial inverse temperature, 1 / initial temperature")
    duration: float | None = Field(None, gt=0, description="length of the ramp (time units of the flow)")
    time_constant: float | None = Field(None, gt=0, description="time constant of `exponential`")
    times: tuple[float, ...] | None = Field(None, description="table: increasing times, the first one 0")
    betas: tuple[float, ...] | None = Field(None, description="table: beta at these times, constant afterwards")

    @model_validator(mode="after")
    def _complete(self) -> "Annealing":
        needs = _NEEDS[self.schedule]
        given = {name for name in type(self).model_fields if name != "schedule" and getattr(self, name) is not None}
        if missing := set(needs) - given:
            raise ValueError(f"schedule '{self.schedule}' needs {', '.join(sorted(missing))}")
        if extra := given - set(needs):
            raise ValueError(f"schedule '{self.schedule}' does not use {', '.join(sorted(extra))}; remove it")
        if self.schedule == "table":
            _check_table(self.times or (), self.betas or ())
        return self

    def values(self) -> dict[str, float]:
        """Values of the parameters of `expression`, by name."""
        if self.schedule != "table":
            return {name: getattr(self, name) for name in _NEEDS[self.schedule]}
        return {f"time{i}": t for i, t in enumerate(self.times or ())} | {
            f"beta{i}": b for i, b in enumerate(self.betas or ())
        }

    @property
    def shape(self) -> str:
        """What must be equal for all trajectories of one compiled kernel: schedule and number of table points."""
        return self.schedule if self.times is None else f"table{len(self.times)}"


def _check_table(times: tuple[float, ...], betas: tuple[float, ...]) -> None:
    if len(times) != len(betas) or len(times) < 2:
        raise ValueError(f"table needs as many times as betas, two or more; got {len(times)} and {len(betas)}")
    if times[0] != 0 or any(later <= earlier for earlier, later in pairwise(times)):
        raise ValueError("table: times must start at 0 and increase")
    if min(betas) <= 0:
        raise ValueError("table: betas must be positive")


PLAIN = Annealing(schedule="constant", beta0=1.0)


def annealing(given: "Mapping[str, Any] | Annealing | None") -> Annealing:
    """The validated schedule of a mapping such as ``{"schedule": "linear", "beta0": 0.1, "duration": 10}``.

    Raises
    ------
    ConfigError : unknown schedule or key, or a value out of range.
    """
    if given is None or isinstance(given, Annealing):
        return given or PLAIN
    try:
        return Annealing(**given)
    except (ValidationError, TypeError) as error:
        reasons = (
            "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}".lstrip(": ") for e in error.errors())
            if isinstance(error, ValidationError)
            else str(error)
        )
        raise ConfigError(f"annealing {given!r}: {reasons}") from None


def parameter_names(shape: str) -> list[str]:
    """Names of the parameters of `expression`, in order."""
    if not shape.startswith("table"):
        return list(_NEEDS[shape])
    knots = range(int(shape.removeprefix("table")))
    return [f"time{i}" for i in knots] + [f"beta{i}" for i in knots]


def expression(shape: str, t: "sp.Symbol", parameters: "Mapping[str, sp.Symbol]") -> "tuple[sp.Expr, list[sp.Expr]]":
    """beta(t) as mathematics, and the times of its kinks; right-continuous there.

    Parameters
    ----------
    shape : `Annealing.shape`.
    t : symbol of time.
    parameters : the symbols of `parameter_names(shape)`, by name.

    Source: the schedules of Fogliani, Loureiro, Gabrié (arXiv 2602.12923) were not readable; these are the usual ones.
    """
    import sympy as sp

    from vicollapse.symbolic import where

    p = parameters
    if shape.startswith("table"):
        return _table(int(shape.removeprefix("table")), t, p)
    beta0 = p["beta0"]
    if shape == "constant":
        return beta0, []
    if shape == "exponential":
        return 1 - (1 - beta0) * sp.exp(-t / p["time_constant"]), []
    progress = t / p["duration"]
    ramp = {
        "linear": beta0 + (1 - beta0) * progress,
        "linear_temperature": 1 / (1 / beta0 + (1 - 1 / beta0) * progress),
        "geometric": sp.exp(sp.log(beta0) * (1 - progress)),
    }[shape]
    return where(t - p["duration"], sp.Integer(1), ramp), [p["duration"]]


def _table(knots, t, p):
    beta = p[f"beta{knots - 1}"]
    from vicollapse.symbolic import where

    for i in reversed(range(knots - 1)):
        start, stop, low, high = p[f"time{i}"], p[f"time{i + 1}"], p[f"beta{i}"], p[f"beta{i + 1}"]
        beta = where(t - stop, beta, low + (high - low) * (t - start) / (stop - start))
    return beta, [p[f"time{i}"] for i in range(1, knots)]
