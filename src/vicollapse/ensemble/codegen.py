"""A System and a Rosenbrock method become the source of one numba module: prepare, linearise, step, observe, driver."""

from vicollapse.ensemble.derive import derive, in_order
from vicollapse.ensemble.error_scales import error_scales
from vicollapse.ensemble.lanes import LANES, LaneSource, text, weighted_sum
from vicollapse.ensemble.linear_algebra import factorise, solve
from vicollapse.ensemble.methods import Rosenbrock
from vicollapse.ensemble.observer import observer_source
from vicollapse.ensemble.template_files import runtime, template
from vicollapse.symbolic import System

_SCALARS = ("_now", "_dt", "_error", "_growth", "_rtol", "_atol")


def module_source(system: System, method: Rosenbrock, terms: int) -> str:
    """Complete source of the kernel module of a system.

    Parameters
    ----------
    system : the equations.
    method : the Rosenbrock method.
    terms : of the expansion of the logistic-normal integrals, see `mixture.expansion`.
    """
    kernel = _Kernel(system, method, terms)
    observer, observer_constants = observer_source(system)
    constants = {**kernel.constants(), **observer_constants}
    return "\n".join(
        [
            f'"""Generated from the equations of {system.name}: {method.name}, {terms} terms. Do not edit."""',
            "",
            runtime("runtime.py", terms),
            "\n".join(f"{name} = {value}" for name, value in constants.items()),
            "\n",
            kernel.source.python(),
            "\n",
            observer.python(),
            "\n",
            template("driver.py"),
        ]
    )


