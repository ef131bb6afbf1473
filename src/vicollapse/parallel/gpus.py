"""The GPUs that this process can compute on, and why there are none: neither CuPy nor a GPU is ever required."""

import os
from dataclasses import dataclass
from typing import Any

from vicollapse.errors import first_line
from vicollapse.parallel.gpu_memory import free_bytes


@dataclass(frozen=True)
class Gpu:
    """A GPU that CUDA shows to this process.

    Parameters
    ----------
    index : CUDA's number of it, in this process.
    name : of the model.
    free_bytes, total_bytes : memory.
    bus : its place in the machine, the same in every process.
    capability : 10 major + minor number of CUDA's compute capability.
    """

    index: int
    name: str
    free_bytes: int
    total_bytes: int
    bus: str = ""
    capability: int = 90


Found = tuple[list[Gpu], str]
"""GPUs, and why there are none or not all."""


def find_gpus() -> Found:
    """The GPUs that kernels can be built and run on, and why there are none; never raises, and opens none of them."""
    try:
        import cupy
    except Exception as error:  # a broken installation fails in many ways
        missing = isinstance(error, ModuleNotFoundError) and error.name == "cupy"
        return [], "CuPy is not installed (pip install 'vicollapse[gpu]')" if missing else _broken(error)
    try:
        gpus = [_gpu(cupy.cuda.runtime, index) for index in range(cupy.cuda.runtime.getDeviceCount())]
    except Exception as error:
        return [], _reason(cupy, error)
    return _with_compiler(cupy, gpus)


def _gpu(runtime: Any, index: int) -> Gpu:
    properties = runtime.getDeviceProperties(index)
    bus, total = runtime.deviceGetPCIBusId(index), int(properties["totalGlobalMem"])
    free = free_bytes(bus)
    capability = 10 * int(properties["major"]) + int(properties["minor"])
    return Gpu(index, properties["name"].decode(), total if free is None else min(free, total), total, bus, capability)


def _with_compiler(cupy: Any, gpus: list[Gpu]) -> Found:
    """Those that kernels can be built for: CuPy needs NVRTC for that, which its wheel does not bring."""
    try:
        oldest = min(cupy.cuda.nvrtc.getSupportedArchs())
    except Exception as error:
        return [], f"CuPy finds no NVRTC, CUDA's compiler (pip install 'vicollapse[gpu]'): {first_line(error)}"
    usable = [gpu for gpu in gpus if gpu.capability >= oldest]
    old = ", ".join(gpu.name for gpu in gpus if gpu.capability < oldest)
    return usable, f"{old}: too old for this CUDA, which needs compute capability {oldest / 10}" if old else ""


def _broken(error: Exception) -> str:
    return f"CuPy cannot be loaded ({first_line(error)})"


def _reason(cupy: Any, error: Exception) -> str:
    text = str(error)
    if "cudaErrorNoDevice" in text and os.environ.get("CUDA_VISIBLE_DEVICES", "-") in ("", "-1", "NoDevFiles"):
        return "CUDA_VISIBLE_DEVICES hides all GPUs"
    if "cudaErrorInsufficientDriver" in text:
        has, needs = (_version(cupy, name) for name in ("driverGetVersion", "runtimeGetVersion"))
        return f"the NVIDIA driver is too old: it has CUDA {has}, CuPy needs {needs}" if has else "no NVIDIA driver"
    return f"CUDA does not work ({first_line(error)})"


def _version(cupy: Any, name: str) -> str:
    try:
        number = int(getattr(cupy.cuda.runtime, name)())
    except Exception:
        return ""
    return f"{number // 1000}.{number % 1000 // 10}" if number else ""
