"""Source of `observe`: the observables of a system, evaluated once at the end of each trajectory."""

from vicollapse.ensemble.derive import derive_observables, in_order
from vicollapse.ensemble.lanes import LaneSource, text
from vicollapse.symbolic import System

OBSERVABLE_TERMS = 20
"""Observables are evaluated once per trajectory: the most accurate expansion costs nothing there."""


def observer_source(system: System) -> tuple[LaneSource, dict[str, int]]:
    """`observe`, on a work array of its own: rows are state, parameters, outputs."""
    program = derive_observables(system, OBSERVABLE_TERMS)
    names = [str(x) for x in (*system.state, *system.parameters)]
    inputs = [f"_in{i}" for i in range(len(names))]
    source = LaneSource([*inputs, *(f"_out{i}" for i in range(len(system.observables)))])
    source.function("observe")
    source.loop()
    for name, value in zip(names, inputs, strict=True):
        source.let(name, value)
    source.let(str(system.time), "0.0")
    for s, x in in_order(program.assignments, program.outputs.values()).items():
        source.let(str(s), text(x))
    for i in range(len(system.observables)):
        source.let(f"_out{i}", text(program.outputs[f"observable{i}"]))
    return source, {"OBSERVABLES": len(system.observables), "OBSERVER_ROWS": len(source.rows)}
