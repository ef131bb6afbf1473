"""The work-precision plot; `python benchmarks/work_precision_figure.py [FILE.json]` draws it again from the results."""

import json
import sys
from pathlib import Path
from typing import Any

from vicollapse.figures.style import BLACK, BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILLION, new_figure, styled

LOOK = {  # colours of Okabe and Ito; the product's lines are solid, the peers' dashed, and every marker differs
    "GRK4T": (GREEN, "s", "-"),
    "Rodas5P": (BLUE, "^", "-"),
    "scipy_rk45": (VERMILLION, "D", "--"),
    "scipy_lsoda": (ORANGE, "v", "--"),
    "scipy_lsoda_numba": (PURPLE, "P", "--"),
    "scipy_radau": (SKY, "p", "--"),
    "torchode_tsit5": ("0.45", "*", "--"),
    "diffrax_tsit5_full": (BLACK, "X", "--"),
}
PANELS = (("error_median", "median error"), ("error_99", "error, 99th percentile"))


@styled
def draw(points: list[dict[str, Any]], path: Path) -> None:
    """CPU time against achieved error, the median and the 99th percentile side by side."""
    figure = new_figure(4.2)
    panels = figure.subplots(1, 2, sharey=True)
    for panel, (key, label) in zip(panels, PANELS, strict=True):
        for name, (color, marker, line) in LOOK.items():
            curve = [p for p in points if p["method"] == name]
            panel.loglog([p[key] for p in curve], [p["cpu_microseconds"] for p in curve], color=color, marker=marker,
                         linestyle=line, markersize=5, label=curve[0]["label"] if curve else None)  # fmt: skip
        panel.set_xlabel(f"{label} at $t = 30$")
        panel.grid(True, which="major", color="0.9", linewidth=0.6)
        panel.invert_xaxis()
    panels[0].set_ylabel(r"CPU time per trajectory ($\mu$s)")
    handles = [h for h in panels[0].get_lines() if not h.get_label().startswith("_")]
    figure.legend(handles=handles, loc="outside upper center", ncols=4, handlelength=2.6)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=200)
    print(path)


if __name__ == "__main__":
    file = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "results" / "work_precision.json"
    draw(json.loads(file.read_text())["points"], file.with_suffix(".png"))
