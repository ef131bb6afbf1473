"""Every method shows its order, with exact solutions."""

import numpy as np
import pytest

from vicollapse.ensemble.methods import METHODS, method
from vicollapse.ensemble.solution import Problem, Status
from vicollapse.ensemble.solve import solve
from vicollapse.errors import ConfigError

STEPS = {"Rodas3": (20, 40, 80, 160), "Rodas4": (10, 20, 40, 80), "Rodas5P": (8, 16, 32, 64)}


def _errors(problem, start, parameters, exact, method, steps):
    errors = []
    for count in steps:
        s = solve(problem, start, parameters, 2.0, rtol=1e6, atol=1e6, method=method, dt_max=2.0 / count, terms=9)
        assert s.status[0] == Status.REACHED
        assert s.rejected[0] == 0
        errors.append(abs(s.states[0, 0] - exact))
    return errors


@pytest.mark.parametrize("name", METHODS)
def test_order_on_a_non_autonomous_nonlinear_problem(name):
    errors = _errors(Problem("toy_systems:reciprocal"), [1.5, 0.5], {}, 1 / (1 / 1.5 + 4), name, STEPS[name])
    slope = -np.polyfit(np.log(STEPS[name]), np.log(errors), 1)[0]
    assert slope == pytest.approx(method(name).order, abs=0.35)


def test_rodas5p_keeps_high_order_on_a_stiff_problem():
    """Prothero-Robinson: most methods drop to order 1 or 2 here, Rodas5P to about 4 (Steinebach 2023)."""
    steps = (4, 8, 16, 32, 64)
    errors = _errors(Problem("toy_systems:stiff"), [1.0], {"k": 1e3}, 1 / 3, "Rodas5P", steps)
    assert -np.polyfit(np.log(steps), np.log(errors), 1)[0] > 3


@pytest.mark.parametrize("name", METHODS)
def test_tables_satisfy_the_row_conditions(name):
    table = method(name)
    assert np.allclose(np.triu(table.A), 0)
    assert np.allclose(np.triu(table.C), 0)
    assert table.nodes[-1] == pytest.approx(1.0, abs=1e-12)  # stiffly accurate: the last stages sit at the end
    assert table.slopes[-1] == pytest.approx(0.0, abs=1e-9)


def test_unknown_method_names_the_nearest():
    with pytest.raises(ConfigError, match="Rodas5P"):
        method("Rodas5p")
