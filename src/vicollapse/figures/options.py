"""What a figure of each kind can be asked for: one strict model per kind."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vicollapse.errors import ConfigError, did_you_mean

Value = float | str
_FORMULA = "overlay the formula for the probability of collapse, with its error, where there is one"


class Options(BaseModel):
    """What every kind has: which point of the grid to look at where the figure cannot show an axis."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    select: dict[str, Value] = Field({}, description="value of every axis that is not drawn; the nearest is taken")


class PhaseDiagramOptions(Options):
    """Options of `phase_diagram`."""

    x: str = Field("separation", description="axis of the study along x")
    y: str = Field("init_scale", description="axis of the study along y")
    panels: str | None = Field("dimension", description="axis with one panel per value, or null")
    panel_values: tuple[Value, ...] | None = Field(None, min_length=1, description="values of `panels` (default: all)")
    rows: str | None = Field(None, description="axis with one row of panels per value, for one quantity, or null")
    row_values: tuple[Value, ...] | None = Field(None, min_length=1, description="values of `rows` (default: all)")
    quantities: tuple[str, ...] | None = Field(
        None, min_length=1, description="rows: collapsed, an outcome or a flag (default: collapsed and its mechanisms)"
    )
    contours: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = Field(
        (0.05, 0.5), max_length=4, description="probabilities that get a contour"
    )
    theory: bool = Field(True, description="mark the critical separation where there is one, and |mu| = 1")
    formula: bool = Field(False, description=_FORMULA)


class CurveOptions(Options):
    """Options of `collapse_curve`."""

    x: str = Field("separation", description="axis of the study along x")
    lines: str | None = Field("dimension", description="axis with one line per value, or null")
    line_values: tuple[Value, ...] | None = Field(None, min_length=1, description="values of `lines` (default: all)")
    panels: str | None = Field(None, description="axis with one column of panels per value, or null")
    panel_values: tuple[Value, ...] | None = Field(None, min_length=1, description="values of `panels` (default: all)")
    quantities: tuple[str, ...] | None = Field(
        ("collapsed",), min_length=1, description="rows: collapsed, outcomes or flags (null: all that occur)"
    )
    theory: bool = Field(True, description="mark the critical separation where there is one, and |mu| = 1")
    formula: bool = Field(False, description=_FORMULA)


class TailOptions(CurveOptions):
    """Options of `tail`."""

    x: str = Field("t_end", description="axis of the study along x")
    quantities: tuple[str, ...] | None = Field(
        None, min_length=1, description="rows: collapsed, outcomes or flags (default: collapsed and its mechanisms)"
    )


class TrajectoriesOptions(Options):
    """Options of `trajectories`."""

    count: int = Field(64, ge=1, le=2000, description="most trajectories drawn per study (the first of those kept)")


class SnapshotsOptions(Options):
    """Options of `snapshots`."""

    patterns: tuple[str, ...] = Field(
        ("covered", "aligned", "vanished"), min_length=1, description="outcomes, one row each"
    )
    times: tuple[Annotated[float, Field(ge=0)], ...] | None = Field(
        None, min_length=1, max_length=8, description="times, one column each; the nearest kept ones (default: six)"
    )


def parse(model: type[Options], options: dict[str, Any]) -> Options:
    """Validated options of a figure.

    Parameters
    ----------
    model : the model of its kind.
    options : as written in the config, without `kind` and `studies`.

    Returns
    -------
    Options : every option, with defaults filled in.

    Raises
    ------
    ConfigError : unknown option (with the nearest valid one), wrong type or range.
    """
    try:
        return model(**options)
    except ValidationError as error:
        raise ConfigError("; ".join(_reason(e, model) for e in error.errors())) from None
    except TypeError as error:
        raise ConfigError(f"options must be a mapping with text keys: {error}") from None


def _reason(error: Any, model: type[Options]) -> str:
    place = ".".join(str(p) for p in error["loc"])
    if error["type"] == "extra_forbidden":
        return f"unknown option '{place}'{did_you_mean(place, model.model_fields)}"
    return f"option '{place}': {error['msg'][0].lower() + error['msg'][1:]} (given: {error['input']!r})"
