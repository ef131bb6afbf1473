"""The closed gradient flow of the tempered reverse KL for two modes and two components, as mathematics.

Target p = pi_+ N(mu, I) + pi_- N(-mu, I), family q = w_1 N(u_1, I) + w_2 N(u_2, I). The rows of U are the components,
its columns the coordinates along mu and along two directions across: the flow never leaves span(mu, U_0), so any
dimension d costs the same. The rows are kept as mean and difference, u = mean +- diff / 2, which keeps D = |u_1 - u_2|
free of cancellation when the means approach each other.

Source: Stein's lemma for the gradients (Soletskyi, Gabrié, Loureiro, arXiv 2410.13300, give the closed equations for
summary statistics; these coordinates and the choice of weight geometries are ours). Derivation: docs/theory.md.
"""

import sympy as sp

from vicollapse import schedules
from vicollapse.symbolic import LogisticNormal, System, sigmoid, symbols, where

STATE = ("mean_1", "diff_1", "mean_2", "diff_2", "mean_3", "diff_3", "logit")
WEIGHTS = ("fixed", "softmax", "fisher_rao", "wasserstein_fisher_rao")


def two_modes(weights: str = "softmax", schedule: str = "constant") -> System:
    """The flow dU/dt = P U + Q N of the means and d logit/dt of the weights.

    Parameters
    ----------
    weights : geometry of the weights, one of `WEIGHTS`; with `fixed` the logit is a parameter, not a state.
    schedule : shape of beta(t), see `schedules.Annealing.shape`.

    Returns
    -------
    System : state `STATE` (lengths in units of the components' standard deviation, logit = log(w_1/w_2)), and `clock`
        after it for the schedules `WITH_CLOCK`; parameters separation |mu|, imbalance h = log(pi_+/pi_-)/2, and those
        of the schedule.
    """
    coordinates, logit = symbols(" ".join(STATE[:6])), sp.Symbol("logit", real=True)
    separation, h = parameters = symbols("separation imbalance")
    annealing = symbols(" ".join(schedules.parameter_names(schedule)))
    parameters = [*parameters, *annealing]
    trainable = weights != "fixed"
    clock = symbols("clock") if schedule in schedules.WITH_CLOCK else []
    flow = System(
        f"two_modes_{weights}_{schedule}",
        [*coordinates, *([logit] if trainable else []), *clock],
        parameters if trainable else [*parameters, logit],
    )
    of_schedule = {s.name: s for s in annealing}
    beta, flow.breakpoints = schedules.expression(schedule, [*clock, flow.time][0], of_schedule)
    beta = flow.define("beta", beta)
    mean, diff = coordinates[0::2], coordinates[1::2]
    flow.relative_to = {x: tuple(vector) for vector in (mean, diff) for x in vector[1:]}
    m1, m2 = (flow.define(f"m{k}", separation * (mean[0] + sign * diff[0] / 2)) for k, sign in ((1, 1), (2, -1)))
    T1, T2 = (
        flow.define(f"T{k}", 2 * LogisticNormal(1, 2 * (m + h), 4 * separation**2) - 1) for k, m in ((1, m1), (2, m2))
    )
    ratio, light, overlap = _family(flow, logit, diff)
    w1, w2, w1_minus_w2, exchange = _weights(flow, logit, ratio, light)

    if weights == "wasserstein_fisher_rao":
        c1, c2, total, excess = sp.Integer(1), sp.Integer(1), sp.Integer(2), sp.Integer(0)
        R12, R21 = where(logit, ratio * light, light), where(logit, light, ratio * light)
    else:
        c1, c2, total, excess, R12, R21 = w1, w2, sp.Integer(1), w1_minus_w2, exchange, exchange
    P = [
        [-beta * total / 2, (R12 - R21) / 2 - beta * excess / 4],
        [-beta * excess, R12 + R21 - beta * total / 2],
    ]
    P = sp.Matrix(2, 2, lambda i, j: flow.define(f"P{i}{j}", P[i][j]))
    Q = sp.Matrix([beta * (c1 * T1 + c2 * T2) / 2, beta * (c1 * T1 - c2 * T2)])
    U = sp.Matrix([mean, diff])
    dU = P * U + Q * sp.Matrix([[separation, 0, 0]])

    energy = _energy_difference(flow, mean, diff, separation, h, m1, m2)
    gap = flow.define("gap", logit + overlap + beta * energy)
    speed = {"fixed": 0, "softmax": 2 * w1 * w2, "fisher_rao": 1, "wasserstein_fisher_rao": 1}[weights]
    flow.rhs = [dU[i, j] for j in range(3) for i in range(2)] + ([-speed * gap] if trainable else [])
    if clock:
        flow.rhs[:6] = dU = [flow.define(f"d{x}", rate) for x, rate in zip(coordinates, flow.rhs, strict=False)]
        flow.rhs.append(_clock_rate(flow, dU, **of_schedule))
    flow.observables = _observables(flow, mean, diff, logit, separation, h, m1, m2)
    return flow


