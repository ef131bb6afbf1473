"""Straight-line source over SIMD lanes: functions made of loops `for j in range(W)` on one flat work array.

Every quantity that survives a loop is a row of the work array, w[row * W + j]; everything else is a local of its loop.
LLVM turns each loop into vector instructions, so W trajectories advance for little more than the price of one.
"""

import re
from collections.abc import Iterator

import sympy as sp
from sympy.printing.str import StrPrinter

LANES = 16
"""Two AVX-512 or four AVX2 registers; measured best on both. 8 is unrolled before the vectoriser sees the loop."""

_NAME = re.compile(r"\b[A-Za-z_]\w*\b(?!\()")


class _Printer(StrPrinter):
    """Expressions in the common subset of Python and C."""

    def _print_number(self, e):
        return repr(float(e))

    _print_Rational = _print_Integer = _print_Float = _print_Half = _print_One = _print_NegativeOne = _print_number
    _print_Zero = _print_number

    def _print_Pow(self, e, rational=False):
        base, power = self._print(e.base), e.exp
        if abs(power) == sp.S.Half:
            root = f"sqrt({base})"
            return root if power > 0 else f"(1.0 / {root})"
        if not (power.is_Integer and abs(power) <= 4):
            raise NotImplementedError(f"power {e}: write it with exp, sqrt or integers up to 4")
        product = f"({' * '.join([f'({base})'] * abs(int(power)))})"
        return product if power > 0 else f"(1.0 / {product})"


text = _Printer().doprint


def weighted_sum(pairs: "Iterator[tuple[float, str]]") -> str:
    """Text of sum c * x over the pairs with nonzero c."""
    return " + ".join(f"{float(c)!r} * {x}" for c, x in pairs if c != 0) or "0.0"


class LaneSource:
    """Collects functions of lane loops; rows are given out in order of first use.

    Parameters
    ----------
    rows : names of the first rows (what the driver reads and writes).
    """

    def __init__(self, rows: list[str]):
        self.rows = {name: i for i, name in enumerate(rows)}
        self._functions: dict[str, list[list[tuple[str, str]]]] = {}

    def function(self, name: str) -> None:
        """Start a function of the work array."""
        self._loops = self._functions[name] = []

    def loop(self) -> None:
        """Start a loop over the lanes."""
        self._loops.append([])

    def let(self, name: str, expression: str) -> None:
        """Assign to a local of the loop, or to a row if `name` is one."""
        self._loops[-1].append((name, expression))

    def keep(self, name: str, expression: str) -> None:
        """Assign to a row, made if it is new."""
        self.rows.setdefault(name, len(self.rows))
        self.let(name, expression)

    def names(self) -> set[str]:
        """All names assigned to."""
        return {name for loops in self._functions.values() for loop in loops for name, _ in loop}

    def python(self, lanes: int = LANES) -> str:
        """The functions as numba source."""
        return "\n\n\n".join(self._python_function(name, lanes) for name in self._functions)

    def _python_function(self, name, lanes):
        lines = ["@inline", f"def {name}(w):"]
        for loop in self._functions[name]:
            lines.append(f"    for j in range({lanes}):")
            lines += [f"        {self._addressed(f'{x} = {e}', lanes)}" for x, e in loop] or ["        pass"]
        return "\n".join(lines if len(lines) > 2 else [*lines, "    pass"])

    def _addressed(self, line, lanes):
        return _NAME.sub(lambda m: f"w[{self.rows[m[0]] * lanes} + j]" if m[0] in self.rows else m[0], line)
