"""Between the state of the equations (mean and difference of the components) and the coordinates of the means."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def state_from_coordinates(U: Array) -> Array:
    """First six entries of the state of `equations.two_modes`.

    Parameters
    ----------
    U : (..., 2, 3) coordinates of both means along mu and along two directions across, in standard deviations.

    Returns
    -------
    (..., 6) : mean and difference of the two, coordinate by coordinate.
    """
    mean, diff = U.mean(-2), U[..., 0, :] - U[..., 1, :]
    return np.stack([mean, diff], -1).reshape(*U.shape[:-2], 6)


def coordinates_from_state(state: Array) -> Array:
    """Coordinates (..., 2, 3) of the means from a state (..., 6 or 7); the inverse of `state_from_coordinates`."""
    mean, diff = state[..., 0:6:2], state[..., 1:6:2]
    return np.stack([mean + diff / 2, mean - diff / 2], -2)
