"""Times at which the sweeps of `leader_follower` stop: no kink within a step, and no step after the fate is settled."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vicollapse.mixture.planar_tables import least_aligning_beta

Array = NDArray[np.float64]

_STEP, _LATE_STEP = 0.5, 1.0  # in units of 1 / the fastest rate; late: the leader has arrived and follows beta
_ARRIVED = 0.05  # |d log x/dt| below this share of beta / 2
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


class Steps:
    """Steps of the fastest rate, until the follower's end no longer matters.

    Parameters
    ----------
    course : separation, schedule and observation.
    instability : rate at which a follower leaves the midpoint for beta = 1, (c - 1)/2.
    """

    def __init__(self, course: Course, instability: float):
        self.course, self.instability, self.times, self.forgotten = course, instability, [0.0], 0.0
        self.stops = sorted({t for t in course.kinks if t < course.t_end} | {course.t_end})
        moments = np.union1d([0.0, *self.stops], np.geomspace(1e-6, 1, 2000) * course.t_end)
        self.table = moments, course.beta(moments)
        least, _ = least_aligning_beta(course.separation, course.lost_mass)
        self.settled_from = min(_SETTLED * least, (1 + least) / 2, 0.999)
        self.enough = _FORGOTTEN[int(np.searchsorted((0.5, 1.0), least))]

    @property
    def now(self) -> float:
        """The last of the times so far."""
        return self.times[-1]

    @property
    def done(self) -> bool:
        """Whether t_end is reached, or the end forgotten."""
        return self.now >= self.course.t_end or self.forgotten >= self.enough

    def beta(self, t: float) -> float:
        """About beta(t), good enough to choose steps."""
        return float(np.interp(t, *self.table))

    def advance(self, growth: Array, fastest_repulsion: float) -> float:
        """The next time; `growth` is d log x/dt of the leader, the repulsion that of a follower beside it."""
        beta = self.beta(self.now)
        arrived = bool((np.abs(growth) < _ARRIVED * beta / 2).all())
        size, drive = (_LATE_STEP if arrived else _STEP), max(self.instability, 0.5)
        step = size / (fastest_repulsion + beta * drive)
        for _ in range(3):  # beta may grow within the step
            step = min(step, size / (fastest_repulsion + self.beta(self.now + step) * drive))
        ahead = next(stop for stop in self.stops if stop > self.now)
        later = ahead if ahead < self.now + 1.01 * step else self.now + step
        if arrived and beta > self.settled_from:
            self.forgotten += (later - self.now) * beta * self.instability
        self.times.append(later)
        return later
