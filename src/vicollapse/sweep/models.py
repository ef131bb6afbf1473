"""The keys of a config file that are not an experiment's parameters: types, ranges, defaults, meanings."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SkipValidation, model_validator

from vicollapse.experiments.base import BLOCK

Scalar = float | int | bool | str


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Range(_Strict):
    """Values of an axis by rule: `{values}`, `{from, to, num[, spacing]}` or `{from, to, step}`."""

    values: list[Scalar] | None = Field(None, description="the values themselves")
    start: float | None = Field(None, alias="from", description="first value")
    to: float | None = Field(None, description="last value")
    num: int | None = Field(None, ge=2, le=100_000, description="how many values, both ends included")
    spacing: Literal["linear", "log"] | None = Field(None, description="with `num`; linear by default")
    step: float | None = Field(None, description="distance of neighbours, instead of `num`")

    @model_validator(mode="after")
    def _one_way(self) -> "Range":
        ends = self.start is not None and self.to is not None
        by_rule = [self.start, self.to, self.num, self.spacing, self.step]
        if self.values is not None and any(part is not None for part in by_rule):
            raise ValueError("give either 'values' or 'from' and 'to', not both")
        if self.values is None and not (ends and (self.num is None) != (self.step is None)):
            raise ValueError("give 'values', or 'from', 'to' and 'num', or 'from', 'to' and 'step'")
        if self.step is not None and self.spacing is not None:
            raise ValueError("'spacing' goes with 'num', not with 'step'")
        return self


Axis = Scalar | list[Scalar] | Range


class StudyKeys(_Strict):
    """One study: every combination of the axes' values, each simulated `replicates` times."""

    description: str = Field("", description="what the study asks, in a sentence")
    experiment: str = Field(description="what is simulated; its parameters stand beside this key")
    axes: SkipValidation[dict[str, Axis]] = Field(
        description="parameters that vary: a list, `{from, to, num, spacing: linear or log}`, `{from, to, step}`, "
        "`{values}`, or one value"
    )
    replicates: int = Field(BLOCK, ge=1, le=10**9, description="random initial conditions per point")
    seed: int = Field(1, ge=0, lt=2**63, description="of all random numbers of the study")
    keep_trajectories: int = Field(
        0, ge=0, le=BLOCK, description="whole trajectories kept per point: the first ones of the replicates"
    )
    save_times: SkipValidation[Axis | None] = Field(
        None, description="times of the kept trajectories, written like an axis"
    )


class FigureKeys(_Strict):
    """One figure, drawn from the stored phase diagrams of studies; further keys are options of its kind."""

    model_config = ConfigDict(extra="allow", frozen=True)

    kind: str = Field(description="which figure")
    studies: list[str] = Field(min_length=1, description="the studies it shows")


class ConfigKeys(_Strict):
    """A config file."""

    studies: dict[str, Any] = Field(min_length=1, description="the studies, by name")
    figures: dict[str, Any] = Field({}, description="the figures, by name")
    results: str = Field("results", min_length=1, description="folder of the results, one folder per study")
    figures_folder: str = Field("figures", min_length=1, description="folder of the figures")
    shard_minutes: float = Field(
        5.0, gt=0, le=1440, description="core-minutes of one shard (one job), about; smaller ones lose less when killed"
    )
