"""How jobs scale: the shared counter as measured, and a plain model of the efficiency with up to 10^4 ranks.

`python benchmarks/scaling_figure.py` draws benchmarks/results/scaling.png from the stored results of `scaling.py` and
`dispatch.py`, and prints the model as a table; docs/hpc.md shows both and states the assumptions.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import machine

from vicollapse.figures.style import BLUE, GREEN, ORANGE, VERMILLION, new_figure, styled
from vicollapse.sweep.batches import BATCHES_PER_RANK, MAX_SECONDS

RESULTS = Path(__file__).parent / "results"
RANKS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
SHARDS = {60: ORANGE, 240: GREEN, 1440: BLUE}
"""`shard_minutes`: core-minutes of a job -> colour."""


@dataclass(frozen=True)
class Costs:
    """Seconds that the efficiency goes to: start of a job, one take, one file written, one file merged by rank 0."""

    start: float
    take: float
    write: float
    merge: float


def measured() -> Costs:
    """From the stored results; the start is an assumption about clusters (this machine needs a quarter of it)."""
    dispatch = json.loads((RESULTS / "dispatch.json").read_text())
    take = max(row["beside_work_median"] for row in dispatch["rows"]) / 1e6
    return Costs(10.0, take, dispatch["files"]["write a part"], dispatch["files"]["merge a part"])


def efficiency(ranks: int, core_seconds: float, costs: Costs) -> float:
    """Of a job whose ranks have one thread each: time with nothing but the simulation over time that it takes."""
    alone = core_seconds / ranks
    batch = min(MAX_SECONDS, alone / BATCHES_PER_RANK if ranks > 1 else MAX_SECONDS)
    batches = alone / batch
    tail = batch / 2 if ranks > 1 else 0.0  # a rank waits half a batch for the last one, on average
    lost = costs.start + tail + batches * (costs.take + costs.write) + ranks * batches * costs.merge
    return alone / (alone + lost)


@styled
def draw(path: Path) -> None:
    """Time of a take against the number of ranks, and the efficiency of a job by the model and as measured."""
    figure = new_figure(3.6)
    left, right = figure.subplots(1, 2)
    _counter(left)
    _efficiency(right)
    figure.savefig(path, dpi=200)
    print(path)


def _counter(panel) -> None:
    rows = json.loads((RESULTS / "dispatch.json").read_text())["rows"]
    for way, color in (("shared memory", BLUE), ("network", VERMILLION)):
        mine = [row for row in rows if row["way"] == way]
        ranks = [row["ranks"] for row in mine]
        for key, look, what in (("beside_work_median", "o-", "median"), ("beside_work_99", "^:", "99 %")):
            panel.loglog(
                ranks, [row[key] / 1e3 for row in mine], look, color=color, markersize=4, label=f"{way}, {what}"
            )
    panel.set(xlabel="ranks, on two cores", ylabel="to take a batch, beside work (ms)")
    panel.legend(fontsize=7)


def _efficiency(panel) -> None:
    costs = measured()
    for minutes, color in SHARDS.items():
        values = [100 * efficiency(ranks, 60 * minutes, costs) for ranks in RANKS]
        panel.semilogx(RANKS, values, "-", color=color, label=f"model, shard_minutes: {minutes}")
    row = json.loads((RESULTS / "scaling.json").read_text())["rows"][1]
    panel.plot(row["ranks"], 100 * row["efficiency_work"], "ks", markersize=5, label="measured, without the start")
    panel.set(xlabel="ranks of a job, one thread each", ylabel="efficiency (%)", ylim=(0, 103))
    panel.legend(fontsize=7, loc="lower left")


def main() -> None:
    """Print the model and draw the figure."""
    costs = measured()
    print(costs)
    rows = [(n, *(f"{efficiency(n, 60 * minutes, costs):.1%}" for minutes in SHARDS)) for n in RANKS]
    machine.print_table(("ranks of a job", *(f"{minutes} core-minutes" for minutes in SHARDS)), rows)
    draw(RESULTS / "scaling.png")


if __name__ == "__main__":
    main()
