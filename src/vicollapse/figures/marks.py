"""Lines that theory puts on the separation axis: one peak or two, and where an aligned state can exist at all."""

from dataclasses import dataclass
from typing import Any

import xarray as xr
from matplotlib.axes import Axes

from vicollapse.figures.data import parameters


@dataclass(frozen=True)
class Mark:
    """A separation with a meaning.

    Parameters
    ----------
    separation : |mu|, in units of the modes' standard deviation.
    label : for the legend, mathtext.
    text : for the caption, plain.
    line : its dashes.
    """

    separation: float
    label: str
    text: str
    line: Any


def marks(diagram: xr.Dataset) -> list[Mark]:
    """The marks that hold for a study of two modes; none for other experiments.

    Parameters
    ----------
    diagram : a phase diagram.

    Returns
    -------
    list of Mark : `|mu| = 1` for a balanced target; the critical separation for fixed equal weights, no annealing.
    """
    known = parameters(diagram)
    if diagram.attrs["experiment"] != "gradient_flow" or known.get("imbalance", 0) != 0:
        return []
    found = [
        Mark(1.0, r"one peak | two peaks, $|\mu| = 1$", "the target has a single peak up to |μ| = 1", (0, (1, 1.5)))
    ]
    if _equal_fixed_weights(known):
        from vicollapse.mixture.theory import critical_separation

        critical = float(critical_separation(1.0))
        label = rf"aligned state exists from $|\mu| = {critical:.2f}$"
        text = f"an aligned state exists only above the critical separation |μ| = {critical:.2f} (theory)"
        found.append(Mark(critical, label, text, (0, (4, 1.5, 1, 1.5))))
    return found


def _equal_fixed_weights(known: dict[str, Any]) -> bool:
    annealed = any(k.split(".")[0] == "annealing" and v is not None for k, v in known.items())
    return known.get("weights") == "fixed" and known.get("initial_log_odds", 0) == 0 and not annealed


def draw_marks(panel: Axes, found: list[Mark], *, vertical: bool, color: str) -> None:
    """Draw those marks that lie within the panel's limits, which they leave as they are."""
    low, high = sorted(panel.get_xlim() if vertical else panel.get_ylim())
    line = panel.axvline if vertical else panel.axhline
    for mark in found:
        if low < mark.separation < high:
            line(mark.separation, color=color, linestyle=mark.line, linewidth=1.0, zorder=3, gid=mark.label)
