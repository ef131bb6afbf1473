"""Small systems with known solutions; found by name, as the product's equations are."""

import sympy as sp

from vicollapse.symbolic import System, symbols, where


def reciprocal():
    """y' = -y^2 (1 + t), z' = -z + y: non-autonomous, nonlinear; y = 1 / (1/y0 + t + t^2/2)."""
    y, z = symbols("y z")
    system = System("reciprocal", [y, z], [])
    square = system.define("square", y**2)
    system.rhs = [-square * (1 + system.time), -z + y]
    system.observables = {"total": y + z}
    return system


def stiff():
    """y' = -k (y - 1/(1+t)) - 1/(1+t)^2: y = 1/(1+t) from y0 = 1, for any k."""
    (y,), (k,) = symbols("y"), symbols("k")
    system = System("stiff", [y], [k])
    slow = system.define("slow", 1 / (1 + system.time))
    system.rhs = [-k * (y - slow) - slow**2]
    return system


def kinked(known=1):
    """y' = 1 until t = kink, then y' = -2 y: a kink of the right-hand side that needs a breakpoint."""
    (y,), (kink,) = symbols("y"), symbols("kink")
    system = System(f"kinked{known}", [y], [kink], breakpoints=[kink] if known else [])
    system.rhs = [where(system.time - kink, -2 * y, sp.Integer(1))]
    return system


def falling():
    """x' = v, v' = -g: crosses x = 0 downwards; `landed` is terminal, `apex` only recorded."""
    x, v = symbols("x v")
    (g,) = symbols("g")
    system = System("falling", [x, v], [g], terminal=frozenset({"landed"}))
    system.rhs = [v, -g]
    system.events = {"apex": v, "landed": x}
    return system


def exploding():
    """y' = y^2: blows up at t = 1 / y0."""
    (y,) = symbols("y")
    system = System("exploding", [y], [])
    system.rhs = [y**2]
    return system
