"""The GPU backend: trajectories per second, share of the FP64 limit of the device, and the best launch.

The problems are those of the other benchmarks, repeated until the GPU is full; times are those of a whole call, with
copies to and from the GPU. Fates are compared with the CPU's. Without a GPU it says so and ends.
"""

import argparse
import statistics
import sys

import machine
import numpy as np
from gpu_operations import per_attempt
from problems import FLOW, RTOL, classify, problem_set
from problems import statistics as outside

from vicollapse.cores import available_threads
from vicollapse.ensemble import gpu
from vicollapse.ensemble.gpu_source import cuda_source
from vicollapse.ensemble.methods import METHODS
from vicollapse.ensemble.solve import default_method, default_terms
from vicollapse.experiments.gradient_flow_model import FATES_RTOL
from vicollapse.parallel.devices import find_gpus

VARIANTS = [(64, 3), (64, 4), (64, 6), (64, 8), (128, 2), (128, 3), (128, 4)]
"""Threads per block, blocks per multiprocessor: 192 to 512 threads, in blocks of 64 and 128."""
DISTINCT = 20_000
FMA = r"""
extern "C" __global__ void multiply_add(double* out, long long turns) {
    double x[8];
    for (int k = 0; k < 8; ++k) x[k] = threadIdx.x + k;
    for (long long i = 0; i < turns; ++i)
        for (int k = 0; k < 8; ++k) x[k] = fma(x[k], 0.999, 0.001);
    double sum = 0.0;
    for (int k = 0; k < 8; ++k) sum += x[k];
    out[blockIdx.x * blockDim.x + threadIdx.x] = sum;
}
"""


def main() -> None:
    options = machine.options("gpu", __doc__, add)
    found, reason = find_gpus()
    if not found:
        sys.exit(f"benchmarks/gpu.py measures a GPU, and there is none: {reason}")
    import cupy

    about = machine.describe() | {"gpu": found[0].name, "gpu_bytes": found[0].total_bytes, "cupy": cupy.__version__}
    count, rounds = (2**15, 1) if options.quick else (options.count, options.rounds)
    limit = fma_limit(turns=10_000 if options.quick else 200_000)
    print(f"{found[0].name}: {limit / 1e12:.3g} TFLOP/s of FP64 multiply-adds, measured")
    problems = problem_set(min(count, DISTINCT))
    many = problems[np.resize(np.arange(len(problems)), count)]
    agreement = {rtol: fates_like_the_cpu(problems, rtol) for rtol in (RTOL, FATES_RTOL)}
    rows = [measure(many, rtol, launch, rounds, limit) for rtol in agreement for launch in VARIANTS]
    print(f"\n{count:,} trajectories, median of {rounds} rounds; fates as on the CPU: "
          + ", ".join(f"{share:.5f} at rtol {rtol:g}" for rtol, share in agreement.items()))  # fmt: skip
    heading = tuple(rows[0])
    machine.print_table(heading, [tuple(row.values()) for row in rows])
    results = {"trajectories": count, "rounds": rounds, "fp64_limit": limit, "rows": rows}
    machine.store(options.output, options.quick, about, **results, fates={str(k): v for k, v in agreement.items()})


def add(parser: argparse.ArgumentParser) -> None:
    """Options beyond the usual ones."""
    parser.add_argument("--count", type=int, default=2**22, help="trajectories (%(default)s)")
    parser.add_argument("--rounds", type=int, default=5)


def measure(problems, rtol: float, launch: tuple[int, int], rounds: int, limit: float) -> dict:
    """One row of the table: speed of a launch, and its share of the FP64 limit."""
    gpu.LAUNCH = launch
    problems[:1].solve(rtol=rtol, backend="gpu")  # compiles
    runs = [machine.timed(lambda: problems.solve(rtol=rtol, backend="gpu")) for _ in range(rounds)]
    seconds, solution = statistics.median(timing.wall for _, timing in runs), runs[0][0]
    attempts = int((solution.accepted + solution.rejected).sum())
    method, terms = default_method(rtol), default_terms(rtol)
    work = per_attempt(cuda_source(FLOW.system(), METHODS[method], terms), METHODS[method])
    return {
        "rtol": f"{rtol:g}",
        "threads": launch[0],
        "blocks": launch[1],
        **resources(method, terms),
        "trajectories/s": len(problems) / seconds,
        "attempts/s": attempts / seconds,
        "operations/attempt": work,
        "share of FP64": work * attempts / seconds / limit,
    }


def resources(method: str, terms: int) -> dict[str, int]:
    """Registers and local bytes of a thread, as the driver tells."""
    import cupy

    kernel = gpu.compiled(FLOW, method, terms, gpu.LAUNCH, cupy.cuda.runtime.getDevice()).integrate
    return {"registers": kernel.num_regs, "local bytes": kernel.local_size_bytes}


def fates_like_the_cpu(problems, rtol: float) -> float:
    """Share of the problems with the same fate on both."""
    cpu = problems.solve(rtol=rtol, threads=available_threads())
    ends = (cpu, problems.solve(rtol=rtol, backend="gpu"))
    one, two = (classify(outside(s.states, problems.separation), problems.separation) for s in ends)
    return float((one == two).mean())


def fma_limit(turns: int) -> float:
    """Operations per second of independent multiply-adds on all multiprocessors; two for each."""
    import cupy

    kernel = cupy.RawKernel(FMA, "multiply_add")
    blocks, threads = 8 * int(cupy.cuda.Device().attributes["MultiProcessorCount"]), 256
    out, times = cupy.empty(blocks * threads), []
    for _ in range(4):  # the first one warms up
        start, stop = cupy.cuda.Event(), cupy.cuda.Event()
        start.record()
        kernel((blocks,), (threads,), (out, np.int64(turns)))
        stop.record()
        stop.synchronize()
        times.append(cupy.cuda.get_elapsed_time(start, stop) / 1e3)
    return 2.0 * 8 * turns * blocks * threads / min(times[1:])


if __name__ == "__main__":
    main()
