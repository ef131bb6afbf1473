"""Which device this process computes on: ranks take the GPUs of their machine in turn, or the CPU."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from vicollapse.errors import BackendError, did_you_mean
from vicollapse.parallel.gpus import Found, Gpu, find_gpus
from vicollapse.parallel.team import Team

CONTEXT_BYTES = 2**29
"""What CUDA itself takes on a GPU for every process that uses it."""
BATCH_SHARE = 0.7
"""Part of the rest that a batch may plan to use; memory is never handed out without gaps."""
SMALLEST_BATCH = 2**28
"""A GPU that has less than that for a batch is no help."""


@dataclass(frozen=True)
class Device:
    """What a rank computes on.

    Parameters
    ----------
    backend : given to the experiment.
    gpu : None unless the backend is "gpu".
    sharing : ranks that use the same GPU, this one included.
    """

    backend: str
    gpu: Gpu | None = None
    sharing: int = 1

    def describe(self) -> str:
        """One line for logs and tables."""
        if self.gpu is None:
            return "CPU" if self.backend == "cpu" else f"CPU, backend {self.backend}"
        shared = f", shared by {self.sharing} ranks" if self.sharing > 1 else ""
        return f"GPU {self.gpu.index} ({self.gpu.name}, {self.gpu.free_bytes / 1e9:.3g} GB free){shared}"


def choose(
    wanted: str, supported: Sequence[str], *, local_rank: int, local_size: int, gpus: Callable[[], Found] = find_gpus
) -> Device:
    """The device of one rank.

    Parameters
    ----------
    wanted : a backend, or "auto": a GPU if the experiment can use one and there is one, else the CPU.
    supported : backends of the experiment.
    local_rank, local_size : number of this rank among those of its machine, and how many those are.
    gpus : finds them.

    Returns
    -------
    Device : its `sharing` counts on every rank seeing the same GPUs, until `agreed` has compared notes.

    Raises
    ------
    BackendError : the experiment has no such backend, or there is no GPU although one was asked for.
    """
    if wanted != "auto" and wanted not in supported:
        hint = did_you_mean(wanted, ["auto", *supported])
        raise BackendError(f"this experiment has no backend '{wanted}'{hint}; choose with --backend")
    if wanted not in ("auto", "gpu") or "gpu" not in supported:
        return Device(supported[0] if wanted == "auto" else wanted)
    found, reason = gpus()
    if usable := [gpu for gpu in found if _batch_bytes(gpu, 1) >= SMALLEST_BATCH]:
        mine = local_rank % len(usable)
        return Device("gpu", usable[mine], len(range(mine, local_size, len(usable))))
    if wanted == "auto" and "cpu" in supported:
        return Device("cpu")
    raise BackendError(f"no GPU to compute on: {_shortage(found, reason)}; put this right, or use --backend cpu")


def agreed(device: Device, team: Team) -> Device:
    """The device of a rank once all ranks have told theirs; all of them call this.

    Parameters
    ----------
    device : what `choose` gave.
    team : all ranks.

    Returns
    -------
    Device : its `sharing` counts the ranks that do use this GPU, also where each sees only its own as number 0.

    Raises
    ------
    BackendError : some ranks would use another backend (the last digits would differ), or too many share a GPU.
    """
    devices = team.gather(device)
    places = {d.backend: f"'{d.backend}' on {team.hosts[rank]}" for rank, d in enumerate(devices)}
    if len(places) > 1:
        raise BackendError(
            f"the ranks do not agree on what computes: {', '.join(places.values())}; "
            "use machines that are alike, or name one with --backend"
        )
    if device.gpu is None:
        return device
    used = [(host, d.gpu and (d.gpu.bus or d.gpu.index)) for host, d in zip(team.hosts, devices, strict=True)]
    device = replace(device, sharing=used.count(used[team.rank]))
    if (memory_limit(device) or 0) < SMALLEST_BATCH:
        raise BackendError(f"too little memory: {device.describe()}; start fewer ranks for each GPU, or use more GPUs")
    return device


def activate(device: Device) -> None:
    """Make the GPU of a device, if it has one, the one that this process computes on."""
    if device.gpu is not None:
        import cupy

        cupy.cuda.Device(device.gpu.index).use()


def memory_limit(device: Device) -> int | None:
    """Bytes that a batch may use on a GPU; None on the CPU, where a batch never takes more than a part of a GB."""
    return None if device.gpu is None else _batch_bytes(device.gpu, device.sharing)


def _batch_bytes(gpu: Gpu, sharing: int) -> int:
    return max(0, int(BATCH_SHARE * (gpu.free_bytes / sharing - CONTEXT_BYTES)))


def _shortage(found: Sequence[Gpu], reason: str) -> str:
    if not found:
        return reason or "CUDA finds none"
    full = ", ".join(f"GPU {gpu.index} has {gpu.free_bytes / 1e9:.2g} GB" for gpu in found)
    return f"too little memory is free, other programs use it ({full})"
