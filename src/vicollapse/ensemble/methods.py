"""Rosenbrock methods in the transformed form of Hairer & Wanner: A, C and gamma; everything else follows from them."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from vicollapse.errors import ConfigError, did_you_mean


@dataclass(frozen=True)
class Rosenbrock:
    """Stages (I/(gamma dt) - J) k_i = f(y + sum A_ij k_j) + sum C_ij k_j / dt + slope_i dt df/dt.

    Parameters
    ----------
    name, order : of the solution; the embedded one is an order lower.
    gamma : diagonal coefficient.
    A, C : (stages, stages), strictly lower triangular.
    new, error : (stages,), the new state is y + sum new_i k_i, the estimate of its error sum error_i k_i.

    Source: Hairer & Wanner, Solving Ordinary Differential Equations II, section IV.7.
    """

    name: str
    order: int
    gamma: float
    A: NDArray[np.float64]
    C: NDArray[np.float64]
    new: NDArray[np.float64]
    error: NDArray[np.float64]

    @property
    def stages(self) -> int:
        """Number of stages, each one linear solve."""
        return len(self.A)

    @property
    def nodes(self) -> NDArray[np.float64]:
        """(stages,) times of the stages, in units of the step."""
        return np.array([_dot(row, self._slopes()) for row in self.A], float)

    @property
    def slopes(self) -> NDArray[np.float64]:
        """(stages,) factors of dt df/dt in non-autonomous problems."""
        return np.array(self._slopes(), float)

    def _slopes(self):
        # row sums of (I/gamma - C)^-1 in rational numbers: the last bit of BLAS depends on the processor
        found: list[Fraction] = []
        for row in self.C:
            found.append(Fraction(self.gamma) * (1 + _dot(row, found)))
        return found

    def evaluated_at(self, stage: int) -> int:
        """First stage whose right-hand side is at the same point: its value is used again."""
        same = (
            s for s in range(stage + 1) if np.allclose(self.A[s], self.A[stage]) and np.isclose(*self.nodes[[s, stage]])
        )
        return next(same)


def _dot(row, exact):
    return sum((Fraction(entry) * x for entry, x in zip(row, exact, strict=False)), Fraction(0))


def _method(name, order, gamma, A, C, new=None, error=None):
    """Without `new` and `error` stiffly accurate: new state is the last row of A plus the last stage, its error."""
    padded = (np.array([[*row, *[0.0] * (len(A) - len(row))] for row in rows], float) for rows in (A, C))
    last = [*[0.0] * (len(A) - 1), 1.0]
    weights = (np.array(row, float) for row in (new or [*A[-1], 1.0], error or last))
    return Rosenbrock(name, order, gamma, *padded, *weights)


# Kaps and Rentrop, Numer. Math. 33 (1979) 55. Their coefficients have 12 digits; these satisfy the order conditions to
# 16. The last two stages share a point, so that a step takes three right-hand sides.
_GRK4T = _method(
    "GRK4T",
    4,
    0.231,
    [[], [2.0], [4.524708207373218, 4.1635287885978665], [4.524708207373218, 4.1635287885978665, 0.0]],
    [
        [],
        [-5.071675338776316],
        [6.020152728656544, 0.15975068468003467],
        [-1.856343618685826, -8.505380858179784, -2.084075136022384],
    ],
    [3.9575037466407714, 4.624892388363293, 0.6174772638747297, 1.2826129452689479],
    [-2.3021554029329963, -3.0736344853926827, 0.8732808018041057, 1.2826129452689479],
)

# Steinebach, BIT Numer. Math. 63 (2023) 27.
_ROW5 = [-7.502846399306121, 2.561846144803919, -11.627539656261098, -0.18268767659942256, 0.030198172008377946]
_RODAS5P = _method(
    "Rodas5P",
    5,
    0.21193756319429014,
    [
        [],
        [3.0],
        [2.849394379747939, 0.45842242204463923],
        [-6.954028509809101, 2.489845061869568, -10.358996098473584],
        [2.8029986275628964, 0.5072464736228206, -0.3988312541770524, -0.04721187230404641],
        _ROW5,
        [*_ROW5, 1],
        [*_ROW5, 1, 1],
    ],
    [
        [],
        [-14.155112264123755],
        [-17.97296035885952, -2.859693295451294],
        [147.12150275711716, -1.41221402718213, 71.68940251302358],
        [165.43517024871676, -0.4592823456491126, 42.90938336958603, -5.961986721573306],
        [24.854864614690072, -3.0009227002832186, 47.4931110020768, 5.5814197821558125, -0.6610691825249471],
        [
            30.91273214028599,
            -3.1208243349937974,
            77.79954646070892,
            34.28646028294783,
            -19.097331116725623,
            -28.087943162872662,
        ],
        [
            37.80277123390563,
            -3.2571969029072276,
            112.26918849496327,
            66.9347231244047,
            -40.06618937091002,
            -54.66780262877968,
            -9.48861652309627,
        ],
    ],
)

METHODS = {method.name: method for method in (_GRK4T, _RODAS5P)}


def method(name: str) -> Rosenbrock:
    """The method of that name.

    Raises
    ------
    ConfigError : there is none.
    """
    if name not in METHODS:
        raise ConfigError(f"unknown method '{name}'{did_you_mean(name, METHODS)}")
    return METHODS[name]
