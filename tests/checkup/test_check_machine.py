"""Verdicts about program, ranks, cores, memory and GPUs, from made-up facts; and the facts of this machine."""

import numpy as np
import pytest
from thread_team import on_ranks, setting

from vicollapse.checkup import binding, gpus, memory, program, ranks, threads
from vicollapse.checkup.findings import Verdict
from vicollapse.parallel.devices import Device, Gpu

GB = 10**9


# program


def test_equal_programs():
    versions = program.versions()
    assert {"vicollapse", "commit", "Python", "numpy", "numba", "h5py", "mpi4py", "cupy"} == set(versions)
    finding = program.judge("ab", [versions, versions])
    assert finding.verdict is Verdict.OK
    assert f"numpy {np.__version__}" in finding.found


def test_the_rank_with_another_version_is_named():
    versions = {"Python": "3.11.7", "numpy": "2.1.0"}
    finding = program.judge("abc", [versions, versions, versions | {"numpy": "1.26.4"}])
    assert finding.verdict is Verdict.WARNING
    assert "rank 2 (c) has numpy 1.26.4" in finding.found
    assert "rank 1" not in finding.found


# ranks


def test_ranks_are_counted_by_machine():
    finding = ranks.judge(("a", "a", "b"), "MPICH  1", True, {})
    assert finding.verdict is Verdict.OK
    assert finding.found == "3 ranks: 2 on a, 1 on b; MPI: MPICH 1"
    assert "4 on each of 9 machines" in ranks.judge([f"n{i // 4}" for i in range(36)], "", True, {}).found


@pytest.mark.parametrize(("hosts", "tasks"), [("a", "4"), ("aab", "9")])
def test_fewer_ranks_than_tasks_of_the_job(hosts, tasks):
    finding = ranks.judge(hosts, "MPI", True, {"SLURM_NTASKS": tasks})
    assert finding.verdict is Verdict.WARNING
    assert f"mpiexec -n {tasks}" in finding.advice
    assert ranks.judge("a" * int(tasks), "MPI", True, {"SLURM_NTASKS": tasks}).verdict is Verdict.OK
    assert ranks.judge("a" * 99, "MPI", True, {"SLURM_NTASKS": tasks}).verdict is Verdict.OK


def test_threads_must_be_allowed_to_call_mpi_across_machines():
    assert ranks.judge("ab", "MPI", False, {}).verdict is Verdict.WARNING
    assert ranks.judge("aa", "MPI", False, {}).verdict is Verdict.OK


# cores


@pytest.mark.parametrize(
    ("masks", "counts", "verdict", "words"),
    [
        ([(0, 1)], [2], Verdict.OK, "1 rank x 2 threads on 2 cores"),
        ([(0, 1)], [3], Verdict.WARNING, "starts 3 threads on 2 cores"),
        ([(0, 1), (2, 3)], [2, 2], Verdict.OK, "2 ranks x 2 threads on 4 cores, bound"),
        ([(0, 1, 2, 3)] * 2, [2, 2], Verdict.OK, "not bound"),
        ([(0, 1)] * 2, [2, 2], Verdict.WARNING, "4 threads share 2 cores"),
        ([(0, 1), (1, 2)], [1, 1], Verdict.WARNING, "some ranks share 1 core"),
        ([(0,)] * 3, [1, 1, 1], Verdict.WARNING, "3 threads share 1 core"),
        ([(0,), (1,)], [8, 8], Verdict.WARNING, "--cpus-per-task=8"),
    ],
)
def test_cores_against_threads(masks, counts, verdict, words):
    finding = binding.judge(["a"] * len(masks), masks, counts)
    assert finding.verdict is verdict
    assert words in f"{finding.found} {finding.advice}"


def test_equal_core_numbers_on_two_machines_are_different_cores():
    finding = binding.judge("ab", [(0, 1), (0, 1)], [2, 2])
    assert finding.verdict is Verdict.OK
    assert finding.found == "1 rank x 2 threads on 2 cores (each of 2 machines)"
    assert "on b 2 threads share 1 core" in binding.judge("abb", [(0,), (0,), (0,)], [1, 1, 1]).found


def test_hardware_threads_of_one_core_count_once(tmp_path, monkeypatch):
    monkeypatch.setattr(binding, "_TOPOLOGY", str(tmp_path / "{}"))
    for number, siblings in enumerate(["0,2", "1,3", "0,2", "1,3"]):
        (tmp_path / str(number)).write_text(siblings + "\n")
    assert binding.physical_cores([0, 1, 2, 3]) == 2
    assert binding.physical_cores([0, 2]) == 1
    assert binding.physical_cores([7, 8]) == 2  # unknown


# memory


