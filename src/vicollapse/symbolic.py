"""The vocabulary in which equations are written: systems of ODEs, and the functions that SymPy does not have.

Nothing here knows about arrays, lanes or GPUs; `ensemble/` derives everything that it needs from a `System`.
"""

from dataclasses import dataclass, field

import sympy as sp


class LogisticNormal(sp.Function):
    """LogisticNormal(n, a, v) = (d/da)^n E log(1 + exp(a + sqrt(v) z)), z ~ N(0, 1): L for n = 0, S for n = 1.

    The heat equation d/dv = (d/da)^2 / 2 makes every derivative a LogisticNormal again.
    """

    nargs = 3

    def fdiff(self, argindex=1):
        """Derivative with respect to a (argument 2) or v (argument 3)."""
        n, a, v = self.args
        return LogisticNormal(n + 1, a, v) if argindex == 2 else LogisticNormal(n + 2, a, v) / 2


class sigmoid(sp.Function):
    """1 / (1 + exp(-x)), evaluated without overflow."""

    def fdiff(self, argindex=1):
        """Derivative: sigmoid(x) sigmoid(-x)."""
        return sigmoid(self.args[0]) * sigmoid(-self.args[0])


class where(sp.Function):
    """where(s, x, y) = x if s >= 0 else y, differentiated branch by branch (the switch itself has no derivative)."""

    def _eval_derivative(self, s):
        switch, x, y = self.args
        dx, dy = x.diff(s), y.diff(s)
        return dx if dx == dy else where(switch, dx, dy)


@dataclass
class System:
    """dy/dt = rhs(t, y; parameters), with named intermediate quantities.

    Parameters
    ----------
    name : identifier, part of the names of generated files.
    state, parameters : symbols, in the order of the columns of the arrays.
    definitions : symbol -> expression, each in terms of state, parameters, time and earlier definitions.
    rhs : one expression per state.
    breakpoints : expressions in the parameters alone, times at which rhs may have a kink: no step crosses one.
    observables : name -> expression, evaluated at the end of a trajectory.
    events : name -> expression; the first time at which it changes sign is recorded.
    terminal : names of the events that end a trajectory.
    relative_to : state -> the components of a vector that it is one of: its error is relative to the vector's length,
        where the direction of a single coordinate means nothing. Of other states, to the state itself.
    """

    name: str
    state: list[sp.Symbol]
    parameters: list[sp.Symbol]
    time: sp.Symbol = field(default_factory=lambda: sp.Symbol("t", real=True))
    definitions: dict[sp.Symbol, sp.Expr] = field(default_factory=dict)
    rhs: list[sp.Expr] = field(default_factory=list)
    breakpoints: list[sp.Expr] = field(default_factory=list)
    observables: dict[str, sp.Expr] = field(default_factory=dict)
    events: dict[str, sp.Expr] = field(default_factory=dict)
    terminal: frozenset[str] = frozenset()
    relative_to: dict[sp.Symbol, tuple[sp.Symbol, ...]] = field(default_factory=dict)

    def define(self, name: str, expression: sp.Expr | float) -> sp.Symbol:
        """Give an intermediate quantity a name; the symbol that stands for it is returned."""
        symbol = sp.Symbol(name, real=True)
        if symbol in self.definitions or symbol in (*self.state, *self.parameters, self.time):
            raise ValueError(f"'{name}' is defined twice in system '{self.name}'")
        if name.startswith("_"):
            raise ValueError(f"'{name}': names that start with an underscore belong to the code generator")
        self.definitions[symbol] = sp.sympify(expression)
        return symbol


def symbols(names: str) -> list[sp.Symbol]:
    """Real symbols from names separated by spaces, always as a list."""
    return [sp.Symbol(name, real=True) for name in names.split()]
