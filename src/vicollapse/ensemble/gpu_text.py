"""Text of one CUDA function: straight-line statements on locals and on rows of the work array of a thread."""

import re
from collections.abc import Iterable, Mapping

import sympy as sp

from vicollapse.ensemble.derive import Assignments, in_order
from vicollapse.ensemble.lanes import LaneSource
from vicollapse.ensemble.lanes import text as plain

_NAME = re.compile(r"\b[A-Za-z_]\w*\b(?!\()")
_RECIPROCAL, _RECIPROCAL_ROOT, _ROOT = map(sp.Function, ("reciprocal", "reciprocal_root", "sqrt"))
_INVERSE = re.compile(r"^1\.0 / (\w+)$")


def text(expression: sp.Expr) -> str:
    """An expression in C, with the reciprocals of the runtime in place of divisions."""
    undivided = expression.replace(lambda x: x.is_Pow and x.exp not in (2, 3, 4), _power)
    return plain(undivided.xreplace({x: sp.Float(x) for x in undivided.atoms(sp.Rational) if not x.is_Integer}))


def _power(power: sp.Pow) -> sp.Expr:
    base, exponent = power.args
    if abs(exponent) == sp.S.Half:
        return _ROOT(base) if exponent > 0 else _RECIPROCAL_ROOT(base)
    return _RECIPROCAL(base**-exponent) if exponent.is_negative else power


def numbers(name: str, values: Iterable[float]) -> str:
    """A table of numbers in the constant memory of the device."""
    return f"static __constant__ double {name}[] = {{{', '.join(repr(float(x)) for x in values)}}};"


def booleans(name: str, values: Iterable[bool]) -> str:
    """A table of truth values in the constant memory of the device."""
    return f"static __constant__ bool {name}[] = {{{', '.join(str(x).lower() for x in values)}}};"


def standing_for(values: Iterable[tuple[sp.Symbol, str]]) -> Assignments:
    """Symbols that stand for a piece of text.

    Parameters
    ----------
    values : pairs of a symbol and its text.
    """
    return {symbol: sp.Symbol(piece, real=True) for symbol, piece in values}


def _reciprocal(inverse: re.Match[str]) -> str:
    return f"reciprocal({inverse[1]})"


class DeviceFunction(LaneSource):
    """Statements of one function; assigns to locals (`let`) or to rows of its argument `_w` (`keep`).

    Parameters
    ----------
    signature : result, name and arguments.
    rows : name -> row of the work array; `keep` adds to it.
    """

    def __init__(self, signature: str, rows: dict[str, int]):
        super().__init__([])
        self.signature, self.rows = signature, rows
        self._lines: list[str] = []
        self._known: set[str] = set()

    def let(self, name: str, expression: str) -> None:
        """Assign to a local, declared if it is new, or to a row if `name` is one."""
        new = name not in self.rows and name not in self._known
        self._known.add(name)
        self.assign(f"double {name}" if new else name, expression)

    def keep(self, name: str, expression: str) -> None:
        """Assign to a row, made if it is new."""
        self.reserve([name])
        self.let(name, expression)

    def reserve(self, names: Iterable[str]) -> None:
        """Give every name a row, if it has none; several names may share one."""
        for name in names:
            self.rows.setdefault(name, 1 + max(self.rows.values(), default=-1))

    def assign(self, target: str, expression: str) -> None:
        """Assign to a row, a known local or an element of an array."""
        line = f"{target} = {_INVERSE.sub(_reciprocal, expression)};"
        self._lines.append(_NAME.sub(self._place, line))

    def give(self, expression: str) -> None:
        """Return a value."""
        self._lines.append(f"return {expression};")

    def _place(self, name: re.Match[str]) -> str:
        return f"_w[{self.rows[name[0]]}]" if name[0] in self.rows else name[0]

    def evaluate(self, assignments: Assignments, wanted: Mapping[str, sp.Expr]) -> None:
        """Assign to every target as soon as what it needs is known, and to nothing that no target needs.

        Parameters
        ----------
        assignments : in any order; those to a row of that name are taken as done.
        wanted : target -> expression in the symbols of `assignments`.
        """
        for target, expression in wanted.items():
            for symbol, value in in_order(assignments, [expression]).items():
                if str(symbol) not in self._known and str(symbol) not in self.rows:
                    self.let(str(symbol), text(value))
            self.assign(target, text(expression))

    def cuda(self) -> str:
        """The function."""
        return "\n".join([f"INLINE {self.signature} {{", *(f"    {line}" for line in self._lines), "}", ""])
