"""What the figures of annealing can be asked for: one strict model per kind."""

from typing import Annotated

from pydantic import Field

from vicollapse.figures.options import Options, Value


class FateSharesOptions(Options):
    """Options of `fate_shares`."""

    x: str = Field("annealing.duration", description="axis of the study along x")
    panels: str | None = Field("annealing.beta0", description="axis with one column per value, or null")
    panel_values: tuple[Value, ...] | None = Field(None, min_length=1, description="values of `panels` (default: all)")
    rows: str | None = Field(None, description="axis with one row per value, or null")
    row_values: tuple[Value, ...] | None = Field(None, min_length=1, description="values of `rows` (default: all)")


class SchedulePathsOptions(Options):
    """Options of `schedule_paths`."""

    count: int = Field(48, ge=1, le=2000, description="most trajectories drawn per row (the first of those kept)")


class AnnealedSnapshotsOptions(Options):
    """Options of `annealed_snapshots`."""

    patterns: tuple[str, ...] | None = Field(
        None, min_length=1, description="outcome shown in each row (default: the commonest one of its point)"
    )
    times: tuple[Annotated[float, Field(ge=0)], ...] | None = Field(
        None, min_length=1, max_length=8, description="times, one column each; the nearest kept ones (default: six)"
    )


class ParetoOptions(Options):
    """Options of `pareto`."""

    panels: str | None = Field(None, description="axis with one panel per value, or null")
    panel_values: tuple[Value, ...] | None = Field(None, min_length=1, description="values of `panels` (default: all)")
    quantity: str = Field("collapsed", description="collapsed, an outcome or a flag")
