"""The look of every figure: fonts, sizes, colours that colour-blind readers can tell apart, and number formats."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import matplotlib
import matplotlib.style
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, ListedColormap, to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

P = ParamSpec("P")
R = TypeVar("R")

WIDTH = 7.0
"""Width of a figure across both columns of a paper, inches."""

BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, BLACK = (
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000",
)  # fmt: skip
GREY = "#6E6E6E"
CYCLE = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, BLACK)
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
FATES = {"covered": BLUE, "aligned": VERMILLION, "vanished": GREEN, "failed": BLACK}

PROBABILITY = ListedColormap(
    matplotlib.colormaps["magma_r"](np.linspace(0.0, 0.86, 256)), name="probability"
).with_extremes(bad="#d9d9d9")
"""Perceptually uniform and light at 0, so that black contours and lines stay visible where they lie."""

_RC: dict[str, Any] = {
    "font.family": "STIXGeneral",
    "mathtext.fontset": "stix",
    "font.size": 9.5,
    "axes.titlesize": 10,
    "axes.labelsize": 10,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "legend.fontsize": 9,
    "legend.frameon": False,
    "axes.linewidth": 0.7,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "xtick.minor.width": 0.5,
    "ytick.minor.width": 0.5,
    "lines.linewidth": 1.3,
    "axes.formatter.use_mathtext": True,
    "pdf.fonttype": 42,
    "svg.fonttype": "path",
    "svg.hashsalt": "vicollapse",
    "hatch.linewidth": 0.5,
}


@contextmanager
def context() -> Iterator[None]:
    """The project's style in place of whatever the user's own settings are, so that files do not depend on them."""
    with matplotlib.rc_context():
        matplotlib.style.use("default")
        matplotlib.rcParams.update(_RC)  # type: ignore[arg-type]
        yield


def styled(function: Callable[P, R]) -> Callable[P, R]:
    """The function, run within `context`."""

    @wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        with context():
            return function(*args, **kwargs)

    return wrapped


def new_figure(height: float, width: float = WIDTH) -> Figure:
    """An empty figure that arranges its parts itself; inches."""
    figure = Figure(figsize=(width, height), layout="constrained")
    engine = figure.get_layout_engine()
    assert isinstance(engine, ConstrainedLayoutEngine)
    engine.set(h_pad=0.03, w_pad=0.03)
    return figure


def footer(figure: Figure, text: str) -> None:
    """Small grey lines in a strip of their own below everything else."""
    height, lines = figure.get_figheight(), text.count("\n") + 1
    strip = (0.08 + 0.15 * lines) / height
    engine = figure.get_layout_engine()
    assert isinstance(engine, ConstrainedLayoutEngine)
    engine.set(rect=(0, strip, 1, 1 - strip))
    figure.text(0.5, 0.05 / height, text, ha="center", va="bottom", fontsize=7.5, color=GREY)


def legend(figure: Figure, handles: Sequence[Artist]) -> None:
    """A legend above all panels, outside the data, in rows of five at most."""
    if handles:
        rows = -(-len(handles) // 5)
        figure.legend(handles=handles, loc="outside upper center", ncols=-(-len(handles) // rows), handlelength=2.6)


def row_title(panel: Axes, text: str, *, outside: bool = False) -> None:
    """What a row shows, at the right of its last panel; beyond the labels there if `outside`."""
    offset = (40 if outside else 4, 0)
    panel.annotate(text, (1, 0.5), offset, xycoords="axes fraction", textcoords="offset points", rotation=270,
                   ha="left", va="center", fontsize=10)  # fmt: skip


def shades(color: str) -> LinearSegmentedColormap:
    """White to `color` and a little beyond, for filled densities."""
    red, green, blue = to_rgb(color)
    dark = (0.6 * red, 0.6 * green, 0.6 * blue)
    return LinearSegmentedColormap.from_list("shades", ["white", color, dark])  # type: ignore[arg-type]


def colors(n: int) -> list[str]:
    """n colours for lines: the Okabe-Ito palette, or a uniform sequence where it does not suffice."""
    if n <= len(CYCLE):
        return list(CYCLE[:n])
    return [to_hex(color) for color in matplotlib.colormaps["viridis"](np.linspace(0, 0.9, n))]


def number(value: Any) -> str:
    """A value in mathtext without dollars: 10^4 for powers of ten, three digits otherwise."""
    if isinstance(value, str):
        return rf"\mathrm{{{value}}}".replace("_", r"\ ")
    value = float(value)
    if value and not 1e-3 < abs(value) < 1e3:
        exponent = int(np.floor(np.log10(abs(value)) + 1e-9))
        mantissa = f"{value / 10.0**exponent:.3g}"
        return f"10^{{{exponent}}}" if mantissa == "1" else rf"{mantissa}\times 10^{{{exponent}}}"
    return f"{value:.3g}"
