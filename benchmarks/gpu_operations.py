"""FP64 operations of one attempted step, counted in the text of the generated kernels."""

import re

from vicollapse.ensemble.methods import Rosenbrock

ROOT = 16
"""A root is about eight multiply-adds on a GPU."""


def per_attempt(source: str, method: Rosenbrock) -> int:
    """Operations of linearise, factorise, all stages and the norm of the error; a multiply-add counts as two.

    Parameters
    ----------
    source : text of the kernels.
    method : the Rosenbrock method in it.
    """
    costs = {"sqrt": ROOT}
    for name in ("reciprocal", "reciprocal_root", "exp", "sigmoid"):
        costs[name] = _count(_body(source, f"double {name}"), costs)
    functions = ("void linearise", "void rates", "void factorise", "void substitute", "double norm")
    linearise, rates, factorise, substitute, norm = (_count(_body(source, name), costs) for name in functions)
    n, stages = (int(re.search(rf"constexpr int {k} = (\d+);", source)[1]) for k in ("N", "STAGES"))
    evaluations = sum(method.evaluated_at(s) == s for s in range(1, stages))
    sums = 2 * 2 * n * stages * (stages - 1) // 2  # of earlier stages: two tables, a multiply-add each
    ends = 2 * 2 * n * stages  # new state and error
    return linearise + factorise + evaluations * rates + stages * (substitute + 2 * n) + sums + ends + norm


def _body(source: str, name: str) -> str:
    return re.search(rf"INLINE {name}\(.*?\)\s*{{(.*?)}}\n\n", source, re.DOTALL)[1]


def _count(text: str, costs: dict[str, int]) -> int:
    text = re.sub(r"//.*|\[.*?\]", "", text)  # comments, indices
    total = len(re.findall(r"\*| \+ | - |\+=", text)) + 2 * text.count("fma(")
    return total + sum(cost * len(re.findall(rf"\b{name}\(", text)) for name, cost in costs.items())
