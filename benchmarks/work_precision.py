"""Error achieved at t = 30 against time per trajectory, on one thread, and how much faster at equal error.

The error of a trajectory is max_j |y - y*|_j / (1 + |y*|_j) over the six statistics. y* is the product at rtol 1e-11,
itself checked on a sample against SciPy with accurate quadrature (backend "reference"). It includes what the probit
mixtures leave: 8 terms for the peers, as many as the product takes by default at each tolerance.
"""

import single_thread  # noqa: F401

# isort: split

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import machine
import numpy as np
from numpy.typing import NDArray
from peers import LABELS, available
from problems import COUNT, ProblemSet, problem_set, statistics
from work_precision_figure import draw

from vicollapse.ensemble.solve import default_terms

T_END = 30.0
TOLERANCES = tuple(10.0**-k for k in range(3, 10))
METHODS = ("GRK4T", "Rodas5P")
SHARES = {"scipy_rk45": 40, "scipy_lsoda": 40, "scipy_radau": 100, "scipy_lsoda_numba": 10, "torchode_tsit5": 20}
"""One problem in so many; all where nothing is said."""
EQUAL_ERRORS = (1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8)
SAMPLE, REPEATS = 20, 3


@dataclass(frozen=True)
class Curve:
    """One method: `run(problems, rtol)` gives the final statistics."""

    name: str
    label: str
    run: Callable[[ProblemSet, float], NDArray[np.float64]]
    share: int = 1


def main() -> None:
    options = machine.options("work_precision", __doc__)
    about, tolerances = machine.describe(), (1e-3, 1e-6) if options.quick else TOLERANCES
    problems = problem_set(200 if options.quick else COUNT)
    exact = _product(problems, 1e-11)
    points, found = [], {}
    for curve in _curves():
        for rtol in tolerances:
            point, found[curve.name, rtol] = _point(curve, problems, exact, rtol, options.quick)
            points.append(point)
    check = _check(problems, exact, 2 if options.quick else SAMPLE)
    ratios = equal_error_ratios(points, found)
    _print(points, ratios, check)
    machine.store(options.output, options.quick, about, t_end=T_END, reference_check=check, points=points,
                  ratios_at_equal_error=ratios)  # fmt: skip
    if options.output:
        draw(points, options.output.with_suffix(".png"))


def _curves() -> list[Curve]:
    own = [
        Curve(name, f"vicollapse {name}", lambda problems, rtol, name=name: _product(problems, rtol, method=name))
        for name in METHODS
    ]
    peers = [
        Curve(name, LABELS[name], lambda problems, rtol, peer=peer: peer(problems, T_END, rtol), SHARES.get(name, 1))
        for name, peer in available().items()
        if name not in ("scipy_rk45_stop", "diffrax_tsit5")
        and "accurate" not in name  # nothing is steady before t = 30
    ]
    return own + peers


def _product(problems: ProblemSet, rtol: float, **options: Any) -> NDArray[np.float64]:
    return statistics(problems.solve(T_END, rtol, **options).states, problems.separation)


def errors(y: NDArray[np.float64], exact: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of every trajectory, (n,)."""
    return (np.abs(y - exact) / (1 + np.abs(exact))).max(axis=1)


def _point(curve: Curve, problems: ProblemSet, exact, rtol: float, quick: bool) -> tuple[dict[str, Any], Any]:
    """What is stored of one method at one tolerance, and the errors of its trajectories."""
    rows = np.arange(0, len(problems), curve.share)
    part = problems[rows]
    curve.run(part if curve.share == 1 else part[:1], rtol)  # compiles and loads
    repeats = REPEATS if curve.share == 1 and not quick else 1
    runs = [machine.timed(lambda: curve.run(part, rtol)) for _ in range(repeats)]
    error = errors(runs[0][0], exact[rows])
    print(f"{curve.label}, rtol {rtol:g}: done", flush=True)
    point = {
        "method": curve.name,
        "label": curve.label,
        "rtol": rtol,
        "terms": default_terms(rtol) if curve.name in METHODS else 8,
        "trajectories": len(rows),
        "microseconds": float(np.median([timing.wall for _, timing in runs])) * 1e6 / len(rows),
        "cpu_microseconds": float(np.median([timing.cpu for _, timing in runs])) * 1e6 / len(rows),
        "failed": int(np.isnan(error).sum()),
        "error_median": float(np.nanmedian(error)),
        "error_99": float(np.nanquantile(error, 0.99)),
        "error_max": float(np.nanmax(error)),
    }
    return point, error


def _check(problems: ProblemSet, exact, sample: int) -> dict[str, float]:
    """Error of what all are compared with, by an integrator and integrals that share nothing with it."""
    rows = np.linspace(0, len(problems) - 1, sample).astype(int)
    error = errors(_product(problems[rows], 1e-11, backend="reference"), exact[rows])
    return {"trajectories": sample, "error_median": float(np.median(error)), "error_max": float(error.max())}


def equal_error_ratios(points: list[dict[str, Any]], found: dict[tuple[str, float], Any]) -> list[dict[str, Any]]:
    """CPU time of a peer over that of the fastest of the product's methods, where both achieve the same median error.

    Median over the trajectories that the peer ran. Log-log interpolation between tolerances; None where it would be
    extrapolation.
    """
    result = []
    for name in dict.fromkeys(point["method"] for point in points):
        if name not in METHODS:
            share = SHARES.get(name, 1)
            own = np.array([_times(points, found, method, share) for method in METHODS])
            ratios = _times(points, found, name, 1) / np.fmin.reduce(own)
            result += [
                {"peer": name, "error": error, "ratio": None if np.isnan(ratio) else float(ratio)}
                for error, ratio in zip(EQUAL_ERRORS, ratios, strict=True)
            ]
    return result


def _times(points, found, name: str, stride: int) -> NDArray[np.float64]:
    """Microseconds at `EQUAL_ERRORS`, NaN outside what was measured."""
    curve = sorted(
        (np.nanmedian(found[name, p["rtol"]][::stride]), p["cpu_microseconds"]) for p in points if p["method"] == name
    )
    error, cost = np.log(curve).T
    return np.exp(np.interp(np.log(EQUAL_ERRORS), error, cost, left=np.nan, right=np.nan))


def _print(points, ratios, check) -> None:
    print(f"\nerrors at t = {T_END:g}, and CPU time on one thread")
    heading = ("method", "rtol", "probits", "us / trajectory", "median", "99 %", "max", "trajectories", "failed")
    keys = ("label", "rtol", "terms", "cpu_microseconds", "error_median", "error_99", "error_max", "trajectories",
            "failed")  # fmt: skip
    machine.print_table(heading, [[p[key] for key in keys] for p in points])
    print("\ntime of the peer over that of vicollapse at equal median error")
    peers = list(dict.fromkeys(r["peer"] for r in ratios))
    machine.print_table(("peer", *(f"{e:g}" for e in EQUAL_ERRORS)),
                        [(LABELS[p], *(r["ratio"] for r in ratios if r["peer"] == p)) for p in peers])  # fmt: skip
    print(f"\nwhat they are compared with, against accurate quadrature on {check['trajectories']} trajectories: "
          f"median {check['error_median']:.1e}, max {check['error_max']:.1e}")  # fmt: skip


if __name__ == "__main__":
    main()
