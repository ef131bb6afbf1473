"""The flow is minus the gradient of the reverse KL: finite differences of a KL computed by quadrature in space."""

import numpy as np
import pytest
import sympy as sp
from scipy.special import expit, logsumexp

from vicollapse.ensemble.derive import derive
from vicollapse.ensemble.reference import _equations
from vicollapse.ensemble.solution import Problem
from vicollapse.mixture.coordinates import coordinates_from_state, state_from_coordinates
from vicollapse.mixture.equations import STATE, WEIGHTS, two_modes
from vicollapse.schedules import CLOCK_START, evaluate

SCHEDULES = ("constant", "linear", "linear_temperature", "geometric", "exponential", "adaptive", "table3")
VALUES = {
    "constant": [0.7],
    "linear": [0.1, 8.0],
    "linear_temperature": [0.1, 8.0],
    "geometric": [0.1, 8.0],
    "exponential": [0.1, 8.0],
    "adaptive": [0.1, 2.0, 0.7],
    "table3": [0.0, 2.0, 8.0, 0.1, 0.4, 1.0],
}


def kl(U, logit, separation, h, beta):
    """E_q[log q - beta log p] by the trapezoid rule in the plane, exponentially accurate for smooth integrands."""
    U = U[:, :2]
    axis = np.arange(-8.0, 8.01, 0.08)
    normal = np.exp(-(axis**2) / 2) / np.exp(-(axis**2) / 2).sum()
    offsets = np.stack(np.meshgrid(axis, axis, indexing="ij"), -1).reshape(-1, 2)
    mass = np.outer(normal, normal).ravel()
    w = np.array([expit(logit), expit(-logit)])
    modes = np.array([[separation, 0], [-separation, 0]])
    pi = np.array([expit(2 * h), expit(-2 * h)])

    def log_mixture(x, means, weights):
        return logsumexp([np.log(v) - ((x - m) ** 2).sum(1) / 2 for v, m in zip(weights, means, strict=True)], axis=0)

    total = 0.0
    for k in range(2):
        x = U[k] + offsets
        total += w[k] * mass @ (log_mixture(x, U, w) - beta * log_mixture(x, modes, pi))
    return total


def gradient(f, x, step=1e-4):
    """Central differences of fourth order."""
    result = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        e = np.zeros_like(x)
        e[i] = step
        result[i] = (8 * (f(x + e) - f(x - e)) - (f(x + 2 * e) - f(x - 2 * e))) / (12 * step)
    return result


def flow(weights, U, logit, separation, h, beta):
    """dU/dt (2, 3) and dlogit/dt from the equations, with the reference integrals."""
    equations = _equations(Problem("vicollapse.mixture.equations:two_modes", (weights, "constant")))
    state = [*state_from_coordinates(U), logit]
    values = [separation, h, beta]
    inputs = [*state[:6], *values, logit] if weights == "fixed" else [*state, *values]
    rhs = np.array(equations.rhs(0.0, *inputs), float)
    return coordinates_from_state(rhs[:6]), rhs[6] if len(rhs) > 6 else 0.0


CASES = [(0.4, 1.0, 0.0, 1.0), (-1.3, 2.5, 0.3, 0.6), (2.0, 4.0, -0.5, 0.2)]


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize(("logit", "separation", "h", "beta"), CASES)
def test_flow_is_the_gradient_of_an_independent_kl(weights, logit, separation, h, beta):
    U = np.random.default_rng(3).normal(size=(2, 3)) * [1.5, 0.8, 0.0]
    dU, dlogit = flow(weights, U, logit, separation, h, beta)
    by_means = gradient(lambda V: kl(V, logit, separation, h, beta), U)
    by_logit = gradient(lambda x: kl(U, x[0], separation, h, beta), np.array([logit]))[0]
    w = np.array([expit(logit), expit(-logit)])
    speed = 1 / w[:, None] if weights == "wasserstein_fisher_rao" else 1.0
    # d omega_k/dt = -dL/d omega_k gives -2 dL/dlogit for the softmax; Fisher-Rao divides by w_1 w_2.
    expected = {"fixed": 0.0, "softmax": -2 * by_logit}.get(weights, -by_logit / w.prod())
    assert dU == pytest.approx(-speed * by_means, abs=1e-8)
    assert dlogit == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize(("logit", "separation", "h", "beta"), CASES)
