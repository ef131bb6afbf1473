"""Rosenbrock methods in the transformed form of Hairer & Wanner: A, C and gamma; everything else follows from them."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from vicollapse.errors import ConfigError, did_you_mean


@dataclass(frozen=True)
class Rosenbrock:
    """A stiffly accurate method: (I/(gamma dt) - J) k_i = f(y + sum A_ij k_j) + sum C_ij k_j / dt + slope_i dt df/dt.

    Parameters
    ----------
    name, order : of the solution; the embedded one is an order lower.
    gamma : diagonal coefficient.
    A, C : (stages, stages), strictly lower triangular. New state: last row of A plus the last stage; error: last stage.

    Source: Hairer & Wanner, Solving Ordinary Differential Equations II, section IV.7.
    """

    name: str
    order: int
    gamma: float
    A: NDArray[np.float64]
    C: NDArray[np.float64]

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


def _method(name, order, gamma, A, C):
    padded = (np.array([[*row, *[0.0] * (len(A) - len(row))] for row in rows], float) for rows in (A, C))
    return Rosenbrock(name, order, gamma, *padded)


# Sandu, Verwer, Blom, Carmichael, Potra, Atmos. Environ. 31 (1997) 3459.
_RODAS3 = _method("Rodas3", 3, 0.5, [[], [0], [2, 0], [2, 0, 1]], [[], [4], [1, -1], [1, -1, -8 / 3]])

# Hairer & Wanner, code RODAS (1996).
_ROW4 = [1.221224509226641, 6.019134481288629, 12.53708332932087, -0.6878860361058950]
_RODAS4 = _method(
    "Rodas4",
    4,
    0.25,
    [
        [],
        [1.544],
        [0.9466785280815826, 0.2557011698983284],
        [3.314825187068521, 2.896124015972201, 0.9986419139977817],
        _ROW4,
        [*_ROW4, 1],
    ],
    [
        [],
        [-5.6688],
        [-2.430093356833875, -0.2063599157091915],
        [-0.1073529058151375, -9.594562251023355, -20.47028614809616],
        [7.496443313967647, -10.24680431464352, -33.99990352819905, 11.70890893206160],
        [8.083246795921522, -7.981132988064893, -31.52159432874371, 16.31930543123136, -6.058818238834054],
    ],
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

METHODS = {method.name: method for method in (_RODAS3, _RODAS4, _RODAS5P)}


def method(name: str) -> Rosenbrock:
    """The method of that name.

    Raises
    ------
    ConfigError : there is none.
    """
    if name not in METHODS:
        raise ConfigError(f"unknown method '{name}'{did_you_mean(name, METHODS)}")
    return METHODS[name]
