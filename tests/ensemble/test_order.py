"""Every method shows its order, with exact solutions."""

import numpy as np
import pytest

from vicollapse.ensemble.methods import METHODS, method
from vicollapse.ensemble.solution import Problem, Status
from vicollapse.ensemble.solve import solve
from vicollapse.errors import ConfigError

STEPS = {"GRK4T": (10, 20, 40, 80), "Rodas5P": (8, 16, 32, 64)}


def _errors(problem, start, parameters, exact, method, steps):
    """The worst over the starts, so that no accidental zero of the error counts."""
    errors = []
    for count in steps:
        s = solve(problem, start, parameters, 2.0, rtol=1e6, atol=1e6, method=method, dt_max=2.0 / count, terms=8)
        assert (s.status == Status.REACHED).all()
        assert not s.rejected.any()
        errors.append(np.abs(s.states[:, 0] - exact).max())
    return errors


@pytest.mark.parametrize("name", METHODS)
def test_order_on_a_non_autonomous_nonlinear_problem(name):
    y = np.array([0.5, 0.75, 1.0, 1.25, 1.5, 2.0])
    starts, exact = np.column_stack([y, np.full(6, 0.5)]), 1 / (1 / y + 4)
    errors = _errors(Problem("toy_systems:reciprocal"), starts, {}, exact, name, STEPS[name])
    slope = -np.polyfit(np.log(STEPS[name]), np.log(errors), 1)[0]
    assert slope == pytest.approx(method(name).order, abs=0.35)


def test_rodas5p_keeps_high_order_on_a_stiff_problem():
    """Prothero-Robinson: most methods drop to order 1 or 2 here, Rodas5P to about 4 (Steinebach 2023)."""
    steps = (4, 8, 16, 32, 64)
    errors = _errors(Problem("toy_systems:stiff"), [1.0], {"k": 1e3}, 1 / 3, "Rodas5P", steps)
    assert -np.polyfit(np.log(steps), np.log(errors), 1)[0] > 3


@pytest.mark.parametrize("name", METHODS)
def test_tables_satisfy_the_order_conditions(name):
    """Up to order 4, and 3 of the embedded solution, in the form of Hairer and Wanner, table IV.7.1."""
    table = method(name)
    gamma = np.linalg.inv(np.eye(table.stages) / table.gamma - table.C)
    a, b, embedded = table.A @ gamma, table.new @ gamma, (table.new - table.error) @ gamma
    g, beta, alpha = table.gamma, a + gamma - table.gamma * np.eye(table.stages), a.sum(axis=1)
    beta_sum = beta.sum(axis=1)
    for weights in (b, embedded):
        assert weights.sum() == pytest.approx(1, abs=1e-10)
        assert weights @ beta_sum == pytest.approx(1 / 2 - g, abs=1e-10)
        assert weights @ alpha**2 == pytest.approx(1 / 3, abs=1e-10)
        assert weights @ beta @ beta_sum == pytest.approx(1 / 6 - g + g**2, abs=1e-10)
    assert b @ alpha**3 == pytest.approx(1 / 4, abs=1e-10)
    assert b @ (alpha * (a @ beta_sum)) == pytest.approx(1 / 8 - g / 3, abs=1e-10)
    assert b @ beta @ alpha**2 == pytest.approx(1 / 12 - g / 3, abs=1e-10)
    assert b @ beta @ beta @ beta_sum == pytest.approx(1 / 24 - g / 2 + 3 / 2 * g**2 - g**3, abs=1e-10)


@pytest.mark.parametrize("name", METHODS)
def test_nodes_and_slopes_are_row_sums(name):
    table = method(name)
    gamma = np.linalg.inv(np.eye(table.stages) / table.gamma - table.C)
    np.testing.assert_allclose(table.nodes, (table.A @ gamma).sum(axis=1), atol=1e-11)
    np.testing.assert_allclose(table.slopes, gamma.sum(axis=1), atol=1e-11)


def test_unknown_method_names_the_nearest():
    with pytest.raises(ConfigError, match="Rodas5P"):
        method("Rodas5p")
