"""The separatrix between coverage and alignment, by alternating sweeps along it.

For fixed equal weights and a balanced target the fate depends on the coordinates of both means along mu and on the
distance v of the means across it. Let x > 0 be the coordinate that leads (the larger one), rho = x_follower / x in
(-1, 1), D^2 = x^2 (1 - rho)^2 + v^2, R = S(-D^2/2, D), F(x) = |mu| T(x). The closed flow reads

    d log x/dt = (R (1 - rho) + beta (F(x)/x - 1)) / 2,        dv/dt = (R - beta/2) v,
    d rho/dt = (beta (F(rho x) - rho F(x))/x - R (1 - rho^2)) / 2.

The follower's way is unstable forwards, hence stable backwards. So x and v are integrated forwards along a given rho,
rho backwards along that x and v from the boundary of "a mode is lost" at the end, in turn, until they agree: this is
the trajectory that parts the two fates, and rho at its beginning the critical ratio. A start aligns iff rho exceeds it.
"""

import numpy as np
from numpy.typing import NDArray

from vicollapse.mixture.planar_tables import PLACES, least_aligning_beta, pull, repulsion
from vicollapse.mixture.sweep_times import Course, Steps

Array = NDArray[np.float64]

_AGREEMENT = 1e-3  # of the angles of two sweeps, on average: 1/1500 as a probability
_CURVES_AGREE = 0.02  # the same at any time: ratios near 1 at the beginning may hide that the sweeps differ later
_MOST_SWEEPS = 30  # 3 are usual; near the critical separation they alternate, and only a share of the new one is taken
_MOST_WORK = 10000  # steps of all sweeps together
_LARGEST = 1 - 1e-12  # of rho, where both means are one


