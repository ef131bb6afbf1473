"""What docs/extending.md says about a new term: its two lines are all that a penalty on the means needs."""

import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import sympy as sp

from vicollapse.ensemble.derive import derive
from vicollapse.ensemble.gpu_source import cuda_source
from vicollapse.ensemble.methods import method
from vicollapse.ensemble.solution import Problem
from vicollapse.ensemble.solve import solve
from vicollapse.mixture import equations

DOC = Path(__file__).parents[1] / "docs" / "extending.md"
PARAMETERS = {"separation": 3.0, "imbalance": 0.2, "beta0": 1.0}
STATE = np.array([0.3, 0.8, -0.4, 0.5, 0.1, 0.6, 0.2])


@pytest.fixture(scope="module")
def penalised(tmp_path_factory):
    """The equations with the two lines of the document in place of those that they extend."""
    source = Path(equations.__file__).read_text()
    for start in ("separation, h", "dU = "):
        (new,) = [line.strip() for line in DOC.read_text().splitlines() if line.startswith("    " + start)]
        (old,) = [line.strip() for line in source.splitlines() if line.startswith("    " + start)]
        assert new != old
        source = source.replace(old, new)
    folder = tmp_path_factory.mktemp("equations")
    (folder / "penalised_equations.py").write_text(source)
    sys.path.insert(0, str(folder))
    yield import_module("penalised_equations")
    sys.path.remove(str(folder))


def integrated(module, epsilon, t_end):
    problem = Problem(f"{module.__name__}:two_modes", ("softmax", "constant"))
    return solve(problem, STATE, PARAMETERS | {"epsilon": epsilon}, t_end, rtol=1e-8).states[0]


def test_the_term_is_in_the_jacobian(penalised):
    plain, changed = (derive(m.two_modes(), 8).outputs for m in (equations, penalised))
    assert set(changed) == set(plain)
    epsilon = sp.Symbol("epsilon", real=True)
    program = derive(penalised.two_modes(), 8)

    def expanded(expression):
        while inside := expression.free_symbols & set(program.assignments):
            expression = expression.xreplace({s: program.assignments[s] for s in inside})
        return expression

    for i in range(6):
        assert expanded(program.outputs[f"jacobian{i}_{i}"]).diff(epsilon) == -1


def test_the_term_acts_on_the_cpu(penalised):
    """After a short time each coordinate has moved by -epsilon y t more than without."""
    t = 1e-4
    moved = (integrated(penalised, 0.5, t) - integrated(penalised, 0.0, t)) / t
    np.testing.assert_allclose(moved, [*(-0.5 * STATE[:6]), 0.0], atol=1e-3)


def test_the_term_is_in_the_text_for_the_gpu(penalised):
    plain, changed = (cuda_source(m.two_modes(), method("GRK4T"), 8) for m in (equations, penalised))
    assert "constexpr int PARAMETERS = 3;" in plain
    assert "constexpr int PARAMETERS = 4;" in changed
    assert changed.count("*") >= plain.count("*") + 6
