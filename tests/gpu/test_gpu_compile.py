"""The GPU kernels compile for real GPUs, and their registers suffice; no GPU is needed for that."""

import re
import shutil
import subprocess

import pytest

from vicollapse.ensemble.gpu import LAUNCH
from vicollapse.ensemble.gpu_source import cuda_source
from vicollapse.ensemble.methods import METHODS
from vicollapse.ensemble.solve import default_method, default_terms
from vicollapse.mixture.equations import two_modes

MOST = ("softmax", "table5", 1e-12)
"""The one that needs the most registers."""
USUAL = [
    ("fixed", "constant", 1e-3),
    ("softmax", "constant", 1e-3),
    ("softmax", "linear", 1e-6),
    ("wasserstein_fisher_rao", "linear", 1e-6),
]
OPTIONS = ("--std=c++17", f"-DTHREADS={LAUNCH[0]}", f"-DBLOCKS={LAUNCH[1]}")


def source(weights, schedule, rtol):
    """What is run at a tolerance."""
    return cuda_source(two_modes(weights, schedule), METHODS[default_method(rtol)], default_terms(rtol))


def ptxas(text, arch, folder):
    """What the assembler says of the kernel `integrate`, and the size of the code of both kernels in bytes."""
    path, cubin = folder / "kernel.cu", folder / "kernel.cubin"
    path.write_text(text)
    command = ["nvcc", "-cubin", f"-arch={arch}", "-Xptxas", "-v", *OPTIONS, path, "-o", cubin]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    told = done.stderr.partition("entry function 'integrate'")[2].partition("ntry function")[0]
    numbers = {k: int(re.search(rf"(\d+) {k}", told)[1]) for k in ("bytes stack", "bytes spill stores", "registers")}
    return numbers | {"bytes of code": cubin.stat().st_size}


@pytest.mark.skipif(shutil.which("nvcc") is None, reason="no nvcc (CUDA toolkit) to compile GPU kernels with")
@pytest.mark.parametrize(("arch", "kernel"), [*(("sm_90", k) for k in (*USUAL, MOST)), ("sm_80", MOST)])
def test_kernels_fit_into_the_registers(tmp_path, record_property, kernel, arch):
    found = ptxas(source(*kernel), arch, tmp_path)
    for name, value in found.items():
        record_property(name, value)
    assert found["bytes spill stores"] == 0, found
    assert found["registers"] * LAUNCH[0] * LAUNCH[1] <= 65_536, found
    assert found["bytes stack"] < 1300, found
    assert found["bytes of code"] < (160_000 if kernel == MOST else 120_000), found


def test_the_compiler_of_cupy_takes_the_text():
    nvrtc = pytest.importorskip("cupy", reason="no CuPy", exc_type=ImportError).cuda.nvrtc
    try:
        nvrtc.getVersion()
    except Exception as error:
        pytest.skip(f"no NVRTC: {error}")
    program = nvrtc.createProgram(source("softmax", "linear", 1e-6), "kernel.cu", [], [])
    nvrtc.compileProgram(program, [*OPTIONS, "-arch=sm_90"])
    assert b"integrate" in nvrtc.getCUBIN(program)
