"""A System and a Rosenbrock method become CUDA C++: the stages are a loop, everything else is straight-line."""

import re
from collections.abc import Iterable

import sympy as sp

from vicollapse.ensemble.derive import Assignments, Program, derive
from vicollapse.ensemble.gpu_parts import error_norm, observer, tables
from vicollapse.ensemble.gpu_text import DeviceFunction, booleans, standing_for
from vicollapse.ensemble.linear_algebra import factorise, solve
from vicollapse.ensemble.methods import Rosenbrock
from vicollapse.ensemble.template_files import runtime, template
from vicollapse.symbolic import System


def cuda_source(system: System, method: Rosenbrock, terms: int) -> str:
    """Complete source of the kernels `integrate` and `observe_all` of a system.

    Parameters
    ----------
    system : the equations.
    method : the Rosenbrock method.
    terms : of the expansion of the logistic-normal integrals, see `mixture.expansion`.

    Returns
    -------
    str : it needs no header; THREADS and BLOCKS (per block, and blocks per multiprocessor) are left to the compiler.
    """
    kernel = _Kernel(system, method, terms)
    parts = [runtime("gpu_runtime.cuh", terms), kernel.constants(), tables(method), *kernel.functions, observer(system)]
    return "\n".join([*parts, template("gpu_driver.cu")])


class _Kernel:
    """The functions `prepare`, `rates`, `linearise`, `factorise`, `substitute` of the work array of a trajectory."""

    def __init__(self, system, method, terms):
        self.system, self.method, self.n = system, method, len(system.state)
        self.program = _without_copies(derive(system, terms), system.parameters)
        self.parameters = [str(p) for p in system.parameters]
        names = [*(f"{kind}{i}" for kind in ("_y", "_f") for i in range(self.n)), *self.parameters]
        self.rows = {name: row for row, name in enumerate(names)}
        self._hoist()
        entries = [
            self._prepare(),
            self._rates(),
            self._linearise(),
            *self._linear_algebra(),
            error_norm(system, self.rows),
        ]
        self.functions = [function.cuda() for function in entries]

    def _hoist(self):
        """Split off what depends on parameters alone: it is computed once per trajectory, and kept in rows."""
        assignments, known = self.program.assignments, set(self.system.parameters)
        known |= _depends_on_nothing_else(assignments, known)
        self.later = {s: x for s, x in assignments.items() if s not in known}
        outputs = (x for k, x in self.program.outputs.items() if not k.startswith("breakpoint"))
        used = {s for x in (*self.later.values(), *outputs) for s in x.free_symbols}
        self.kept = {str(s): x for s, x in assignments.items() if s in known & used}

    def _outputs(self, kind):
        """Index in the name -> expression, of the outputs of one kind."""
        found = {k.removeprefix(kind): x for k, x in self.program.outputs.items()}
        return {i: x for i, x in found.items() if re.fullmatch(r"[0-9_]+", i)}

    def _prepare(self):
        function = DeviceFunction("void prepare(double* _w)", self.rows)
        wanted = self.kept | {f"_breakpoint{i}": x for i, x in self._outputs("breakpoint").items()}
        function.reserve(wanted)
        function.evaluate(self.program.assignments, wanted)
        return function

    def _at(self, state):
        """The program at a state, given as text."""
        return self.later | standing_for([*zip(self.system.state, state, strict=True), (self.system.time, "_now")])

    def _rates(self):
        signature = "void rates(const double* _w, const double (&_at)[N], double _now, double (&_rate)[N])"
        function = DeviceFunction(signature, self.rows)
        wanted = {f"_rate[{i}]": x for i, x in self._outputs("rhs").items()}
        function.evaluate(self._at([f"_at[{i}]" for i in range(self.n)]), wanted)
        return function

    def _linearise(self):
        """Right-hand side, Jacobian, df/dt and events at the accepted state."""
        function = DeviceFunction("void linearise(double* _w, double _now)", self.rows)
        rows = {"rhs": "_f", "jacobian": "_J", "time": "_ft", "event": "_event", "rate": "_rate"}
        wanted = {row + i: x for kind, row in rows.items() for i, x in self._outputs(kind).items()}
        if self._outputs("time"):
            wanted = {f"_ft{i}": sp.Integer(0) for i in range(self.n)} | wanted
        function.reserve(wanted)
        function.evaluate(self._at([f"_y{i}" for i in range(self.n)]), wanted)
        return function

    def _linear_algebra(self):
        jacobian = {(int(i), int(j)) for i, j in (k.split("_") for k in self._outputs("jacobian"))}
        for i, j in jacobian:  # the factors take the place of the Jacobian
            self.rows[f"_lu{i}_{j}"] = self.rows[f"_J{i}_{j}"]
        decompose = DeviceFunction("void factorise(double* _w, double _per_dt)", self.rows)
        entries = factorise(decompose, jacobian, self.n, self.method.gamma)
        substitute = DeviceFunction("void substitute(const double* _w, double (&_x)[N])", self.rows)
        for i in range(self.n):
            substitute.let(f"_b{i}", f"_x[{i}]")
        solve(substitute, entries, self.n)
        for i in range(self.n):
            substitute.assign(f"_x[{i}]", f"_b{i}")
        return decompose, substitute

    def constants(self) -> str:
        """Sizes, and the rows of the work array that the driver uses; the stages come last."""
        n, rows, events = self.n, self.rows, list(self.system.events)
        used = 1 + max(rows.values())
        sizes = {"N": n, "PARAMETERS": len(self.parameters), "STAGES": self.method.stages, "ORDER": self.method.order}
        sizes |= {"BREAKPOINTS": len(self.system.breakpoints), "EVENTS": len(events)}
        sizes |= {"OBSERVABLES": len(self.system.observables), "Y": 0, "F": n, "P": 2 * n}
        sizes |= {name.upper(): rows.get(f"_{name}0", 0) for name in ("ft", "breakpoint", "event", "rate")}
        sizes |= {"K": used, "ROWS": used + n * self.method.stages}
        terminal = [name in self.system.terminal for name in events] or [False]
        autonomous = not self._outputs("time")
        return "\n".join(
            [
                *(f"constexpr int {name} = {value};" for name, value in sizes.items()),
                f"constexpr bool AUTONOMOUS = {str(autonomous).lower()};",
                booleans("TERMINAL", terminal),
            ]
        )


def _without_copies(program: Program, parameters: Iterable[sp.Symbol]) -> Program:
    """Put in place what is another symbol, or a multiple of what parameters give: it is not worth a row."""
    fixed = _depends_on_nothing_else(program.assignments, set(parameters)) | set(parameters)
    copies: dict[sp.Symbol, sp.Expr] = {}
    assignments: Assignments = {}
    for symbol, expression in program.assignments.items():
        value = expression.xreplace(copies)
        factor, rest = value.as_coeff_Mul()
        if value.is_number or (rest.is_Symbol and (factor == 1 or rest in fixed)):
            copies[symbol] = value
        else:
            assignments[symbol] = value
    return Program(assignments, {name: x.xreplace(copies) for name, x in program.outputs.items()})


def _depends_on_nothing_else(assignments: Assignments, known: set[sp.Symbol]) -> set[sp.Symbol]:
    """What the known symbols alone determine."""
    found: set[sp.Symbol] = set()
    for symbol, expression in assignments.items():
        if expression.free_symbols <= known | found:
            found.add(symbol)
    return found
