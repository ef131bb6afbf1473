"""The benchmark of the GPU, with the host build in place of one: it measures what it says."""

import shutil
import sys
from pathlib import Path

import host_cupy
import pytest

from vicollapse.ensemble import gpu
from vicollapse.ensemble.gpu_source import cuda_source
from vicollapse.ensemble.methods import METHODS
from vicollapse.ensemble.solve import default_method, default_terms
from vicollapse.mixture.equations import two_modes

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import gpu as benchmark
import gpu_operations
import problems


def operations(rtol, weights="softmax"):
    method, terms = METHODS[default_method(rtol)], default_terms(rtol)
    return gpu_operations.per_attempt(cuda_source(two_modes(weights), method, terms), method)


def test_operations_are_counted_as_a_reader_would():
    text = "double a = -x*y + fma(x, y, z); // 3 * 4\n_w[2 + 3] = reciprocal(a) - b;"
    assert gpu_operations._count(text, {"reciprocal": 8}) == 1 + 1 + 2 + 8 + 1
    assert 1000 < operations(1e-2, "fixed") < operations(1e-2) < operations(1e-6) < operations(1e-8) < 20_000


@pytest.mark.skipif(shutil.which("g++") is None, reason="no g++ to build the text of the GPU kernels with")
def test_a_row_of_the_table(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", host_cupy)
    monkeypatch.setattr(gpu, "LAUNCH", gpu.LAUNCH)
    gpu.compiled.cache_clear()
    few = problems.problem_set(64)
    row = benchmark.measure(few, 1e-6, (64, 4), rounds=1, limit=1e12)
    gpu.compiled.cache_clear()
    steps = few.solve(rtol=1e-6)
    per_trajectory = (steps.accepted + steps.rejected).mean()
    assert row["operations/attempt"] == operations(1e-6)
    assert row["attempts/s"] / row["trajectories/s"] == pytest.approx(per_trajectory, rel=0.01)
    assert row["share of FP64"] == pytest.approx(row["attempts/s"] * operations(1e-6) / 1e12)
    assert benchmark.fates_like_the_cpu(few, 1e-6) == 1.0