def critical_ratio(course: Course, radius: Array, across: Array) -> Array:
    """Ratio of the coordinates along mu, smaller to larger, above which a start aligns.

    Parameters
    ----------
    course : separation, schedule and observation.
    radius, across : same shape; length of (x_1, x_2), and distance of the means across mu, at the beginning.

    Returns
    -------
    ratio : same shape, in (-1, 1]; 1 where nothing aligns. All NaN if the sweeps do not agree or take too long.

    Source: this project's derivation (module text).
    """
    flow, unknown = _Flow(course), np.full(radius.shape, np.nan)
    if (leader := flow.march(_start(radius, across, np.zeros(radius.shape)))) is None:
        return unknown
    ratio = flow.backwards(leader)
    share, before = np.ones(radius.shape), np.zeros(radius.shape)
    for _ in range(min(_MOST_SWEEPS, _MOST_WORK // len(flow.times))):
        following = flow.backwards(flow.forwards(_start(radius, across, ratio.values[0]), ratio))
        changes = np.arctan(following.values) - np.arctan(ratio.values)
        change = changes[0]
        if np.abs(change).mean() < _AGREEMENT and np.abs(changes).mean(axis=1).max() < _CURVES_AGREE:
            return following.values[0]
        share, before = np.where(change * before < 0, np.maximum(share / 2, 0.05), np.minimum(share * 1.2, 1)), change
        ratio = ratio.mixed(following, share)
    return unknown


def _start(radius: Array, across: Array, rho: Array) -> Array:
    return np.stack([np.log(radius) - np.log1p(rho * rho) / 2, across])


class _Curve:
    """Values and slopes at the times of a grid."""

    def __init__(self, values: list[Array], slopes: list[Array]):
        self.values, self.slopes = values, slopes

    def mixed(self, other: "_Curve", share: Array) -> "_Curve":
        """Between this curve and the other one, of which it takes a share."""
        pairs = ((self.values, other.values), (self.slopes, other.slopes))
        return _Curve(*([(1 - share) * old + share * new for old, new in zip(*pair, strict=True)] for pair in pairs))

    def stages(self, n: int, step: float) -> tuple[Array, Array, Array]:
        """At the beginning, in the middle (cubic Hermite) and at the end of a step."""
        left, right = self.values[n], self.values[n + 1]
        middle = (left + right) / 2 + step / 8 * (self.slopes[n] - self.slopes[n + 1])
        return left, middle, right


class _Flow:
    def __init__(self, course: Course):
        self.course = course
        self.pull, self.gain = pull(course.separation)
        self.times, self.betas = [0.0], np.empty((0, 3))  # beta at the beginning, in the middle, at the end of steps

    def lead(self, y, rho, beta):
        """d(log x, v)/dt."""
        x = np.exp(y[0])
        R = repulsion(x * (1 - rho), y[1])
        return np.stack([(R * (1 - rho) + beta * (self._force(x) / x - 1)) / 2, (R - beta / 2) * y[1]])

    def follow(self, rho, y, beta):
        """d rho/dt."""
        x = np.exp(y[0])
        R = repulsion(x * (1 - rho), y[1])
        return (beta * (self._force(rho * x) - rho * self._force(x)) / x - R * (1 - rho * rho)) / 2

    def march(self, y):
        """The leader's course while the follower stays at 0; the grid of times is chosen on the way."""
        steps = Steps(self.course, max(self.gain - 1, 0.0) / 2)
        values, slopes, alone = [y], list[Array](), (np.zeros(y.shape[1:]),) * 3
        betas = list[Array]()
        while not steps.done:
            slope = self.lead(y, alone[0], steps.beta)
            t, later = steps.now, steps.advance(slope[0], _stiffness(y[1]))
            betas.append(self.course.beta(np.array([t, (t + later) / 2, later])))
            y, slope = _runge_kutta(self.lead, y, later - t, alone, betas[-1])
            values.append(y)
            slopes.append(slope)
        if steps.too_many:
            return None
        self.times, self.betas = steps.times, np.array(betas)
        return _Curve(values, [*slopes, self.lead(y, alone[0], self.betas[-1, 2])])

    def forwards(self, y, ratio):
        """The leader's course along a given ratio."""
        values, slopes = [y], list[Array]()
        for n, step in enumerate(np.diff(self.times)):
            y, slope = _runge_kutta(self.lead, y, step, ratio.stages(n, step), self.betas[n])
            values.append(y)
            slopes.append(slope)
        return _Curve(values, [*slopes, self.lead(y, ratio.values[-1], self.betas[-1, 2])])

    def backwards(self, leader):
        """The ratio along the leader's course that just does not lose a mode at the end."""
        rho, steps = self._boundary(np.exp(leader.values[-1][0])), np.diff(self.times)
        values, slopes = [rho], list[Array]()
        for n in range(len(steps) - 1, -1, -1):
            stages = leader.stages(n, steps[n])[::-1]
            rho, slope = _runge_kutta(self.follow, rho, -steps[n], stages, self.betas[n, ::-1])
            rho = np.clip(rho, -_LARGEST, _LARGEST)
            values.append(rho)
            slopes.append(slope)
        slopes = [*slopes, self.follow(rho, leader.values[0], self.betas[0, 0])]
        return _Curve(values[::-1], slopes[::-1])

    def _boundary(self, x):
        """Ratio at the end that just does not lose a mode: by its mass at t_end, before between the stationary ones."""
        if self.times[-1] < self.course.t_end:
            return np.full(x.shape, least_aligning_beta(self.course.separation)[1])
        wanted = self.course.separation * (2 - 2 * self.course.lost_mass) - self._force(x)  # mass: (2 - T_1 - T_2)/4
        return np.clip(np.interp(wanted, self.pull, PLACES) / x, -_LARGEST, _LARGEST)

    def _force(self, x):
        return np.interp(x, PLACES, self.pull)


def _stiffness(across):
    """Fastest rate of the distances: R, and -d(R D)/dD, which is about R D^2/4 for large D."""
    return float((repulsion(0.0, across) * (1 + across * across / 4)).max())


def _runge_kutta(f, y, step, stages, betas):
    """One step of the classical method of order 4, and the slope at its beginning."""
    k1 = f(y, stages[0], betas[0])
    k2 = f(y + step / 2 * k1, stages[1], betas[1])
    k3 = f(y + step / 2 * k2, stages[1], betas[1])
    k4 = f(y + step * k3, stages[2], betas[2])
    return y + step / 6 * (k1 + 2 * (k2 + k3) + k4), k1
