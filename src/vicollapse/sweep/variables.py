"""What the variables of a phase-diagram file are made of: named arrays, grids of points, columns of axis values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vicollapse.experiments.base import Experiment

if TYPE_CHECKING:
    from vicollapse.sweep.points import Point
    from vicollapse.sweep.study import Study
    from vicollapse.sweep.tally import Tally


@dataclass(frozen=True)
class Variable:
    """A named array with dimensions and attributes, as netCDF knows it."""

    name: str
    dims: tuple[str, ...]
    data: NDArray[Any]
    attributes: Mapping[str, str] = field(default_factory=lambda: {"units": "1"})


@dataclass(frozen=True)
class Source:
    """What a phase diagram is written from: what was asked, and what came out."""

    study: "Study"
    experiment: Experiment
    points: Sequence["Point"]
    tally: "Tally"

    @property
    def dims(self) -> tuple[str, ...]:
        """The axes; "point" if the points do not fill the rectangle that they span."""
        return tuple(self.study.axes) if len(self.points) == int(np.prod(self._lengths, dtype=int)) else ("point",)

    @property
    def rectangular(self) -> bool:
        """Whether the points fill the rectangle of the axes."""
        return self.dims == tuple(self.study.axes)

    @property
    def _lengths(self) -> tuple[int, ...]:
        return tuple(len(values) for values in self.study.axes.values())

    def grid(
        self,
        name: str,
        data: NDArray[Any],
        long_name: str,
        before: tuple[str, ...] = (),
        after: tuple[str, ...] = (),
        units: str = "1",
        **attributes: str,
    ) -> Variable:
        """A variable over the grid of points.

        Parameters
        ----------
        name, long_name, units, attributes : of the variable.
        data : (points, *before, *after).
        before, after : dimensions that come before and after the axes in the file.

        Returns
        -------
        Variable : of dimensions (*before, *axes, *after).
        """
        shape = self._lengths if self.rectangular else (len(self.points),)
        spread = data.reshape(*shape, *data.shape[1:])
        moved = np.moveaxis(spread, range(len(shape), len(shape) + len(before)), range(len(before)))
        return Variable(
            name, (*before, *self.dims, *after), moved, {"units": units, "long_name": long_name, **attributes}
        )

    def axes(self) -> list[Variable]:
        """The axes as coordinates of the grid."""
        if not self.rectangular:
            return self.columns()
        return [self._axis(name, (name,), values) for name, values in self.study.axes.items()]

    def columns(self) -> list[Variable]:
        """The axes as columns of the table of points."""
        coordinates = list(zip(*(point.coordinates for point in self.points), strict=True))
        return [self._axis(name, ("point",), values) for name, values in zip(self.study.axes, coordinates, strict=True)]

    def _axis(self, name: str, dims: tuple[str, ...], values: Sequence[Any]) -> Variable:
        units, description, label = self.experiment.axis_metadata(name)
        return Variable(name, dims, column(values), {"units": units, "long_name": description, "label": label})


def column(values: Sequence[Any]) -> NDArray[Any]:
    """Axis values as an array: numbers as int64 or float64, truth values as bool, all else as text."""
    kinds = {type(value) for value in values}
    if kinds <= {int}:
        return np.array(values, np.int64)
    if kinds <= {int, float}:
        return np.array(values, float)
    return np.array(values) if kinds == {bool} else texts(map(str, values))


def texts(values: Any) -> NDArray[Any]:
    """Texts as an array of objects, which becomes a dataset of variable-length strings."""
    values = list(values)
    array = np.empty(len(values), object)
    array[:] = values
    return array
