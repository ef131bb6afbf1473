"""Probabilities of fates from a thousand trajectories: the separatrix is located, not sampled.

The law of isotropic starts does not change if the coordinates (x_1, x_2) along mu are turned in their plane. So the
angle in that plane is uniform given everything else (the radius and the part across mu), and the probability of a fate
is the mean length of its arcs. Every start of a quasi-random set gets a ring of angles, which begins at x_1 = x_2;
where neighbours on the ring end differently, bisection finds the separatrix. Where a fate may change more than once
between neighbours, a random turn of further angles checks the arcs found, and corrects them without bias. The edges of
the first fate are found first: the shares of the others are less accurate where three fates meet within a cell.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit
from scipy.stats import qmc

from vicollapse.mixture.initial_quantiles import across_from_uniform, radius_from_uniform

Array = NDArray[np.float64]
Classify = Callable[[Array], NDArray[np.integer]]

RANDOMISATIONS = 8
"""Independent repetitions, whose scatter is the error."""

_ANGLES, _BISECTIONS, _CHECKS = 8, 6, 24
_RINGS = 8  # per randomisation, at first
_UNSEEN = 2.5  # variance, in counts, of what the checks contradict too seldom for their scatter to show it


@dataclass(frozen=True)
class Shares:
    """Probability of each fate, from independent randomisations.

    Parameters
    ----------
    each : (RANDOMISATIONS, fates) estimates, unbiased.
    checks : random angles that were checked; 0 where the fate is known to be monotone.
    trajectories : how many starts were classified.
    """

    each: Array
    checks: int
    trajectories: int

    @property
    def probability(self) -> Array:
        """(fates,), each in [0, 1]."""
        return np.clip(self.each.mean(axis=0), 0, 1)

    @property
    def standard_error(self) -> Array:
        """(fates,), from the scatter of the randomisations, and from what may have escaped the checks."""
        unseen = _UNSEEN / self.checks**2 if self.checks else 0.0
        return np.sqrt(self.each.var(axis=0, ddof=1) / len(self.each) + unseen)

    def half_width(self, risk: float) -> Array:
        """(fates,) distance from the probability to a bound on either side that is wrong with this probability."""
        return float(stdtrit(len(self.each) - 1, 1 - risk)) * self.standard_error

    @property
    def error(self) -> Array:
        """(fates,) half the width of the 95 % interval."""
        return self.half_width(0.025)


def shares_of_fates(
    classify: Classify,
    fates: int,
    *,
    dimension: int,
    init_scale: float,
    balanced: bool,
    monotone: bool,
    tolerance: float = 2e-3,
    most_rings: int = 1024,
    seed: int = 0,
) -> Shares:
    """Probability of each fate of two means from N(0, init_scale^2 I_d), by arcs of angles between separatrices.

    Parameters
    ----------
    classify : coordinates (n, 2, 3) of starts, as of `mixture.initial` -> (n,) fates, in 0 .. fates - 1.
    fates : how many there are; the tolerance is that of the first one.
    dimension, init_scale : of the initial law.
    balanced : whether both modes weigh the same: then x -> -x changes no fate, and half a circle suffices.
    monotone : whether the fate changes at most once between neighbouring angles (fixed equal weights). Otherwise the
        error is not below 3.7 / checks: what is rarer may not have been seen.
    tolerance : rings are added until the error is below it; 0 takes all of them.
    most_rings : per randomisation, a power of two, after which it ends all the same.
    seed : of the randomisations.

    Returns
    -------
    Shares : the error says what was reached.

    Source: this project. Conditioning on everything but the angle, and randomised quasi-Monte Carlo for the rest.
    """
    period, checks = np.pi if balanced else 2 * np.pi, 0 if monotone else _CHECKS
    found, used = np.empty((RANDOMISATIONS, 0, fates)), 0
    for radius, across, rng in _starts(dimension, init_scale, most_rings, seed):
        rings = _Rings(classify, radius, across, period, rng)
        share = rings.shares(fates, checks)
        found, used = np.concatenate([found, share.reshape(RANDOMISATIONS, -1, fates)], axis=1), used + rings.used
        shares = Shares(found.mean(axis=1), checks * found.shape[1] * RANDOMISATIONS, used)
        if tolerance and shares.error[0] <= tolerance:
            break
    return shares


def _starts(dimension, init_scale, most, seed) -> Iterator[tuple[Array, Array, np.random.Generator]]:
    """Radius and part across mu of more and more rings: 8, 8, 16, 32, ... per randomisation, in its order."""
    rng = np.random.Generator(np.random.Philox(seed))
    engines = [qmc.Sobol(4, rng=generator) for generator in rng.spawn(RANDOMISATIONS)]
    total = 0
    while total < most:
        size = total or min(_RINGS, most)
        u = np.clip(np.concatenate([engine.random(size) for engine in engines]), 1e-12, 1 - 1e-12)
        yield radius_from_uniform(u[:, 0], init_scale), across_from_uniform(u[:, 1:], dimension, init_scale), rng
        total += size


class _Rings:
    """Fates around rings of starts, which differ in the angle of (x_1, x_2) alone, and the edges between them."""

    def __init__(self, classify, radius, across, period, rng):
        self.classify, self.radius, self.across, self.rng = classify, radius, across, rng
        self.cell, self.used = period / _ANGLES, 0
        ring, place = np.divmod(np.arange(len(radius) * _ANGLES), _ANGLES)
        self.left = self.fate(ring, place).reshape(-1, _ANGLES)
        self.right = np.roll(self.left, -1, axis=1)
        self.edge = np.full(self.left.shape, 0.5)
        self._bisect()

    def fate(self, ring, place):
        """Fates at places 0 .. _ANGLES on rings: angles in units of a cell, counted from x_1 = x_2."""
        angle = np.pi / 4 + place * self.cell
        U = np.zeros((len(ring), 2, 3))
        U[:, 0, 0], U[:, 1, 0] = self.radius[ring] * np.cos(angle), self.radius[ring] * np.sin(angle)
        U[:, :, 1:] = self.across[ring]
        self.used += len(ring)
        return np.asarray(self.classify(U), np.intp)

    def _bisect(self):
        """Find where, within a cell whose ends differ, the fate changes: `edge`, a fraction of the cell.

        The last angle is a random one between the two that enclose the edge, and the edge is put at the enclosing one
        that this angle is not separated from it by: so its mean is right, and arcs have no bias.
        """
        ring, cell = np.nonzero(self.left != self.right)
        low, width, last = np.zeros(len(ring)), 1.0, self.rng.random(self.left.shape)[ring, cell]
        for left in reversed(range(_BISECTIONS if len(ring) else 0)):
            step, width = (width / 2, width / 2) if left else (width * last, width)
            middle = self.fate(ring, cell + low + step)
            same = self._left_of_edge(middle, ring, cell)
            low = np.where(same, low + width, low)
            self.right[ring, cell] = np.where(same, self.right[ring, cell], middle)
        self.edge[ring, cell] = low

    def _left_of_edge(self, middle, ring, cell):
        """Where one of the ends has the first fate, the edge is its edge, whatever others there are."""
        left, right = self.left[ring, cell], self.right[ring, cell]
        return np.where((left == 0) != (right == 0), (middle == 0) == (left == 0), middle == left)

    def shares(self, fates, checks):
        """(rings, fates) lengths of the arcs, corrected by what random angles show."""
        arcs = [self.edge * (self.left == k) + (1 - self.edge) * (self.right == k) for k in range(fates)]
        share = np.stack([arc.mean(axis=1) for arc in arcs], axis=1)
        if checks:
            ring, spoke = np.divmod(np.arange(len(share) * checks), checks)
            place = (spoke + self.rng.random(len(share))[ring]) * (_ANGLES / checks)
            cell, fraction = place.astype(int), place % 1
            expected = np.where(fraction < self.edge[ring, cell], self.left[ring, cell], self.right[ring, cell])
            np.add.at(share, (ring, self.fate(ring, place)), 1 / checks)
            np.add.at(share, (ring, expected), -1 / checks)
        return share
