"""Free memory of a GPU, asked of the driver's management library: unlike CUDA it takes no memory on the GPU itself."""

import ctypes
from typing import Any


class _Memory(ctypes.Structure):
    _fields_ = (("total", ctypes.c_ulonglong), ("free", ctypes.c_ulonglong), ("used", ctypes.c_ulonglong))


def free_bytes(bus: str) -> int | None:
    """Free memory of a GPU.

    Parameters
    ----------
    bus : its place on the PCI bus, as CUDA writes it: "0000:3B:00.0".

    Returns
    -------
    int : bytes; None where the library is missing or refuses to tell.
    """
    try:
        nvml = ctypes.CDLL("libnvidia-ml.so.1")
        return _ask(nvml, bus)
    except (OSError, AttributeError):
        return None


def _ask(nvml: Any, bus: str) -> int | None:
    device, memory = ctypes.c_void_p(), _Memory()
    calls = (
        lambda: nvml.nvmlInit_v2(),
        lambda: nvml.nvmlDeviceGetHandleByPciBusId_v2(bus.encode(), ctypes.byref(device)),
        lambda: nvml.nvmlDeviceGetMemoryInfo(device, ctypes.byref(memory)),
    )
    return int(memory.free) if all(call() == 0 for call in calls) else None
