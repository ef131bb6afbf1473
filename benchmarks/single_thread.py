"""Import this before NumPy or JAX: the process, and every library in it, gets one thread on one core."""

import os

_LIBRARIES = ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "VECLIB_MAXIMUM", "NUMBA")
os.environ.update({f"{name}_NUM_THREADS": "1" for name in _LIBRARIES})
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
os.environ["JAX_PLATFORMS"] = "cpu"
if hasattr(os, "sched_setaffinity"):  # XLA's pool has as many threads as there are cores to run on
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