@pytest.mark.parametrize(
    ("hosts", "free", "verdict", "words"),
    [
        ("a", [8 * GB], Verdict.OK, "8 GB free"),
        ("aaab", [3 * GB, 3 * GB, 3 * GB, GB], Verdict.OK, "1 GB free for each rank (a)"),
        ("aab", [GB, 0.9 * GB, 8 * GB], Verdict.WARNING, "450 MB free for each rank (a)"),
        ("ab", [8 * GB, 0.2 * GB], Verdict.ERROR, "(b); the program alone takes"),
        ("ab", [None, None], Verdict.SKIPPED, "does not say"),
        ("ab", [None, 8 * GB], Verdict.OK, "(b)"),
    ],
)
def test_memory_is_shared_by_the_ranks_of_a_machine(hosts, free, verdict, words):
    finding = memory.judge(hosts, [f if f is None else int(f) for f in free])
    assert finding.verdict is verdict
    assert words in finding.found


# GPUs


def gpu(index=0):
    return Gpu(index, "H100", 80 * GB, 80 * GB, f"bus{index}")


NONE = ([], "no NVIDIA driver")


def test_no_gpu_is_no_problem():
    finding = gpus.judge("ab", [NONE, NONE], [Device("cpu"), Device("cpu")])
    assert finding.verdict is Verdict.OK
    assert finding.found == "none: no NVIDIA driver. The CPU computes"


def test_no_gpu_is_an_error_if_one_was_asked_for(tmp_path, monkeypatch):
    monkeypatch.setattr(gpus, "find_gpus", lambda: NONE)
    (finding,) = on_ranks("a", lambda team: gpus.check(setting(team, tmp_path, backend="gpu")))
    assert finding.verdict is Verdict.ERROR
    assert "no NVIDIA driver" in finding.found


def test_each_rank_takes_a_gpu_of_its_machine(tmp_path, monkeypatch):
    monkeypatch.setattr(gpus, "find_gpus", lambda: ([gpu(0), gpu(1)], ""))
    monkeypatch.setattr(gpus, "_backends", lambda: ("cpu", "gpu"))
    finding, *others = on_ranks("aabb", lambda team: gpus.check(setting(team, tmp_path)))
    assert others == [finding] * 3
    assert finding.verdict is Verdict.OK
    assert "rank 1 (a): GPU 1 (H100" in finding.found
    assert "rank 2 (b): GPU 0 (H100" in finding.found


def test_ranks_that_share_a_gpu(tmp_path, monkeypatch):
    monkeypatch.setattr(gpus, "find_gpus", lambda: ([gpu()], ""))
    monkeypatch.setattr(gpus, "_backends", lambda: ("cpu", "gpu"))
    finding, _ = on_ranks("aa", lambda team: gpus.check(setting(team, tmp_path)))
    assert finding.verdict is Verdict.WARNING
    assert "rank 0 (a), rank 1 (a) share a GPU" in finding.found


def test_gpus_that_the_program_cannot_use(monkeypatch):
    monkeypatch.setattr(gpus, "_backends", lambda: ("cpu",))
    finding = gpus.judge("a", [([gpu()], "")], [Device("cpu")])
    assert finding.verdict is Verdict.OK
    assert "1 GPU (H100 on a), but this version has no kernels for them" in finding.found


# threads


@pytest.mark.parametrize(
    ("hosts", "alone", "together", "usable", "verdict", "words"),
    [
        ("a", [100.0], [190.0], [2], Verdict.OK, "one thread alone 100; parallel efficiency 95%"),
        ("a", [100.0], [130.0], [2], Verdict.WARNING, "efficiency 65% on rank 0 (a)"),
        ("aa", [100.0, 0.0], [50.0, 55.0], [1, 1], Verdict.WARNING, "50% on rank 0"),
        ("aab", [100.0, 0.0, 300.0], [100.0, 90.0, 300.0], [1, 1, 1], Verdict.WARNING, "a is slower than the others"),
        ("aab", [100.0, 0.0, 110.0], [100.0, 90.0, 110.0], [1, 1, 1], Verdict.OK, "300 trajectories/s"),
    ],
)  # fmt: skip
def test_parallel_efficiency(hosts, alone, together, usable, verdict, words):
    finding = threads.judge(hosts, alone, together, usable)
    assert finding.verdict is verdict
    assert words in finding.found


def test_speed_counts_what_the_kernel_is_given():
    calls = []
    speed = threads.speed(lambda number, threads: calls.append((number, threads)), 3)
    assert {threads for _, threads in calls} == {3}
    assert speed == pytest.approx(sum(number for number, _ in calls) / threads._SECONDS, rel=0.1)


def test_without_a_compiler_nothing_is_measured(tmp_path, monkeypatch):
    monkeypatch.setattr(threads.numba.config, "DISABLE_JIT", 1)
    (finding,) = on_ranks("a", lambda team: threads.check(setting(team, tmp_path)))
    assert finding.verdict is Verdict.ERROR
    assert "NUMBA_DISABLE_JIT" in finding.advice
