"""From a System to assignments: Jacobian and df/dt by the chain rule, integrals expanded, shared terms once."""

from collections.abc import Iterable
from dataclasses import dataclass

import sympy as sp

from vicollapse.ensemble.expand import expand_integrals
from vicollapse.symbolic import System

Assignments = dict[sp.Symbol, sp.Expr]


@dataclass(frozen=True)
class Program:
    """Assignments in an order in which they can be evaluated, and the names of what they compute.

    Parameters
    ----------
    assignments : symbol -> expression in earlier symbols, state, parameters and time.
    outputs : name -> symbol or number: `rhs0`, `jacobian0_1` (nonzero entries), `time0` (df/dt, nonzero entries),
        `observable0`, `event0`, `rate0` (of the event), `breakpoint0`.
    """

    assignments: Assignments
    outputs: dict[str, sp.Expr]


def derive(system: System, terms: int) -> Program:
    """Right-hand side, derivatives, events and breakpoints of a system; integrals in `terms` terms."""
    return _finish(_Chain(system).outputs(), terms)


def derive_observables(system: System, terms: int) -> Program:
    """The observables of a system alone."""
    outputs = {f"observable{i}": x for i, x in enumerate(system.observables.values())}
    return _finish((dict(system.definitions), outputs), terms)


def in_order(assignments: Assignments, wanted: Iterable[sp.Expr]) -> Assignments:
    """The assignments that the expressions `wanted` need, sorted by dependence."""
    result: Assignments = {}

    def visit(expression):
        for symbol in sorted(sp.sympify(expression).free_symbols, key=str):
            if symbol in assignments and symbol not in result:
                visit(assignments[symbol])
                result[symbol] = assignments[symbol]

    for expression in wanted:
        visit(expression)
    return result


class _Chain:
    """Total derivatives by the chain rule through named definitions; never of the substituted expression."""

    def __init__(self, system):
        self.system, self.program, self.total, self.pivots = system, {}, {}, {}
        for symbol, expression in system.definitions.items():
            self.program[symbol] = expression
            if slopes := self._pivot_slopes(expression):
                self.pivots[symbol] = {x: self._name(f"d{symbol}_d{x}", d) for x, d in slopes.items()}
                self.total[symbol] = {symbol: sp.Integer(1)}
            else:
                self.total[symbol] = self._gradient(str(symbol), expression)

    def _pivot_slopes(self, expression):
        """A definition in three or more states alone keeps one column of its own until the end."""
        inside = expression.free_symbols
        states = [x for x in self.system.state if x in inside]
        if len(states) < 3 or not inside <= {*self.system.state, *self.system.parameters}:
            return {}
        return {x: expression.diff(x) for x in states}

    def _name(self, label, expression):
        if expression.is_Number or expression.is_Symbol:
            return expression
        symbol = sp.Symbol(label, real=True)
        self.program[symbol] = expression
        return symbol

    def _gradient(self, label, expression):
        """Total derivatives with respect to states, time and pivots."""
        partial = {}
        for s in sorted(expression.free_symbols, key=str):
            slope = expression.diff(s)
            if slope != 0:
                partial[s] = self._name(f"{label}_by_{s}", slope) if s in self.system.definitions else slope
        result = {}
        for x in (*self.system.state, self.system.time, *self.pivots):
            slope = sp.Add(*(p if s == x else p * self.total.get(s, {}).get(x, 0) for s, p in partial.items()))
            if slope != 0:
                result[x] = self._name(f"d{label}_d{x}", slope)
        return result

    def _resolved(self, label, expression):
        """Derivatives with respect to states and time, pivots eliminated."""
        gradient = self._gradient(label, expression)
        result = {}
        for x in (*self.system.state, self.system.time):
            slope = gradient.get(x, sp.Integer(0))
            slope += sp.Add(*(gradient.get(p, 0) * slopes.get(x, 0) for p, slopes in self.pivots.items()))
            if slope != 0:
                result[x] = self._name(f"slope_{label}_{x}", slope)
        return result

    def outputs(self):
        system, outputs = self.system, {}
        for i, expression in enumerate(system.rhs):
            outputs[f"rhs{i}"] = self._name(f"rhs{i}", sp.sympify(expression))
            slopes = self._resolved(f"rhs{i}", sp.sympify(expression))
            outputs |= {f"jacobian{i}_{j}": slopes[x] for j, x in enumerate(system.state) if x in slopes}
            if system.time in slopes:
                outputs[f"time{i}"] = slopes[system.time]
        for i, expression in enumerate(system.events.values()):
            slopes = self._resolved(f"event{i}", expression)
            along = (slopes.get(x, 0) * outputs[f"rhs{j}"] for j, x in enumerate(system.state))
            outputs[f"event{i}"] = self._name(f"event{i}", expression)
            outputs[f"rate{i}"] = self._name(f"rate{i}", sp.Add(slopes.get(system.time, 0), *along))
        outputs |= {f"breakpoint{i}": sp.sympify(x) for i, x in enumerate(system.breakpoints)}
        return self.program, outputs


def _finish(program_and_outputs, terms):
    """Expand the integrals, find common subexpressions, sort; every output becomes a symbol or a number."""
    program, outputs = program_and_outputs
    named = dict(program)
    for name, expression in outputs.items():
        if not (expression.is_Number or expression.is_Symbol):
            outputs[name] = sp.Symbol(name, real=True)
            named[outputs[name]] = expression
    expanded = expand_integrals(in_order(named, outputs.values()), terms)
    common, reduced = sp.cse(list(expanded.values()), symbols=sp.numbered_symbols("shared_", real=True), order="none")
    assignments = dict(common) | dict(zip(expanded, reduced, strict=True))
    return Program(in_order(assignments, outputs.values()), outputs)
