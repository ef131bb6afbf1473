"""Which rank computes on which GPU."""

from collections.abc import Sequence

from vicollapse.checkup.findings import Finding, error, number_of, ok, place, places, warning
from vicollapse.checkup.setting import Setting
from vicollapse.errors import BackendError
from vicollapse.experiments import get
from vicollapse.parallel.devices import Device, Found, agreed, choose, find_gpus

Taken = Device | str
"""The device of a rank, or why it has none."""


def check(setting: Setting) -> Finding:
    """Let every rank look for GPUs and take its device, as `simulate` does."""
    found = setting.ranks.everywhere(find_gpus)
    devices = setting.ranks.gather(_choose(setting, found[setting.team.rank]))
    if all(isinstance(device, Device) for device in devices):
        devices = setting.ranks.here(lambda: _agree(setting, devices[setting.team.rank]))
    return judge(setting.team.hosts, found, devices)


def judge(hosts: Sequence[str], found: Sequence[Found], devices: Sequence[Taken]) -> Finding:
    """Say who takes what; no GPU is no problem unless one was asked for.

    Parameters
    ----------
    hosts, found, devices : by rank: machine, GPUs there or why there are none, what the rank computes on.
    """
    seen = _seen(hosts, found)
    for rank, device in enumerate(devices):
        if isinstance(device, str):
            return error(f"{place(rank, hosts)}: {device}. GPUs: {seen}", "put this right, or use --backend auto")
    users = [(rank, device) for rank, device in enumerate(devices) if isinstance(device, Device) and device.gpu]
    if not users:
        return ok(f"{seen}. The CPU computes")
    text = "; ".join(f"{place(rank, hosts)}: {device.describe()}" for rank, device in users[:8])
    text += f"; and {len(users) - 8} more" if len(users) > 8 else ""
    if crowded := [rank for rank, device in users if device.sharing > 1]:
        return warning(
            f"{text}; {places(crowded, hosts)} share a GPU",
            "start one rank for each GPU: more of them only share its speed and its memory",
        )
    return ok(text)


def _seen(hosts: Sequence[str], found: Sequence[Found]) -> str:
    most = max(len(gpus) for gpus, _ in found)
    if not most:
        return f"none: {found[0][1] or 'CUDA finds none'}"
    host, (gpus, _) = next((host, of) for host, of in zip(hosts, found, strict=True) if len(of[0]) == most)
    kernels = "" if "gpu" in _backends() else ", but this version has no kernels for them"
    return f"{number_of(most, 'GPU')} ({gpus[0].name} on {host}){kernels}"


def _backends() -> tuple[str, ...]:
    return get("gradient_flow").backends


def _choose(setting: Setting, found: Found) -> Taken:
    team = setting.team
    try:
        return choose(
            setting.backend, _backends(), local_rank=team.local_rank, local_size=team.local_size, gpus=lambda: found
        )
    except BackendError as problem:
        return str(problem)


def _agree(setting: Setting, device: Taken) -> Taken:
    assert isinstance(device, Device)
    try:
        return agreed(device, setting.team)
    except BackendError as problem:
        return str(problem)