def test_observables_against_quadrature(logit, separation, h, beta):
    U = np.random.default_rng(5).normal(size=(2, 3)) * [2.0, 0.8, 0.0]
    equations = _equations(Problem("vicollapse.mixture.equations:two_modes", ("softmax", "constant")))
    observed = equations.observe(0.0, *state_from_coordinates(U), logit, separation, h, beta)
    names = list(equations.system.observables)
    assert observed[names.index("kl")] == pytest.approx(kl(U, logit, separation, h, 1.0), abs=1e-10)
    rng = np.random.default_rng(0)
    x = np.where(rng.random(200_000) < expit(logit), U[0, 0], U[1, 0]) + rng.standard_normal(200_000)
    plus = expit(2 * (separation * x + h))
    assert observed[names.index("mass_plus")] == pytest.approx(plus.mean(), abs=4 * plus.std() / np.sqrt(x.size))
    assert sum(observed[:2]) == pytest.approx(1.0, abs=1e-12)
    assert observed[2:4] == pytest.approx([expit(logit), expit(-logit)])


def _numeric(program, names):
    """A derived program as a function, with the elementary functions of NumPy and SciPy."""
    functions = {
        "where": lambda s, x, y: x if s >= 0 else y,
        "sigmoid": expit,
    }
    return sp.lambdify(
        names,
        list(program.outputs.values()),
        [functions, "numpy"],
        cse=lambda _: (list(program.assignments.items()), list(program.outputs.values())),
    )


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("weights", WEIGHTS)
def test_derived_jacobian_and_time_derivative_against_differences(weights, schedule):
    system = two_modes(weights, schedule)
    program = derive(system, 20)
    evaluate = _numeric(program, [system.time, *system.state, *system.parameters])
    rng = np.random.default_rng(11)
    n = len(system.state)
    for time in (1.1, 3.3):
        y = rng.normal(size=n)
        parameters = [2.2, 0.3, *VALUES[schedule], *([0.8] if weights == "fixed" else [])]

        def value(t, y, parameters=parameters):
            return dict(zip(program.outputs, evaluate(t, *y, *parameters), strict=True))

        def rhs(t, y, value=value):
            out = value(t, y)
            return np.array([out[f"rhs{i}"] for i in range(n)])

        out = value(time, y)
        jacobian = np.array([[out.get(f"jacobian{i}_{j}", 0.0) for j in range(n)] for i in range(n)])
        by_time = np.array([out.get(f"time{i}", 0.0) for i in range(n)])
        columns = [(rhs(time, y + e) - rhs(time, y - e)) / 2e-6 for e in 1e-6 * np.eye(n)]
        assert jacobian == pytest.approx(np.array(columns).T, abs=2e-8)
        assert by_time == pytest.approx((rhs(time + 1e-6, y) - rhs(time - 1e-6, y)) / 2e-6, abs=2e-8)


def test_schedules_as_numbers():
    beta, t = sp.Symbol("beta", real=True), sp.Symbol("t", real=True)
    expected = {
        "linear": lambda t: min(1, 0.1 + 0.9 * t / 8),
        "linear_temperature": lambda t: 1 / max(1, 10 - 9 * t / 8),
        "geometric": lambda t: min(1, 0.1 ** max(0, 1 - t / 8)),
        "exponential": lambda t: 1 - 0.9 * np.exp(-t / 8),
        "table3": lambda t: np.interp(t, [0, 2, 8], [0.1, 0.4, 1.0]),
        "constant": lambda t: 0.7,
    }  # the adaptive one depends on its clock
    for schedule, formula in expected.items():
        system = two_modes("softmax", schedule)
        function = sp.lambdify(
            [t, *system.parameters[2:]],
            system.definitions[beta],
            [{"where": lambda s, x, y: x if s >= 0 else y}, "numpy"],
        )
        for time in (0.0, 1.0, 2.0, 5.0, 8.0, 9.0, 1e3):
            assert function(time, *VALUES[schedule]) == pytest.approx(formula(time)), (schedule, time)


