"""What an experiment is to the rest of the house: parameters, outcome labels, observables, a cost model, and `run`."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

BLOCK = 256
"""Replicates that share one random stream; sums are taken over whole blocks, so results do not depend on batches."""


class Parameters(BaseModel):
    """Base of every experiment's parameter model: strict about unknown keys, immutable."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


@dataclass(frozen=True)
class Observable:
    """A number per trajectory (or one per mode) that is stored as mean and histogram.

    Parameters
    ----------
    name, label, units, description : identifier, mathtext label, units ("1" if none), one sentence.
    edges : (bins + 1,) increasing; values outside fall into the first or last bin.
    dimension, size : name and length of an extra dimension ("mode", 2), or "" and 1.
    """

    name: str
    label: str
    units: str
    description: str
    edges: NDArray[np.float64]
    dimension: str = ""
    size: int = 1


@dataclass(frozen=True)
class Block:
    """Up to 256 replicates of one point: its parameters, its 128-bit Philox key, and how many replicates."""

    parameters: Any
    key: int
    size: int = BLOCK


@dataclass(frozen=True)
class Outcomes:
    """What became of n trajectories.

    Parameters
    ----------
    outcome : (n,) uint8, index into the experiment's `outcomes`.
    flags : name -> (n,) bool.
    observables : name -> (n,) or (n, size) float64, NaN where the trajectory failed.
    counters : name -> (n,) int64.
    """

    outcome: NDArray[np.uint8]
    flags: dict[str, NDArray[np.bool_]] = field(default_factory=dict)
    observables: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    counters: dict[str, NDArray[np.int64]] = field(default_factory=dict)


class Experiment(ABC):
    """One kind of simulation; the only thing that the sweep knows of science.

    Attributes
    ----------
    backends : what `run` and `trace` accept as `backend`; "gpu" means the CUDA device that is current then. The first
        one is taken where nobody has asked for another.
    divisible : whether the backend "cpu" is given pieces of a batch, one per thread at a time, rather than a batch as a
        whole with all threads, which suits libraries that compile for a shape or have threads of their own.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    version: ClassVar[int]
    Parameters: ClassVar[type[Parameters]]
    outcomes: ClassVar[tuple[str, ...]]
    collapsed: ClassVar[frozenset[str]]
    observables: ClassVar[tuple[Observable, ...]]
    flags: ClassVar[tuple[str, ...]] = ()
    counters: ClassVar[tuple[str, ...]] = ()
    static: ClassVar[tuple[str, ...]] = ()
    observation: ClassVar[tuple[str, ...]] = ()
    backends: ClassVar[tuple[str, ...]] = ("cpu",)
    divisible: ClassVar[bool] = True

    @abstractmethod
    def seconds(self, parameters: Any) -> float:
        """Predicted core-seconds of one trajectory."""

    @abstractmethod
    def start_up_seconds(self, parameters: Any) -> float:
        """Predicted seconds before the first trajectory starts (imports, compilation from cache)."""

    @abstractmethod
    def bytes_per_trajectory(self, parameters: Any) -> float:
        """Predicted peak memory of one trajectory in flight, bytes."""

    @abstractmethod
    def run(self, blocks: Sequence[Block], *, threads: int = 1, backend: str = "cpu") -> Outcomes:
        """Simulate every replicate of `blocks` (equal in the static parameters); results in the same order.

        With the backend "cpu", if `divisible`, it is called from several threads at once, each with its own blocks.
        """

    @abstractmethod
    def axis_metadata(self, name: str) -> tuple[str, str, str]:
        """Units, description and mathtext label of a parameter."""

    def trace(
        self, blocks: Sequence[Block], times: NDArray[np.float64], *, threads: int = 1, backend: str = "cpu"
    ) -> dict[str, NDArray[np.float64]]:
        """Whole trajectories at `times`: name -> (n, len(times), ...), the same replicates as `run`."""
        raise NotImplementedError(f"experiment '{self.name}' keeps no trajectories; set keep_trajectories: 0")

    def trace_dimensions(self) -> dict[str, tuple[str, ...]]:
        """Names of the dimensions after (trajectory, time) of every array that `trace` returns."""
        return {}
