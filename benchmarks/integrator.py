"""The integrator against its peers: microseconds per trajectory on one thread, and whether they agree on the fates.

Every method is timed in every round, one after the other, so that a machine that slows down slows all of them. The
SciPy loops are slow: in each round they run on another stratified part of the problem set, and are scaled by count.
"""

import single_thread  # noqa: F401

# isort: split

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import machine
import numpy as np
from numpy.typing import NDArray
from peers import LABELS, available, numba_rhs, numpy_rhs
from problems import COUNT, RTOL, ProblemSet, classify, problem_set, statistics

from vicollapse.ensemble.solution import Solution
from vicollapse.experiments.gradient_flow import FATES_RTOL

PRODUCT = {f"vicollapse, rtol {rtol:g}": rtol for rtol in sorted({RTOL, 1e-3, 1e-2, FATES_RTOL})}
STATES, FATES = f"vicollapse, rtol {RTOL:g}", f"vicollapse, rtol {FATES_RTOL:g}"
SHARES = {"scipy_rk45": 40, "scipy_rk45_stop": 40, "scipy_lsoda": 40, "scipy_radau": 200, "scipy_lsoda_numba": 8,
          "torchode_tsit5": 4,
          "scipy_rk45_accurate": 200, "scipy_lsoda_accurate": 200}  # fmt: skip
"""One problem in so many is run per round; all of them where nothing is said."""
TARGETS = [(STATES, "scipy_rk45_accurate", 8000), (STATES, "diffrax_tsit5", 80),
           (FATES, "scipy_rk45_accurate", 50_000)]  # fmt: skip


@dataclass
class Method:
    """One way to integrate, what it cost in each round, and the fates that it found (-1: not run)."""

    name: str
    run: Callable[[ProblemSet], Any]
    share: int
    fates: NDArray[np.int64]
    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def round(self, problems: ProblemSet, order: NDArray[np.int64], number: int) -> None:
        """Run on this round's part of the problems; microseconds per trajectory are noted."""
        rows = order[number % self.share :: self.share]
        part = problems[rows]
        final, timing = machine.timed(lambda: self.run(part))
        self.wall.append(1e6 * timing.wall / len(rows))
        self.cpu.append(1e6 * timing.cpu / len(rows))
        self.fates[rows] = _fates(final, part)

    def agreement(self, truth: NDArray[np.int64]) -> float:
        """Share of the problems run on which the fate is that of the product at rtol 1e-8."""
        ran = self.fates >= 0
        return float(np.mean(self.fates[ran] == truth[ran]))


def main() -> None:
    options = machine.options("integrator", __doc__, lambda p: p.add_argument("--rounds", type=int, default=7))
    about, rounds = machine.describe(), 2 if options.quick else max(5, options.rounds)
    problems = problem_set(200 if options.quick else COUNT)
    truth = _fates(problems.solve(rtol=1e-8), problems)
    order = np.lexsort((problems.separation, truth))  # strata: every part has its share of each fate and separation
    methods = [*_products(len(problems)), *_peers(len(problems))]
    for method in methods:
        method.run(problems[:1] if method.share > 1 else problems)  # compiles and loads
    for number in range(rounds):
        for method in methods:
            method.round(problems, order, number)
        print(f"round {number + 1} of {rounds} done", flush=True)
    rows = [_row(method, truth) for method in methods]
    ratios, rhs = _ratios(methods), _right_hand_sides(problems)
    _print(rows, ratios, rhs)
    machine.store(options.output, options.quick, about, rounds=rounds, problems=len(problems), methods=rows,
                  ratios=ratios, microseconds_per_rhs=rhs)  # fmt: skip


def _fates(final: Any, problems: ProblemSet) -> NDArray[np.int64]:
    """Of the product's solution, or of a peer's final statistics; not part of the time."""
    y = statistics(final.states, problems.separation) if isinstance(final, Solution) else final
    return classify(y, problems.separation).astype(np.int64)


def _products(n: int) -> list[Method]:
    return [Method(name, partial(ProblemSet.solve, rtol=rtol), 1, np.full(n, -1)) for name, rtol in PRODUCT.items()]


def _peers(n: int) -> list[Method]:
    return [Method(name, run, SHARES.get(name, 1), np.full(n, -1)) for name, run in available().items()]


def _row(method: Method, truth: NDArray[np.int64]) -> dict[str, Any]:
    return {
        "method": method.name,
        "label": LABELS.get(method.name, method.name + " (fates only)" * (method.name == FATES)),
        "microseconds": float(np.median(method.wall)),
        "cpu_microseconds": float(np.median(method.cpu)),
        "rounds_wall": method.wall,
        "rounds_cpu": method.cpu,
        "trajectories": int((method.fates >= 0).sum()),
        "agreement": method.agreement(truth),
    }


def _ratios(methods: Sequence[Method]) -> list[dict[str, Any]]:
    """Peer's time over the product's, in the same round; the median over the rounds."""
    target = {(product, peer): value for product, peer, value in TARGETS}
    return [
        {
            "product": product.name,
            "peer": peer.name,
            "wall": float(np.median(np.divide(peer.wall, product.wall))),
            "cpu": float(np.median(np.divide(peer.cpu, product.cpu))),
            "target": target.get((product.name, peer.name)),
        }
        for product in methods
        for peer in methods
        if product.name in PRODUCT and peer.name not in PRODUCT
    ]


def _right_hand_sides(problems: ProblemSet, repeats: int = 5000) -> dict[str, float]:
    """Microseconds of one call from Python."""
    y, separation = problems.y[0], float(problems.separation[0])
    result = {}
    for name, call in (
        ("numpy", numpy_rhs(separation)),
        ("numpy, quadrature", numpy_rhs(separation, True)),
        ("numba", lambda t, y: numba_rhs(t, y, separation)),
    ):
        call(0.0, y)
        start = time.perf_counter()
        for _ in range(repeats):
            call(0.0, y)
        result[name] = 1e6 * (time.perf_counter() - start) / repeats
    return result


def _print(rows, ratios, rhs) -> None:
    print("\nmicroseconds per trajectory (median of the rounds), one thread")
    heading = ("method", "wall", "cpu", "trajectories", "fates as rtol 1e-8")
    cells = [(r["label"], r["microseconds"], r["cpu_microseconds"], r["trajectories"], f"{r['agreement']:.4f}")
             for r in rows]  # fmt: skip
    machine.print_table(heading, cells)
    print("\nhow many times faster than the peer")
    cells = [(r["product"], LABELS[r["peer"]], r["wall"], r["cpu"], r["target"]) for r in ratios]
    machine.print_table(("product", "peer", "wall", "cpu", "target"), cells)
    print("\none right-hand side, called from Python: " + ", ".join(f"{n} {v:.2f} us" for n, v in rhs.items()))


if __name__ == "__main__":
    main()
