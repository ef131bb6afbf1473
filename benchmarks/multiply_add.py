"""How near the CPU kernels are to the multiply-add limit of one core, measured in the same run.

An attempted step is counted in the text of its kernel: additions, multiplications, divisions and roots are one
operation each, comparisons and choices none; the driver's own work counts as time but not as operations. The limit is
that of a loop of independent multiply-adds, two operations each.
"""

import single_thread  # noqa: F401

# isort: split

import ast
import inspect
import statistics

import machine
import numba
import numpy as np
from problems import FLOW, RTOL, problem_set

from vicollapse.ensemble import cpu
from vicollapse.ensemble.solve import default_method, default_terms
from vicollapse.experiments.gradient_flow import FATES_RTOL

TURNS, CHAINS = 200_000, 128
COUNTED = (ast.Add, ast.Sub, ast.Mult, ast.Div)


@numba.njit(fastmath={"contract"})
def multiply_adds(x, turns):
    """`turns` rounds over the independent chains, which stay in registers."""
    chains = np.empty(CHAINS)
    for k in range(CHAINS):
        chains[k] = x[k]
    for _ in range(turns):
        for k in range(CHAINS):
            chains[k] = chains[k] * 0.999 + 0.001
    return chains.sum()


def main() -> None:
    options = machine.options("multiply_add", __doc__, lambda p: p.add_argument("--rounds", type=int, default=7))
    about, rounds = machine.describe(), 2 if options.quick else options.rounds
    problems = problem_set(1000 if options.quick else 20_000)
    x, turns = np.ones(CHAINS), TURNS // 20 if options.quick else TURNS
    multiply_adds(x, 1)
    counts = {rtol: operations(rtol) for rtol in (RTOL, FATES_RTOL)}
    for rtol in counts:
        problems[:1].solve(rtol=rtol)
    limits, rates = [], {rtol: [] for rtol in counts}
    for _ in range(rounds):
        limits.append(2 * CHAINS * turns / machine.timed(lambda: multiply_adds(x, turns))[1].cpu)
        for rtol, count in counts.items():
            final, timing = machine.timed(lambda r=rtol: problems.solve(rtol=r))
            rates[rtol].append(count * int((final.accepted + final.rejected).sum()) / timing.cpu)
    rows = [
        {
            "rtol": rtol,
            "operations_per_attempt": counts[rtol],
            "gflops": statistics.median(rates[rtol]) / 1e9,
            "of_limit": statistics.median(np.divide(rates[rtol], limits)),
        }
        for rtol in counts
    ]
    print(f"limit of multiply-adds: {statistics.median(limits) / 1e9:.1f} Gflop/s")
    machine.print_table(tuple(rows[0]), [tuple(row.values()) for row in rows])
    machine.store(options.output, options.quick, about, rounds=rounds, limit=statistics.median(limits), rows=rows)


def operations(rtol: float) -> int:
    """Operations of `linearise` and `step` for one trajectory, counted in the source of the kernel."""
    kernel = cpu._compiled(FLOW, default_method(rtol), default_terms(rtol))
    functions = {f.name: f for f in ast.parse(inspect.getsource(kernel)).body if isinstance(f, ast.FunctionDef)}
    return sum(_operations(functions[name], functions) for name in ("linearise", "step"))


def _operations(node: ast.AST, functions: dict[str, ast.FunctionDef]) -> int:
    if isinstance(node, ast.Subscript):
        return 0  # arithmetic of indices
    count = isinstance(node, ast.BinOp) and isinstance(node.op, COUNTED)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        called = functions.get(node.func.id)
        count = _operations(called, functions) if called else node.func.id == "sqrt"
    return int(count) + sum(_operations(child, functions) for child in ast.iter_child_nodes(node))


if __name__ == "__main__":
    main()
