"""The problem set of all benchmarks: random trajectories of two components, softmax weights, balanced modes.

Separation uniform in [0.5, 10], dimension log-uniform in [2, 1e4] (rounded), init_scale log-uniform in [0.01, 3],
isotropic initial law, equal weights at the start, imbalance 0, up to t = 1e3; tolerances rtol 1e-6 and atol 1e-3 rtol.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from vicollapse.ensemble.solution import Problem, Solution
from vicollapse.ensemble.solve import solve
from vicollapse.experiments.flow_ensemble import EQUATIONS
from vicollapse.mixture import fates, initial
from vicollapse.mixture.coordinates import coordinates_from_state, state_from_coordinates
from vicollapse.schedules import annealing

Array = NDArray[np.float64]

COUNT, SEED = 2000, 20240601
T_END, RTOL = 1e3, 1e-6
ATOL_OVER_RTOL = 1e-3
_CONSTANT = annealing(None)  # beta = 1
FLOW = Problem(EQUATIONS, ("softmax", _CONSTANT.shape))


@dataclass(frozen=True)
class ProblemSet:
    """n trajectories to integrate.

    Parameters
    ----------
    separation, dimension, init_scale : (n,).
    y : (n, 6), m_1, m_2, s_11, s_12, s_22, log(w_1/w_2): what the peers integrate.
    state : (n, 7), the product's coordinates of the same starts.
    """

    separation: Array
    dimension: NDArray[np.int64]
    init_scale: Array
    y: Array
    state: Array

    def __len__(self) -> int:
        return len(self.y)

    def __getitem__(self, rows) -> "ProblemSet":
        return ProblemSet(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))

    def solve(self, t_end: float = T_END, rtol: float = RTOL, **options) -> Solution:
        """Integrate with the product; options as of `vicollapse.ensemble.solve.solve`."""
        parameters = {"separation": self.separation, "imbalance": 0.0, **_CONSTANT.values()}
        return solve(FLOW, self.state, parameters, t_end, rtol=rtol, **options)


def problem_set(count: int = COUNT, seed: int = SEED) -> ProblemSet:
    """The first `count` problems; fewer are the beginning of more."""
    streams = np.random.SeedSequence(seed).spawn(4)
    uniform = [np.random.Generator(np.random.Philox(s)).random(count) for s in streams[:3]]
    separation = 0.5 + 9.5 * uniform[0]
    dimension = np.rint(2 * 5e3 ** uniform[1]).astype(np.int64)
    init_scale = 0.01 * 300 ** uniform[2]
    rng = np.random.Generator(np.random.Philox(streams[3]))
    draws = [initial.isotropic(rng, 1, dimension=int(d), init_scale=float(s)) for d, s in _pairs(dimension, init_scale)]
    U = np.concatenate(draws)
    state = np.column_stack([state_from_coordinates(U), np.zeros(count)])
    return ProblemSet(separation, dimension, init_scale, statistics(state, separation), state)


def statistics(state: Array, separation: Array) -> Array:
    """The outside form (n, 6) of states (n, 7) of the product."""
    inner = initial.statistics_from_coordinates(coordinates_from_state(state), separation)
    return np.column_stack([inner, state[:, 6]])


def classify(y: Array, separation: Array) -> NDArray[np.uint8]:
    """Fates (n,) of final statistics (n, 6), by the product's definition and with exact mode masses."""
    weights = expit(np.column_stack([y[:, 5], -y[:, 5]]))
    return fates.classify(fates.mode_mass(y[:, :2], weights, separation), weights, (0.5, 0.5)).outcome


def _pairs(*columns):
    return zip(*columns, strict=True)
