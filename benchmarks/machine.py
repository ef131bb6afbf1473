"""What the benchmarks share: options, the description of the machine, clocks, tables and the stored results."""

import argparse
import json
import os
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
LIBRARIES = ("vicollapse", "numpy", "numba", "scipy", "sympy", "jax", "jaxlib", "diffrax", "snakemake", "h5py")


def options(name: str, description: str, add: Callable[[argparse.ArgumentParser], Any] | None = None):
    """Command line of a benchmark: `--quick`, `--output`, and what `add` adds."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", action="store_true", help="smoke run; stored only if --output is given")
    parser.add_argument("--output", type=Path, metavar="FILE", help=f"JSON file (benchmarks/results/{name}.json)")
    if add:
        add(parser)
    chosen = parser.parse_args()
    if chosen.output is None and not chosen.quick:
        chosen.output = RESULTS / f"{name}.json"
    return chosen


def describe() -> dict[str, Any]:
    """Processor, cores, versions, date, and the load before the start (a busy machine spoils every number)."""
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "cores_used": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "libraries": {name: _version(name) for name in LIBRARIES},
        "load_before": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def store(path: Path | None, quick: bool, machine: dict[str, Any], **results: Any) -> None:
    """Write the results with the machine they belong to; nothing if there is no path."""
    if path is None:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"machine": machine, "quick": quick, **results}, indent=1) + "\n")
    print(f"\n{path}")


@dataclass(frozen=True)
class Timing:
    """Seconds of one call: on the wall, and of all threads of this process together."""

    wall: float
    cpu: float


def timed(call: Callable[[], Any]) -> tuple[Any, Timing]:
    """Result of a call, and how long it took."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = call()
    return result, Timing(time.perf_counter() - wall, time.process_time() - cpu)


def print_table(heading: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """A Markdown table; numbers with three or four significant digits."""
    cells = [list(heading), *([_text(x) for x in row] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(heading))]
    cells.insert(1, ["-" * width for width in widths])
    for row in cells:
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |")


def _text(x: Any) -> str:
    if isinstance(x, float):
        return "-" if x != x else f"{x:,.0f}" if abs(x) >= 1000 else f"{x:.3g}"
    return "-" if x is None else f"{x:,}" if isinstance(x, int) else str(x)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or "unknown"
