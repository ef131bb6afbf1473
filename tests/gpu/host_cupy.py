"""The part of CuPy that the GPU backend uses, on the processor: kernels go through g++, arrays are NumPy's."""

import ctypes
import hashlib
import os
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from vicollapse.ensemble import gpu

FAKE_THREADS = 3
"""Threads that share the queue of a launch, instead of thousands."""
SHIM = Path(__file__).with_name("host_cuda.h")
FLAGS = ("-x", "c++", "-std=c++17", "-O2", "-ffp-contract=off", "-shared", "-fPIC", "-Wall", "-Wno-unknown-pragmas")

chunks: list[int] = []
"""Trajectories of every launch of `integrate`, for the tests."""
free_bytes = 2**33


class Array(np.ndarray):
    """An array on the 'device'."""

    def get(self, stream, out):
        assert out.flags.c_contiguous
        assert not stream.fetched, "fetched before anything was launched, or twice"
        out[...] = self


def asarray(array):
    assert np.ascontiguousarray(array).dtype in (np.float64, np.int64)
    return np.array(array).view(Array)


def zeros(shape, dtype):
    return np.zeros(shape, dtype).view(Array)


def get_default_memory_pool():
    return SimpleNamespace(free_bytes=lambda: 0)


class Stream:
    fetched = True

    def __init__(self, non_blocking):
        assert non_blocking

    def __enter__(self):
        assert self.fetched, "a stream takes one chunk at a time"
        self.fetched = False

    def __exit__(self, *exception):
        pass

    def synchronize(self):
        self.fetched = True


class RawModule:
    def __init__(self, code, options):
        folder = Path(tempfile.gettempdir()) / f"vicollapse-host-{os.getuid()}"
        folder.mkdir(exist_ok=True)
        text = f'#include "{SHIM}"\n{code}'
        key = hashlib.sha256((text + SHIM.read_text() + str((FLAGS, options))).encode()).hexdigest()[:16]
        library = folder / f"{key}.so"
        if not library.exists():
            part = folder / f"{key}.{os.getpid()}"
            defines = [o for o in options if o.startswith("-D")]
            done = subprocess.run(
                ["g++", *FLAGS, *defines, "-o", part, "-"], input=text, text=True, capture_output=True
            )
            if done.returncode:
                raise RuntimeError(done.stderr)
            part.rename(library)
        self.library = ctypes.CDLL(str(library))

    def get_function(self, name):
        return Function(getattr(self.library, name), name)


class Function:
    preferred_shared_memory_carveout = None
    num_regs = local_size_bytes = 0

    def __init__(self, function, name):
        self.function, self.name = function, name
        function.restype = None

    def __call__(self, grid, block, arguments):
        assert grid[0] >= 1
        assert block == (gpu.LAUNCH[0],)
        given = [_argument(x) for x in arguments]
        if self.name == "integrate":
            chunks.append(int(arguments[1]))
            with ThreadPoolExecutor(FAKE_THREADS) as pool:
                for future in [pool.submit(self.function, *given) for _ in range(FAKE_THREADS)]:
                    future.result()
        else:
            self.function(*given)


def _argument(x):
    if isinstance(x, Array):
        assert x.flags.c_contiguous
        return ctypes.c_void_p(x.ctypes.data)
    return {np.int64: ctypes.c_longlong, np.float64: ctypes.c_double}[type(x)](x)


cuda = SimpleNamespace(
    Stream=Stream,
    Device=lambda index: SimpleNamespace(attributes={"MultiProcessorCount": 2}),
    runtime=SimpleNamespace(getDevice=lambda: 0, memGetInfo=lambda: (free_bytes, 2**34)),
)
