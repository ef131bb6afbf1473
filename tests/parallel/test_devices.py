"""Which rank computes on which GPU, and what is said where there is none."""

import ctypes
import sys
from types import SimpleNamespace

import pytest

from vicollapse import experiments
from vicollapse.ensemble import solve
from vicollapse.errors import BackendError
from vicollapse.parallel import gpu_memory, gpus
from vicollapse.parallel.devices import Device, Gpu, activate, agreed, choose, find_gpus, memory_limit
from vicollapse.parallel.team import Solo

GB = 10**9
BOTH = ("cpu", "gpu", "reference")


def fake(*free, reason="no NVIDIA driver"):
    """A list of GPUs with so many bytes free, as `find_gpus` gives it."""
    gpus = [Gpu(i, "NVIDIA H100", bytes_, 80 * GB, f"0000:{i:02x}:00.0") for i, bytes_ in enumerate(free)]
    return lambda: (gpus, "" if gpus else reason)


def never():
    """For choices that must not look for GPUs, because that takes a second."""
    raise AssertionError("looked for GPUs")


class FakeTeam(Solo):
    """One rank of several, with what the others would gather."""

    def __init__(self, rank, hosts, values):
        self.rank, self.size, self.hosts, self.values = rank, len(hosts), tuple(hosts), values

    def gather(self, value):
        """What all ranks would tell."""
        assert value == self.values[self.rank]
        return list(self.values)


def ranks(count, gpus, wanted="auto"):
    """The devices of all ranks of one machine."""
    return [choose(wanted, BOTH, local_rank=rank, local_size=count, gpus=gpus) for rank in range(count)]


def test_one_rank_without_a_gpu_takes_the_cpu():
    assert ranks(1, fake()) == [Device("cpu")]


def test_one_rank_with_a_gpu_takes_it():
    (device,) = ranks(1, fake(78 * GB))
    assert (device.backend, device.gpu.index, device.sharing) == ("gpu", 0, 1)
    assert device.describe() == "GPU 0 (NVIDIA H100, 78 GB free)"


def test_four_ranks_share_two_gpus():
    found = ranks(4, fake(78 * GB, 78 * GB))
    assert [device.gpu.index for device in found] == [0, 1, 0, 1]
    assert {device.sharing for device in found} == {2}
    assert found[3].describe() == "GPU 1 (NVIDIA H100, 78 GB free), shared by 2 ranks"


def test_five_ranks_on_two_gpus_are_counted_right():
    assert [device.sharing for device in ranks(5, fake(78 * GB, 78 * GB))] == [3, 2, 3, 2, 3]


def test_more_gpus_than_ranks():
    assert [(d.gpu.index, d.sharing) for d in ranks(2, fake(*[78 * GB] * 8))] == [(0, 1), (1, 1)]


def test_two_ranks_on_two_machines_have_a_gpu_each():
    mine = choose("auto", BOTH, local_rank=0, local_size=1, gpus=fake(78 * GB))
    team = FakeTeam(1, ("a", "b"), [mine, mine])
    assert agreed(mine, team) == mine
    assert mine.sharing == 1


def test_a_launcher_that_shows_every_rank_its_own_gpu():
    # each rank sees one GPU as number 0; only the bus tells that they are different ones
    gpus = [Gpu(0, "NVIDIA H100", 78 * GB, 80 * GB, f"0000:{i:02x}:00.0") for i in range(2)]
    found = [choose("gpu", BOTH, local_rank=i, local_size=2, gpus=lambda i=i: ([gpus[i]], "")) for i in range(2)]
    assert [device.gpu for device in found] == gpus
    assert [agreed(found[i], FakeTeam(i, ("a", "a"), found)).sharing for i in range(2)] == [1, 1]


def test_ranks_that_do_share_find_out():
    found = ranks(2, fake(78 * GB))
    assert [agreed(found[i], FakeTeam(i, ("a", "a"), found)).sharing for i in range(2)] == [2, 2]


def test_ranks_must_agree_on_the_backend():
    found = [Device("cpu"), choose("auto", BOTH, local_rank=0, local_size=1, gpus=fake(78 * GB))]
    with pytest.raises(BackendError, match="do not agree on what computes: 'cpu' on login, 'gpu' on node1;"):
        agreed(found[0], FakeTeam(0, ("login", "node1"), found))