def test_flow_is_isotropic_across():
    """Turning the means about mu turns the flow; so the plane of the quadrature tests stands for all directions."""
    U, logit = np.random.default_rng(2).normal(size=(2, 3)), -0.4
    turn = np.array([[1, 0, 0], [0, np.cos(0.7), np.sin(0.7)], [0, -np.sin(0.7), np.cos(0.7)]])
    dU, dlogit = flow("softmax", U, logit, 2.0, 0.4, 0.7)
    turned, dlogit_turned = flow("softmax", U @ turn, logit, 2.0, 0.4, 0.7)
    assert turned == pytest.approx(dU @ turn, abs=1e-12)
    assert dlogit_turned == pytest.approx(dlogit, abs=1e-12)


def test_symmetries():
    """Swapping the components, and mirroring modes and means, must only relabel the flow."""
    U, logit = np.random.default_rng(1).normal(size=(2, 3)), 0.9
    dU, dlogit = flow("softmax", U, logit, 2.0, 0.4, 0.7)
    swapped, dlogit_swapped = flow("softmax", U[::-1], -logit, 2.0, 0.4, 0.7)
    assert swapped[::-1] == pytest.approx(dU, abs=1e-12)
    assert dlogit_swapped == pytest.approx(-dlogit, abs=1e-12)
    mirror = np.array([-1, 1, 1])
    mirrored, dlogit_mirrored = flow("softmax", U * mirror, logit, 2.0, -0.4, 0.7)
    assert mirrored * mirror == pytest.approx(dU, abs=1e-12)
    assert dlogit_mirrored == pytest.approx(dlogit, abs=1e-12)


def test_state_has_the_documented_order():
    assert tuple(map(str, two_modes("softmax").state)) == STATE
    assert tuple(map(str, two_modes("fixed").state)) == STATE[:6]
    assert tuple(map(str, two_modes("softmax", "adaptive").state)) == (*STATE, "clock")
    assert tuple(map(str, two_modes("fixed", "adaptive").state)) == (*STATE[:6], "clock")


@pytest.mark.parametrize("weights", WEIGHTS)
def test_adaptive_clock_runs_by_the_speed_of_the_means(weights):
    """d beta/dt = beta (1 - beta) / time_constant / (1 + (speed / rate)^2), with the speed of u_1 and u_2."""
    equations = _equations(Problem("vicollapse.mixture.equations:two_modes", (weights, "adaptive")))
    U, logit, clock = np.random.default_rng(8).normal(size=(2, 3)), 0.4, 2.6
    given = dict(zip(("beta0", "time_constant", "rate"), VALUES["adaptive"], strict=True))
    start, low, beta, high = evaluate("adaptive", np.array([CLOCK_START, clock - 1e-5, clock, clock + 1e-5]), given)
    assert start == pytest.approx(given["beta0"])
    assert 0.2 < beta < 0.8
    state = [*state_from_coordinates(U), *([] if weights == "fixed" else [logit]), clock]
    parameters = [2.0, 0.4, *given.values(), *([logit] if weights == "fixed" else [])]
    rhs = np.array(equations.rhs(0.0, *state, *parameters), float)
    dU, dlogit = flow(weights, U, logit, 2.0, 0.4, beta)
    assert coordinates_from_state(rhs[:6]) == pytest.approx(dU, abs=1e-12)
    speed2 = (dU**2).sum() / 2
    assert speed2 > 0.05
    expected = beta * (1 - beta) / given["time_constant"] / (1 + speed2 / given["rate"] ** 2)
    assert (high - low) / 2e-5 * rhs[-1] == pytest.approx(expected, rel=1e-8)
    assert weights == "fixed" or rhs[6] == pytest.approx(dlogit, abs=1e-12)
