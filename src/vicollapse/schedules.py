"""Inverse temperature beta(t) of the annealed target: the schedules, their parameters, their kinks."""

from collections.abc import Mapping
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from vicollapse.errors import ConfigError

if TYPE_CHECKING:
    import sympy as sp

Beta = Annotated[float, Field(ge=1e-12, le=1e6)]
Duration = Annotated[float, Field(ge=1e-9, le=1e12)]
ScheduleName = Literal["constant", "linear", "linear_temperature", "geometric", "exponential", "adaptive", "table"]

_NEEDS = {
    "constant": ("beta0",),
    "linear": ("beta0", "duration"),
    "linear_temperature": ("beta0", "duration"),
    "geometric": ("beta0", "duration"),
    "exponential": ("beta0", "time_constant"),
    "adaptive": ("beta0", "time_constant", "rate"),
    "table": ("times", "betas"),
}
WITH_CLOCK = frozenset({"adaptive"})
"""Shapes in which beta depends on a clock of the trajectory, its last state, instead of on time."""
CLOCK_START = 1.0
"""What the clock says at the start, in time constants: not 0, because its error is relative to what it says."""


class Annealing(BaseModel):
    """A schedule beta(t); plain variational inference is `constant` with beta0 = 1."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    schedule: ScheduleName = Field(
        description="linear (in beta), linear_temperature, geometric: beta = 1 exactly after `duration`; "
        "exponential: 1 - (1 - beta0) exp(-t / time_constant); constant; table: linear between given points; "
        "adaptive: d beta/dt = beta (1 - beta) / time_constant / (1 + (speed / rate)^2), slow while the means move"
    )
    beta0: Beta | None = Field(None, description="initial inverse temperature, 1 / initial temperature")
    duration: Duration | None = Field(None, description="length of the ramp (time units of the flow)")
    time_constant: Duration | None = Field(None, description="of `exponential` and `adaptive` (time units of the flow)")
    rate: Duration | None = Field(
        None, description="adaptive: speed of the means that halves the pace (standard deviations / time unit)"
    )
    times: tuple[float, ...] | None = Field(None, description="table: increasing times, the first one 0")
    betas: tuple[Beta, ...] | None = Field(None, description="table: beta at these times, constant afterwards")

    @model_validator(mode="after")
    def _complete(self) -> "Annealing":
        needs = _NEEDS[self.schedule]
        given = {name for name in type(self).model_fields if name != "schedule" and getattr(self, name) is not None}
        if missing := set(needs) - given:
            raise ValueError(f"schedule '{self.schedule}' needs {', '.join(sorted(missing))}")
        if extra := given - set(needs):
            unused = f"schedule '{self.schedule}' does not use {', '.join(sorted(extra))}; remove it"
            raise ValueError(f"{unused} (schedules with different keys need studies of their own)")
        if self.schedule == "adaptive" and (self.beta0 or 0) >= 1:
            raise ValueError(f"schedule 'adaptive' needs beta0 below 1, not {self.beta0:g}")
        if self.schedule == "table":
            _check_table(self.times or (), self.betas or ())
        return self

    def values(self) -> dict[str, float]:
        """Values of the parameters of `expression`, by name."""
        numbers = np.hstack([getattr(self, name) for name in _NEEDS[self.schedule]]).tolist()
        return dict(zip(parameter_names(self.shape), numbers, strict=True))

    @property
    def shape(self) -> str:
        """What must be equal for all trajectories of one compiled kernel: schedule and number of table points."""
        return self.schedule if self.times is None else f"table{len(self.times)}"

    @property
    def end(self) -> float:
        """Time from which beta = 1 exactly: 0 where it always is, infinite where it never is."""
        if self.times and self.betas:
            return next((t for i, t in enumerate(self.times) if set(self.betas[i:]) == {1}), np.inf)
        return 0.0 if self.beta0 == 1 else self.duration or np.inf


def _check_table(times: tuple[float, ...], betas: tuple[float, ...]) -> None:
    if len(times) != len(betas) or len(times) < 2:
        raise ValueError(f"table needs as many times as betas, two or more; got {len(times)} and {len(betas)}")
    if times[0] != 0 or any(later <= earlier for earlier, later in pairwise(times)):
        raise ValueError("table: times must start at 0 and increase")


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
        return Annealing.model_validate(given)
    except ValidationError as error:
        reasons = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}".lstrip(": ") for e in error.errors())
        raise ConfigError(f"annealing {given!r}: {reasons}") from None


def parameter_names(shape: str) -> list[str]:
    """Names of the parameters of the schedule, in order."""
    if not shape.startswith("table"):
        return list(_NEEDS[shape])
    knots = range(int(shape.removeprefix("table")))
    return [f"time{i}" for i in knots] + [f"beta{i}" for i in knots]


def expression(shape: str, t: "sp.Symbol", parameters: "Mapping[str, sp.Symbol]") -> "tuple[sp.Expr, list[sp.Expr]]":
    """beta(t) as mathematics, and the times of its kinks; right-continuous there.

    Parameters
    ----------
    shape : `Annealing.shape`.
    t : symbol of time; of the clock for those `WITH_CLOCK`.
    parameters : the symbols of `parameter_names(shape)`, by name.

    Source: the schedules of Fogliani, Loureiro, Gabrié (arXiv 2602.12923) were not readable; these are the usual ones.
    """
    import sympy as sp

    from vicollapse.symbolic import where

    p = parameters
    if shape.startswith("table"):
        return _table(len(p) // 2, t, p, where)
    beta0 = p["beta0"]
    if shape == "constant":
        return beta0, []
    if shape == "exponential":
        return 1 - (1 - beta0) * sp.exp(-t / p["time_constant"]), []
    if shape == "adaptive":  # d beta/dt = beta (1 - beta) dt', solved
        return 1 / (1 + (1 / beta0 - 1) * sp.exp(CLOCK_START - t)), []
    progress = t / p["duration"]
    ramp = {
        "linear": beta0 + (1 - beta0) * progress,
        "linear_temperature": 1 / (1 / beta0 + (1 - 1 / beta0) * progress),
        "geometric": sp.exp(sp.log(beta0) * (1 - progress)),
    }[shape]
    return where(t - p["duration"], sp.Integer(1), ramp), [p["duration"]]


def _table(knots, t, p, where):
    beta = p[f"beta{knots - 1}"]
    for i in reversed(range(knots - 1)):
        start, stop, low, high = p[f"time{i}"], p[f"time{i + 1}"], p[f"beta{i}"], p[f"beta{i + 1}"]
        beta = where(t - stop, beta, low + (high - low) * (t - start) / (stop - start))
    return beta, [p[f"time{i}"] for i in range(1, knots)]


def inverse_temperature(schedule: Annealing, times: ArrayLike) -> NDArray[np.float64]:
    """beta at `times` (any shape), of a schedule that does not depend on the trajectory.

    Raises
    ------
    ConfigError : `adaptive`.
    """
    if schedule.shape in WITH_CLOCK:
        raise ConfigError("schedule 'adaptive': beta depends on the trajectory; two_mode_flow returns it as `beta`")
    return evaluate(schedule.shape, np.asarray(times, float), schedule.values())


def evaluate(shape: str, t: NDArray[np.float64], values: Mapping[str, ArrayLike]) -> NDArray[np.float64]:
    """`expression` as numbers; NaN where t is NaN.

    Parameters
    ----------
    shape : `Annealing.shape`.
    t : times, or readings of the clock, of any shape.
    values : of the parameters, by name; they broadcast against t. Other names are passed over.
    """
    if shape == "constant":  # without SymPy, whose import takes longer than a small study
        return np.where(np.isnan(t), np.nan, values["beta0"])
    with np.errstate(all="ignore"):  # in the branch that is not taken
        beta = _function(shape)(t, *(np.asarray(values[name], float) for name in parameter_names(shape)))
    return np.where(np.isnan(t), np.nan, beta)


@cache
def _function(shape):
    import sympy as sp

    from vicollapse.symbolic import symbols

    t, *parameters = symbols(" ".join(["t", *parameter_names(shape)]))
    beta = expression(shape, t, {p.name: p for p in parameters})[0]
    return sp.lambdify([t, *parameters], beta, [{"where": lambda s, x, y: np.where(s >= 0, x, y)}, "numpy"])