def test_a_full_gpu_is_left_out():
    found = ranks(2, fake(0.3 * GB, 78 * GB))
    assert [(device.gpu.index, device.sharing) for device in found] == [(1, 2), (1, 2)]
    assert ranks(1, fake(0.3 * GB)) == [Device("cpu")]
    with pytest.raises(BackendError, match=r"too little memory is free, other programs use it \(GPU 0 has 0.3 GB\)"):
        ranks(1, fake(0.3 * GB), wanted="gpu")


def test_too_many_ranks_on_one_gpu():
    found = ranks(64, fake(8 * GB))
    with pytest.raises(BackendError, match=r"too little memory: GPU 0 \(.*\), shared by 64 ranks; start fewer ranks"):
        agreed(found[0], FakeTeam(0, ["a"] * 64, found))


def test_batches_share_the_free_memory():
    alone, shared = ranks(1, fake(78 * GB))[0], ranks(2, fake(78 * GB))[0]
    assert 0.6 * 78 * GB < memory_limit(alone) < 0.75 * 78 * GB
    assert memory_limit(shared) < memory_limit(alone) / 2
    assert memory_limit(Device("gpu", Gpu(0, "x", 10**6, 10**6))) == 0
    assert memory_limit(Device("cpu")) is None


def test_gpus_are_looked_for_only_where_they_are_wanted():
    options = {"local_rank": 0, "local_size": 1, "gpus": never}
    assert choose("cpu", BOTH, **options) == Device("cpu")
    assert choose("auto", ("cpu", "reference"), **options) == Device("cpu")
    assert choose("reference", BOTH, **options).describe() == "CPU, backend reference"


@pytest.mark.parametrize(
    ("wanted", "supported", "message"),
    [
        ("gpu", BOTH, "no GPU to compute on: no NVIDIA driver; put this right, or use --backend cpu"),
        ("gpu", ("cpu",), "this experiment has no backend 'gpu'; did you mean 'cpu'?; choose with --backend"),
        ("gpus", BOTH, "no backend 'gpus'; did you mean 'gpu'?"),
        ("quantum", ("cpu",), "no backend 'quantum'; valid: 'auto', 'cpu'; choose"),
        ("auto", ("gpu",), "no GPU to compute on: no NVIDIA driver"),
    ],
)
def test_what_cannot_be_had(wanted, supported, message):
    with pytest.raises(BackendError) as caught:
        choose(wanted, supported, local_rank=0, local_size=1, gpus=fake())
    assert message in str(caught.value)


@pytest.fixture
def cupy(monkeypatch):
    """A CuPy with two GPUs; tests break it in the ways that real ones are broken."""
    runtime = SimpleNamespace(
        getDeviceCount=lambda: 2,
        getDeviceProperties=lambda i: {"name": b"NVIDIA H100", "totalGlobalMem": 80 * GB, "major": 9, "minor": 0},
        deviceGetPCIBusId=lambda i: f"0000:0{i}:00.0",
        driverGetVersion=lambda: 13000,
        runtimeGetVersion=lambda: 13000,
    )
    used = []
    device = lambda index: SimpleNamespace(use=lambda: used.append(index))  # noqa: E731
    nvrtc = SimpleNamespace(getSupportedArchs=lambda: [75, 80, 90, 100])
    module = SimpleNamespace(cuda=SimpleNamespace(runtime=runtime, Device=device, nvrtc=nvrtc), used=used)
    monkeypatch.setitem(sys.modules, "cupy", module)
    monkeypatch.setattr(gpus, "free_bytes", {"0000:00:00.0": 70 * GB}.get)
    return module


def test_gpus_are_found_and_selected(cupy):
    found, reason = find_gpus()
    assert reason == ""
    assert found == [
        Gpu(0, "NVIDIA H100", 70 * GB, 80 * GB, "0000:00:00.0"),
        Gpu(1, "NVIDIA H100", 80 * GB, 80 * GB, "0000:01:00.0"),  # the driver does not tell
    ]
    activate(Device("gpu", found[1]))
    activate(Device("cpu"))
    assert cupy.used == [1]


