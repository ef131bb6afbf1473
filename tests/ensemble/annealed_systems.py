"""A small flow with a known solution under every schedule, with its breakpoints and without them."""

from vicollapse import schedules
from vicollapse.symbolic import System, symbols


def annealed(schedule, known=1):
    """y' = -beta(t) y^2, z' = -z + y: 1/y = 1/y0 + the integral of beta; with `known` = 0 the kinks are not told."""
    y, z = symbols("y z")
    parameters = symbols(" ".join(schedules.parameter_names(schedule)))
    system = System(f"annealed_{schedule}_{known}", [y, z], parameters)
    beta, kinks = schedules.expression(schedule, system.time, {p.name: p for p in parameters})
    system.breakpoints = kinks if known else []
    system.rhs = [-system.define("beta", beta) * y**2, -z + y]
    return system
