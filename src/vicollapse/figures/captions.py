"""Captions: sentences that state every parameter of what a figure shows, taken from the phase diagrams alone."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import xarray as xr

from vicollapse.experiments.recheck import COUNTERS, report
from vicollapse.figures.data import Probability, axes, parameters, study
from vicollapse.figures.notation import equation, is_log, plain

_MAIN = ("dimension", "separation", "init_scale")
"""Parameters that the foot of every figure states where they have one value."""


def text(value: Any) -> str:
    """A value as plain text, six digits at most."""
    if value is None:
        return "none"
    if isinstance(value, bool | str):
        return str(value)
    return f"{value:,.6g}".replace(",", "") if isinstance(value, int | float | np.number) else str(value)


def listing(values: Any, most: int = 8) -> str:
    """Values of an axis: all of a few, the range and number of many."""
    values = np.atleast_1d(values)
    if len(values) <= most:
        return ", ".join(text(v) for v in values.tolist())
    spacing = ", log-spaced" if is_log(values) else ""
    return f"{text(values[0].item())} to {text(values[-1].item())} ({len(values)} values{spacing})"


def axis_text(diagram: xr.Dataset, axis: str) -> str:
    """An axis with its values, or with the one it is fixed at."""
    return f"{plain(axis)} = {listing(diagram[axis].values)}"


def name(outcome: str) -> str:
    """What a probability is of, in words."""
    return {"collapsed": "collapse (a mode of the target is lost)"}.get(outcome, outcome)


def study_text(diagram: xr.Dataset, whole: xr.Dataset) -> str:
    """One sentence on a study: experiment, the slice drawn, every fixed parameter, replicates, seed.

    Parameters
    ----------
    diagram : the slice that is drawn; fixed axes are scalar coordinates.
    whole : the study's phase diagram.

    Returns
    -------
    str : plain text.
    """
    drawn = [axis_text(diagram, a) for a in axes(whole) if a in diagram.coords]
    known = {k: v for k, v in parameters(whole).items() if not ("." in k and v is None)}  # a schedule does without them
    fixed = [f"{k} {text(v)}" for k, v in known.items() if k not in axes(whole)]
    return (
        f"Study {study(whole)} (experiment {whole.attrs['experiment']}): {'; '.join(drawn)}; {', '.join(fixed)}; "
        f"{replicates(diagram)} replicates per point, seed {whole.attrs['seed']}. "
        + (f"Of this study {accuracy(whole)}. " if accuracy(whole) else "")
    )


def accuracy(whole: xr.Dataset) -> str:
    """Whether the fates of a study depend on the tolerance, as far as that was checked; "" if it was not."""
    return report(*(int(whole.attrs.get(name, 0)) for name in COUNTERS))


def replicates(diagram: xr.Dataset) -> str:
    """Replicates per point: one number, or the range."""
    counts = diagram["replicates"].values
    low, high = int(counts.min()), int(counts.max())
    return str(low) if low == high else f"{low} to {high}"


def intervals(shown: Sequence[Probability]) -> str:
    """How wide the widest of the intervals is that belong to the probabilities of a figure."""
    widest = max(float((p.high - p.low).max()) for p in shown) / 2
    return f"95 % intervals are Wilson's; the widest of this figure is ±{widest:.2g}."


def contours(levels: Iterable[float], cells: int) -> str:
    """Which contours are drawn, and how."""
    shown = ", ".join(f"{100 * level:g} %" for level in levels)
    how = f"of the running median over {cells} x {cells} cells (at walls, of the cells), where the runs resolve them"
    return f"Contours: {shown}, {how}. " if shown else ""


def definitions(diagrams: Iterable[xr.Dataset]) -> str:
    """What the outcomes mean, with their thresholds, for mixtures; nothing for other experiments."""
    known = [parameters(d) for d in diagrams if d.attrs["experiment"] == "gradient_flow"]
    if not known:
        return ""
    mass = _joined(k.get("mass_threshold", 0.1) for k in known)
    weight = _joined(k.get("weight_threshold", 0.01) for k in known)
    return (
        f"A run is collapsed if at t_end a mode of the target holds less than {mass} (mass_threshold) of its mass: "
        f"vanished if a weight is then below {weight} (weight_threshold) of the smallest target weight, aligned "
        "otherwise. A run is covered if no mode is lost, redundant if a weight died all the same. "
    )


def _joined(values: Iterable[Any]) -> str:
    return " or ".join(dict.fromkeys(text(v) for v in values))


def join(*parts: str) -> str:
    """One paragraph of those parts, with single blanks."""
    return " ".join("".join(parts).split())


def weights(diagram: xr.Dataset) -> str:
    """What tells a study from others in a figure: the geometry of its weights, or its name."""
    known = parameters(diagram).get("weights")
    return f"{known.replace('_', '-')} weights" if isinstance(known, str) else study(diagram).replace("_", " ")


def summary(whole: xr.Dataset, drawn: xr.Dataset) -> str:
    """A line at the foot of a figure, mathtext: study, weights, fixed axes, t_end, replicates, seed."""
    known = parameters(drawn)
    parts = dict.fromkeys([study(whole).replace("_", " "), weights(drawn)])
    fixed = dict.fromkeys([*_MAIN, *(a for a in axes(whole) if a not in ("weights", "t_end")), "t_end"])
    parts |= dict.fromkeys(equation(a, known[a], whole) for a in fixed if a in known)
    return ", ".join([*parts, f"{replicates(drawn)} replicates per point", f"seed {whole.attrs['seed']}"])


def foot(shown: Iterable[tuple[xr.Dataset, xr.Dataset]]) -> str:
    """The foot of a figure, mathtext: a line for every slice, then one for every study whose fates were checked.

    Parameters
    ----------
    shown : the study's phase diagram and the slice that is drawn, as often as there are slices.
    """
    slices = list(shown)
    studies = {study(whole): whole for whole, _ in slices}
    lines = [summary(whole, drawn) for whole, drawn in slices]
    for name, whole in studies.items():
        if found := accuracy(whole):
            lines.append(f"{name.replace('_', ' ')}: {found}" if len(studies) > 1 else found)
    return "\n".join(dict.fromkeys(lines))