@pytest.mark.parametrize(
    ("error", "driver", "visible", "reason"),
    [
        ("cudaErrorInsufficientDriver: CUDA driver version is insufficient", 0, None, "no NVIDIA driver"),
        ("cudaErrorInsufficientDriver: CUDA", 11040, None, "driver is too old: it has CUDA 11.4, CuPy needs 13.0"),
        ("cudaErrorNoDevice: no CUDA-capable device is detected", 13000, "", "CUDA_VISIBLE_DEVICES hides all GPUs"),
        ("cudaErrorNoDevice: no device", 13000, None, "CUDA does not work (cudaErrorNoDevice: no device)"),
        ("", 13000, None, "CUDA does not work (RuntimeError)"),
    ],
)
def test_why_there_are_no_gpus(cupy, monkeypatch, error, driver, visible, reason):
    def fail():
        raise RuntimeError(error)

    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    cupy.cuda.runtime.getDeviceCount = fail
    cupy.cuda.runtime.driverGetVersion = lambda: driver
    found, why = find_gpus()
    assert found == []
    assert reason in why


def test_gpus_that_no_kernel_can_be_built_for(cupy):
    names = {0: (b"NVIDIA H100", 9, 0), 1: (b"Tesla V100", 7, 0)}
    cupy.cuda.runtime.getDeviceProperties = lambda i: {
        "totalGlobalMem": GB, **dict(zip(("name", "major", "minor"), names[i], strict=True))
    }  # fmt: skip
    found, reason = find_gpus()
    assert [gpu.name for gpu in found] == ["NVIDIA H100"]
    assert reason == "Tesla V100: too old for this CUDA, which needs compute capability 7.5"

    def missing():
        raise RuntimeError('Failure finding "libnvrtc.so.13"\nand where it looked')

    cupy.cuda.nvrtc.getSupportedArchs = missing
    found, reason = find_gpus()
    assert found == []
    assert reason.endswith("(pip install 'vicollapse[gpu]'): Failure finding \"libnvrtc.so.13\"")
    assert choose("auto", BOTH, local_rank=0, local_size=1) == Device("cpu")


@pytest.mark.parametrize("name", experiments.names())
def test_experiments_promise_only_backends_that_there_are(name):
    backends = experiments.get(name).backends
    assert backends[0] == "cpu"
    assert set(backends) <= set(solve.BACKENDS)


def test_without_cupy_and_with_a_broken_one(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "cupy", None)
    assert find_gpus()[0] == []
    monkeypatch.delitem(sys.modules, "cupy")
    (tmp_path / "cupy.py").write_text("raise ImportError('libcudart.so.13: cannot open shared object file')")
    monkeypatch.syspath_prepend(tmp_path)
    assert find_gpus() == ([], "CuPy cannot be loaded (libcudart.so.13: cannot open shared object file)")
    assert find_gpus()[1]  # however often


class FakeNvml:
    """The driver's management library, with 5 GB free on one GPU."""

    def __init__(self, status=0):
        self.status, self.asked = status, None

    def nvmlInit_v2(self):
        """Always works."""
        return 0

    def nvmlDeviceGetHandleByPciBusId_v2(self, bus, device):
        """Notes which GPU is meant."""
        self.asked = bus
        return 0

    def nvmlDeviceGetMemoryInfo(self, device, memory):
        """Fills the structure that the caller passed."""
        numbers = ctypes.cast(memory, ctypes.POINTER(ctypes.c_ulonglong))
        numbers[0], numbers[1], numbers[2] = 8 * GB, 5 * GB, 3 * GB
        return self.status


def test_free_memory_is_asked_of_the_driver(monkeypatch):
    library = FakeNvml()
    monkeypatch.setattr(gpu_memory.ctypes, "CDLL", lambda name: library)
    assert gpu_memory.free_bytes("0000:3B:00.0") == 5 * GB
    assert library.asked == b"0000:3B:00.0"
    monkeypatch.setattr(gpu_memory.ctypes, "CDLL", lambda name: FakeNvml(status=4))
    assert gpu_memory.free_bytes("0000:3B:00.0") is None

    def missing(name):
        raise OSError(name)

    monkeypatch.setattr(gpu_memory.ctypes, "CDLL", missing)
    assert gpu_memory.free_bytes("0000:3B:00.0") is None