class _Kernel:
    def __init__(self, system, method, terms):
        self.system, self.method, self.n = system, method, len(system.state)
        self.program = derive(system, terms)
        self.parameters = [str(p) for p in system.parameters]
        rows = [f"{kind}{i}" for kind in ("_y", "_z", "_f") for i in range(self.n)]
        self.source = LaneSource([*rows, *self.parameters, *_SCALARS])
        self._hoist()
        self._prepare()
        self._linearise()
        self._step()
        self._check_names()

    def constants(self):
        rows, n, events = self.source.rows, self.n, list(self.system.events)
        return {
            "STATE_NAMES": repr(tuple(str(x) for x in self.system.state)),
            "PARAMETER_NAMES": repr(tuple(self.parameters)),
            "OBSERVABLE_NAMES": repr(tuple(self.system.observables)),
            "EVENT_NAMES": repr(tuple(events)),
            "W": LANES,
            "N": n,
            "PARAMETERS": len(self.parameters),
            "ROWS": len(rows),
            "ORDER": self.method.order,
            "BREAKPOINTS": len(self.system.breakpoints),
            "EVENTS": len(events),
            "TERMINAL": repr(tuple(name in self.system.terminal for name in events) or (False,)),
            **{"Y": 0, "Z": n, "F": 2 * n, "P": 3 * n},
            **{name[1:].upper(): rows[name] for name in _SCALARS},
            "BREAKPOINT": rows.get("_breakpoint0", 0),
            "EVENT": rows.get("_event0", 0),
            "RATE": rows.get("_rate0", 0),
        }

    def _needs(self, outputs):
        return in_order(self.program.assignments, outputs)

    def _hoist(self):
        """Split off what depends on parameters alone: it is computed once per trajectory."""
        known, self.hoisted = set(self.system.parameters), {}
        for symbol, expression in self.program.assignments.items():
            if expression.free_symbols <= known:
                known.add(symbol)
                self.hoisted[symbol] = expression
        later = [x for s, x in self.program.assignments.items() if s not in self.hoisted]
        self.kept = {s for x in (*later, *self.program.outputs.values()) for s in x.free_symbols} & set(self.hoisted)

    def _prepare(self):
        self.source.function("prepare")
        self.source.loop()
        for s, x in in_order(self.hoisted, sorted(self.kept, key=str)).items():
            (self.source.keep if s in self.kept else self.source.let)(str(s), text(x))
        for i in range(len(self.system.breakpoints)):
            self.source.keep(f"_breakpoint{i}", text(self.program.outputs[f"breakpoint{i}"]))

    def _evaluate(self, outputs, point, time):
        for x, value in zip(self.system.state, point, strict=True):
            self.source.let(str(x), value)
        self.source.let(str(self.system.time), time)
        for s, x in self._needs(outputs).items():
            if s not in self.hoisted:
                self.source.let(str(s), text(x))

    def _linearise(self):
        """Right-hand side, Jacobian, df/dt and events at the accepted state."""
        wanted = {k: x for k, x in self.program.outputs.items() if not k.startswith("breakpoint")}
        self.source.function("linearise")
        self.source.loop()
        self._evaluate(wanted.values(), [f"_y{i}" for i in range(self.n)], "_now")
        for kind, row in (("rhs", "_f"), ("jacobian", "_J"), ("time", "_ft"), ("event", "_event"), ("rate", "_rate")):
            for name in (k for k in wanted if k.startswith(kind)):
                self.source.keep(row + name.removeprefix(kind), text(wanted[name]))

    def _jacobian_entries(self):
        return {tuple(map(int, k[8:].split("_"))) for k in self.program.outputs if k.startswith("jacobian")}

    def _step(self):
        source, method = self.source, self.method
        source.function("step")
        source.loop()
        source.keep("_per_dt", "1.0 / _dt")
        entries = factorise(source, self._jacobian_entries(), self.n, method.gamma)
        for stage in range(method.stages):
            if stage:
                source.loop()
            self._stage(stage)
            solve(source, entries, self.n)
            for i in range(self.n):
                source.keep(f"_k{stage}_{i}", f"_b{i}")
        source.loop()
        self._new_state_and_error()

    def _stage(self, stage):
        method, source, n = self.method, self.source, self.n
        first = method.evaluated_at(stage)
        if first == stage > 0:
            rows = [weighted_sum((method.A[stage, s], f"_k{s}_{i}") for s in range(stage)) for i in range(n)]
            rhs = [self.program.outputs[f"rhs{i}"] for i in range(n)]
            time = f"_now + {float(method.nodes[stage])!r} * _dt"
            self._evaluate(rhs, [f"_y{i} + {row}" for i, row in enumerate(rows)], time)
        reused = any(method.evaluated_at(s) == stage for s in range(stage + 1, method.stages))
        for i in range(n):
            value = f"_f{i}" if first == 0 else f"_f{first}_{i}"
            if first == stage > 0:
                value = text(self.program.outputs[f"rhs{i}"])
                if reused:
                    source.keep(f"_f{stage}_{i}", value)
            explicit = weighted_sum((method.C[stage, s], f"_k{s}_{i}") for s in range(stage))
            earlier = f" + _per_dt * ({explicit})" if stage else ""
            source.let(f"_b{i}", f"{value}{self._time_term(stage, i)}{earlier}")

    def _time_term(self, stage, i):
        slope = float(self.method.slopes[stage])
        if f"time{i}" not in self.program.outputs or abs(slope) < 1e-12:
            return ""
        return f" + {slope!r} * _dt * _ft{i}"

    def _new_state_and_error(self):
        source, method, n = self.source, self.method, self.n
        stages = range(method.stages)
        for i in range(n):
            source.let(f"_z{i}", f"_y{i} + {weighted_sum((method.new[s], f'_k{s}_{i}') for s in stages)}")
            source.let(f"_e{i}", weighted_sum((method.error[s], f"_k{s}_{i}") for s in stages))
        lengths, sizes = error_scales(self.system, "_y{}", "_z{}")
        for name, length in lengths.items():
            source.let(name, length)
        for i, size in enumerate(sizes):
            source.let(f"_e{i}", f"_e{i} / (_atol + _rtol * {size})")
        source.let("_error", f"sqrt(({' + '.join(f'_e{i} * _e{i}' for i in range(n))}) / {float(n)})")
        source.let("_growth", "growth(_error)")

    def _check_names(self):
        names = [str(s) for s in (*self.system.state, self.system.time, *self.system.parameters)]
        assert len(set(names)) == len(names), f"a name stands twice among state, time and parameters: {names}"
        clash = ({str(s) for s in self.program.assignments} - {str(s) for s in self.kept}) & set(self.source.rows)
        assert not clash, f"names of the equations that the generator uses itself: {clash}"
