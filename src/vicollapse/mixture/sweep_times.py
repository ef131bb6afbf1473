"""Times at which the sweeps of `leader_follower` stop: no kink within a step, and no step after the fate is settled."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vicollapse.mixture.planar_tables import least_aligning_beta

Array = NDArray[np.float64]

_STEP, _LATE_STEP = 0.5, 1.0  # in units of 1 / the fastest rate; late: the leader has arrived and follows beta
_ARRIVED = 0.05  # |d log x/dt| below this share of beta / 2
_MOST_STEPS = 2500  # beyond, an answer would take too long
_GROWTH, _NEGLIGIBLE = 0.25, 0.01  # of log(beta) within a step, unless what it changes in a logarithm is negligible
_FORGOTTEN = 8.0, 60.0, 200.0  # e-folds of the follower's instability after which the end no longer matters: usually,
# near the critical separation of beta = 1, where pairs linger, and below it
_SETTLED = 1.2  # times the smallest beta at which a pair stays aligned: from there on the follower is left behind


@dataclass(frozen=True)
class Course:
    """What drives the flow while it lasts.

    Parameters
    ----------
    separation : |mu|.
    beta : times -> inverse temperatures.
    kinks : times at which beta has kinks.
    t_end : time of observation.
    lost_mass : a mode is lost if its mass is below this share of its weight.
    """

    separation: float
    beta: Callable[[Array], Array]
    kinks: tuple[float, ...]
    t_end: float
    lost_mass: float

    def moments(self) -> Array:
        """Times from 0 to t_end that resolve beta: dense at the beginning, and before and after every kink."""
        stops = [t for t in self.kinks if t < self.t_end] + [self.t_end]
        near = np.geomspace(1e-9, 1, 500)
        times = [np.linspace(0, self.t_end, 500), self.t_end * near]
        times += [t + sign * t * near for t in stops for sign in (-1, 0, 1)]
        found = np.unique(np.concatenate(times))
        return found[found <= self.t_end]

    def settled_from(self) -> float:
        """beta from which a follower far behind stays behind, as long as beta does not fall below it again."""
        least, _ = least_aligning_beta(self.separation, self.lost_mass)
        return float(min(_SETTLED * least, (1 + least) / 2, 0.999))


class Steps:
    """Steps of the fastest rate, and short enough for beta, until the follower's end no longer matters.

    Parameters
    ----------
    course : separation, schedule and observation; once beta has exceeded `Course.settled_from` it stays above.
    instability : rate at which a follower leaves the midpoint for beta = 1, (c - 1)/2.
    """

    def __init__(self, course: Course, instability: float):
        self.course, self.instability, self.times, self.forgotten = course, instability, [0.0], 0.0
        self.stops = sorted({t for t in course.kinks if t < course.t_end} | {course.t_end})
        self.settled_from, self.beta = course.settled_from(), float(course.beta(np.array(0.0)))
        least, _ = least_aligning_beta(course.separation, course.lost_mass)
        self.enough = _FORGOTTEN[int(np.searchsorted((0.5, 1.0), least))]

    @property
    def now(self) -> float:
        """The last of the times so far."""
        return self.times[-1]

    @property
    def done(self) -> bool:
        """Whether t_end is reached, or the end forgotten, or there are too many steps."""
        return self.now >= self.course.t_end or self.forgotten >= self.enough or self.too_many

    @property
    def too_many(self) -> bool:
        """Whether the sweeps would take too long."""
        return len(self.times) > _MOST_STEPS

    def advance(self, growth: Array, fastest_repulsion: float) -> float:
        """The next time; `growth` is d log x/dt of the leader, the repulsion that of a follower beside it."""
        arrived = bool((np.abs(growth) < _ARRIVED * self.beta / 2).all())
        size, drive = (_LATE_STEP if arrived else _STEP), max(self.instability, 0.5)
        ahead = next(stop for stop in self.stops if stop > self.now)
        step = size / (fastest_repulsion + self.beta * drive)
        later = ahead if ahead < self.now + 1.01 * step else self.now + step
        while (then := self._beta_then(later, size, fastest_repulsion, drive)) is None:
            later = self.now + 0.6 * (later - self.now)
        if arrived and self.beta > self.settled_from:
            self.forgotten += (later - self.now) * self.beta * self.instability
        self.times.append(later)
        self.beta = then
        return later

    def _beta_then(self, later: float, size: float, fastest_repulsion: float, drive: float) -> float | None:
        """beta at the end of a step; None if the step is too long for it."""
        then, step = float(self.course.beta(np.array(later))), later - self.now
        known = abs(np.log(then / self.beta)) < _GROWTH or step * abs(then - self.beta) * drive < _NEGLIGIBLE
        return then if known and step * (fastest_repulsion + then * drive) < 1.3 * size else None
