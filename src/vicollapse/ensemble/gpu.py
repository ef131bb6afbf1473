"""The GPU backend: generated CUDA C++, compiled by CuPy; chunks of trajectories take turns on two streams."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import cycle
from typing import Any

import numpy as np

from vicollapse.ensemble.methods import method as method_named
from vicollapse.ensemble.solution import Array, Problem, Solution
from vicollapse.ensemble.work_arrays import FILLED, check_columns, parameter_table, solution, work_arrays
from vicollapse.errors import BackendError, first_line

LARGEST_CHUNK = 2**20
"""Trajectories per launch: enough that the last ones to finish cost little, a few hundred MB."""
MEMORY_SHARE = 0.7
"""Part of the free memory that the chunks in flight may take."""
LAUNCH = (128, 3)
"""Threads per block, blocks per multiprocessor."""
STREAMS = 2


def integrate(
    problem: Problem,
    states: Array,
    parameters: dict[str, Array],
    t_end: Array,
    save_at: Array,
    *,
    rtol: float,
    atol: float,
    method: str,
    terms: int,
    dt_max: float,
    max_steps: int,
    threads: int,
) -> Solution:
    """Integrate n trajectories on the current CUDA device; arguments as in `ensemble.solve`, broadcast to n rows.

    Raises
    ------
    BackendError : no CuPy, no GPU, no kernel for it, or too little memory; says what to do.
    """
    cupy = _cupy()
    kernel = compiled(problem, method, terms, LAUNCH, cupy.cuda.runtime.getDevice())
    check_columns(kernel, states, parameters)
    work = work_arrays(kernel, np.array(states, float, order="C"), len(save_at))
    inputs = {"parameters": parameter_table(kernel, parameters, len(states)), "t_end": t_end}
    numbers = (np.float64(rtol), np.float64(atol), np.float64(dt_max), np.int64(max_steps))
    try:
        _in_chunks(cupy, kernel, work, inputs, save_at, numbers)
    except Exception as error:  # CuPy, CUDA and its driver have different classes for it
        if "out of memory" not in str(error).lower():
            raise
        raise BackendError(f"the GPU has too little memory: {first_line(error)}; use smaller batches") from None
    return solution(kernel, work)


@dataclass(frozen=True)
class Kernel:
    """A compiled pair of kernels, how to launch them, and the names of what they integrate."""

    STATE_NAMES: tuple[str, ...]
    PARAMETER_NAMES: tuple[str, ...]
    OBSERVABLE_NAMES: tuple[str, ...]
    EVENT_NAMES: tuple[str, ...]
    integrate: Any
    observe_all: Any
    threads: int
    blocks: int
    streams: tuple[Any, ...]


@cache
def compiled(problem: Problem, method: str, terms: int, launch: tuple[int, int], device: int) -> Kernel:
    """The kernels of a problem for a device, which must be the current one; CuPy keeps them in its cache on disk.

    Parameters
    ----------
    problem, method, terms : as in `ensemble.solve`.
    launch : threads per block, blocks that must fit on a multiprocessor.
    device : CUDA's number of it.
    """
    from vicollapse.ensemble.gpu_source import cuda_source

    cupy, system = _cupy(), problem.system()
    options = ("--std=c++17", f"-DTHREADS={launch[0]}", f"-DBLOCKS={launch[1]}")
    try:
        module = cupy.RawModule(code=cuda_source(system, method_named(method), terms), options=options)
        run, observe = module.get_function("integrate"), module.get_function("observe_all")
        run.preferred_shared_memory_carveout = 0  # all of it for the cache: the work arrays live there
    except Exception as error:  # of the compiler, the linker or the driver
        raise BackendError(f"no GPU kernel for {system.name}: {first_line(error)}; use backend 'cpu'") from error
    blocks = launch[1] * int(cupy.cuda.Device(device).attributes["MultiProcessorCount"])
    streams = tuple(cupy.cuda.Stream(non_blocking=True) for _ in range(STREAMS))
    return Kernel(
        **_names(system), integrate=run, observe_all=observe, threads=launch[0], blocks=blocks, streams=streams
    )


def _names(system) -> dict[str, tuple[str, ...]]:
    lists = {"STATE": system.state, "PARAMETER": system.parameters, "OBSERVABLE": system.observables}
    return {f"{kind}_NAMES": tuple(map(str, names)) for kind, names in (lists | {"EVENT": system.events}).items()}


def _in_chunks(cupy, kernel, work, inputs, save_at, numbers):
    """Launch the next chunk before the last one is fetched: copies and stragglers hide behind the computation."""
    count = len(work["states"])
    size = _chunk(cupy, work, inputs)
    jobs: list[_Job] = []
    streams = cycle(kernel.streams)
    for start in range(0, count, size):
        rows = slice(start, start + size)
        host = {name: array[rows] for name, array in work.items()}
        jobs.append(_Job(cupy, kernel, next(streams), host))
        jobs[-1].start({name: array[rows] for name, array in inputs.items()}, save_at, numbers)
        if len(jobs) == STREAMS:
            jobs.pop(0).fetch()
    for job in jobs:
        job.fetch()


def _chunk(cupy, work, inputs):
    free = cupy.cuda.runtime.memGetInfo()[0] + cupy.get_default_memory_pool().free_bytes()
    row = sum(array.nbytes for array in (*work.values(), *inputs.values())) / max(1, len(work["states"])) + 1
    return int(np.clip(MEMORY_SHARE * free / (STREAMS * row), 1, LARGEST_CHUNK))


class _Job:
    """One chunk on one stream; `host` are the rows of the arrays that the kernels fill."""

    def __init__(self, cupy, kernel, stream, host):
        self.cupy, self.kernel, self.stream, self.host = cupy, kernel, stream, host

    def start(self, inputs: Mapping[str, Array], save_at: Array, numbers: tuple[Any, ...]) -> None:
        """Copy to the device and launch; nothing waits."""
        kernel, count = self.kernel, np.int64(len(self.host["states"]))
        with self.stream:
            there = {name: self.cupy.asarray(array) for name, array in (self.host | inputs).items()}
            queue, times = self.cupy.zeros(1, np.uint64), self.cupy.asarray(save_at)
            given = (there["states"], there["parameters"], there["t_end"], times, np.int64(len(save_at)), *numbers)
            results = (there[name] for name in FILLED)
            shape = (min(kernel.blocks, -(-int(count) // kernel.threads)),), (kernel.threads,)
            kernel.integrate(*shape, (queue, count, *given, *results))
            kernel.observe_all(*shape, (count, there["states"], there["parameters"], there["observables"]))
        self.there = there

    def fetch(self) -> None:
        """Wait, and copy the results back."""
        for name, array in self.host.items():
            if array.size:
                self.there[name].get(stream=self.stream, out=array)
        self.stream.synchronize()
        del self.there


def _cupy():
    try:
        import cupy

        cupy.cuda.runtime.getDevice()
    except ImportError as error:
        hint = "install it: pip install 'vicollapse[gpu]', or use backend 'cpu'"
        raise BackendError(f"the GPU backend needs CuPy ({first_line(error)}); {hint}") from None
    except Exception as error:  # a driver that is missing or too old
        raise BackendError(f"no GPU to compute on: {first_line(error)}; use backend 'cpu'") from None
    return cupy