def _family(flow, logit, diff):
    """w_light / w_heavy, R of the lighter component, and L(-logit - D^2/2, D) - L(logit - D^2/2, D).

    The last one is the family's part of l_1 - l_2 beyond the logit.
    """
    size = flow.define("size", where(logit, logit, -logit))
    ratio = flow.define("ratio", sp.exp(-size))
    D2 = flow.define("D2", sum(x**2 for x in diff))
    light = flow.define("light", LogisticNormal(1, size - D2 / 2, D2))
    overlap = LogisticNormal(0, -size - D2 / 2, D2) - LogisticNormal(0, size - D2 / 2, D2)
    return ratio, light, where(logit, overlap, -overlap)


def _weights(flow, logit, ratio, light):
    """w_1, w_2, their difference, and w_1 R_12 = w_2 R_21 (detailed balance): one exponential for all."""
    heavy = flow.define("heavy", 1 / (1 + ratio))
    w_light = flow.define("w_light", ratio * heavy)
    w1 = flow.define("w1", where(logit, heavy, w_light))
    w2 = flow.define("w2", where(logit, w_light, heavy))
    difference = heavy - w_light
    exchange = flow.define("exchange", w_light * light)
    return w1, w2, flow.define("w1_minus_w2", where(logit, difference, -difference)), exchange


def _clock_rate(flow, dU, time_constant, rate, **_):
    """Time constants per unit of time; slow while the means move fast, compared with `rate`."""
    speed2 = flow.define("speed2", sum(x**2 for x in dU[0::2]) + sum(x**2 for x in dU[1::2]) / 4)
    return 1 / (time_constant * (1 + speed2 / rate**2))


def _energy_difference(flow, mean, diff, separation, h, m1, m2):
    """Difference of -E log p between the components; (s_11 - s_22)/2 = mean.diff."""
    quadratic = separation * diff[0] + sum(x * y for x, y in zip(mean, diff, strict=True))
    L1, L2 = (LogisticNormal(0, 2 * (m + h), 4 * separation**2) for m in (m1, m2))
    return flow.define("energy", quadratic - L1 + L2)


def _observables(flow, mean, diff, logit, separation, h, m1, m2):
    """Mode masses E_q[t_j], weights and the reverse KL at beta = 1."""
    w1, w2, D2 = (sp.Symbol(name, real=True) for name in ("w1", "w2", "D2"))
    near, far = ([LogisticNormal(1, sign * 2 * (m + h), 4 * separation**2) for m in (m1, m2)] for sign in (1, -1))
    log_2cosh_h = h + LogisticNormal(0, -2 * h, 0)
    free_energy = []
    for sign, w, m in ((1, w1, m1), (-1, w2, m2)):
        square = sum((x + sign * y / 2) ** 2 for x, y in zip(mean, diff, strict=True))
        entropy = -LogisticNormal(0, -sign * logit, 0) + LogisticNormal(0, -sign * logit - D2 / 2, D2)
        tilt = m + h + log_2cosh_h - LogisticNormal(0, 2 * (m + h), 4 * separation**2)
        target = (square + separation**2) / 2 + tilt
        free_energy.append(w * (entropy + target))
    return {
        "mass_plus": w1 * near[0] + w2 * near[1],
        "mass_minus": w1 * far[0] + w2 * far[1],
        "w_1": sigmoid(logit),
        "w_2": sigmoid(-logit),
        "kl": sum(free_energy),
    }
