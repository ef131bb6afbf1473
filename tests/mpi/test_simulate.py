"""Ranks that share a shard: the same bits for any number of them, and what happens when one of them breaks."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import h5py
import psutil
import pytest
from hdf5_content import content
from workplace import LAUNCHER, wait_until

SIMULATE = ("simulate", "--study", "slow")
QUICK = 20
"""Seconds within which a broken job must be over; its undisturbed run takes about as long, its watchdog far longer."""


def broken(place, fault, *arguments, ranks=2):
    """Run with a fault: exit code, what was printed, seconds."""
    start = time.monotonic()
    code, out, err = place.run(*SIMULATE, *arguments, ranks=ranks, SLOW_FAULT=fault)
    return code, out + err, time.monotonic() - start


@pytest.mark.parametrize("number", [1, 2, 3])
def test_the_number_of_ranks_changes_no_bit(workplace, undisturbed, number):
    code, _, err = workplace.run(*SIMULATE, "--ranks", str(number), ranks=number)
    assert code == 0, err
    used = [h5py.File(path)["provenance"].attrs["ranks"] for path in workplace.shards()]
    assert max(used) == number  # all of them have worked
    assert re.search(r"4,200 of 4,200 trajectories \(100 %\)", err)
    assert err.count("trajectories (100 %)") == 1  # told by one rank
    workplace.finish()
    assert workplace.equals(undisturbed)
    assert [p.name for p in workplace.leftovers()] == ["phase_diagram.h5"]


REAL = """
studies:
  real:
    experiment: gradient_flow
    axes: {weights: [fixed, softmax], separation: [2, 4], dimension: [2, 50]}
    init_scale: 1
    t_end: 100
    replicates: 700
    keep_trajectories: 2
    save_times: [1, 10]
    seed: 3
"""


def test_the_gradient_flow_too(tmp_path):
    found = []
    for number in (0, 1, 3):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "config.yaml").write_text(REAL)
        command = [sys.executable, "-m", "mpi4py", "-m", "vicollapse", "simulate", "--config", "config.yaml"]
        launcher = [*LAUNCHER, str(number)] if number else []
        start = [*launcher, *(command if number else [sys.executable, *command[3:]])]
        subprocess.run(start, cwd=folder, check=True, timeout=300, capture_output=True)
        (path,) = folder.glob("results/real/shards/*.h5")
        found.append(content(path))
    assert found[0] == found[1] == found[2]


def test_an_exception_on_one_rank_ends_all_with_its_reason(workplace, undisturbed):
    code, err, seconds = broken(workplace, "raise:1:2", ranks=3)
    assert code != 0
    assert seconds < QUICK
    assert "ZeroDivisionError" in err
    assert re.search(r"vicollapse: rank 1 of 3 on \S+: ZeroDivisionError: division by zero; all ranks end now", err)
    assert not re.search(r"rank [02] of 3", err)
    status = json.loads(workplace.run("status", "--json")[1])[0]
    assert status["failed"] == 1
    assert re.search(r"ZeroDivisionError: division by zero \(rank 1 of 3 on", json.dumps(status))
    workplace.finish()
    assert workplace.equals(undisturbed)


@pytest.mark.parametrize("what", ["kill", "crash"])
def test_a_rank_that_dies_ends_all(workplace, undisturbed, what):
    code, err, seconds = broken(workplace, f"{what}:1:3")  # what it did before its last call is written
    assert code != 0
    assert seconds < QUICK
    assert "signal" in err  # the launcher says, on its standard output, how it ended
    assert workplace.parts() or workplace.shards()
    code, _, err = workplace.run(*SIMULATE, ranks=2)  # goes on with two ranks again
    assert code == 0, err
    workplace.finish()
    assert workplace.equals(undisturbed)


def test_kill_of_all_ranks_and_the_launcher(workplace, undisturbed):
    process = workplace.start(*SIMULATE, ranks=3)
    wait_until(lambda: len(workplace.parts()) >= 3, process)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    workplace.finish()
    assert workplace.equals(undisturbed)


def test_kill_of_the_launcher_alone(workplace, undisturbed):
    """MPICH's ranks then end, or go on by themselves; either way they end, and no second run gets in between."""
    process = workplace.start(*SIMULATE, ranks=2)
    wait_until(lambda: len(workplace.parts()) >= 3, process)
    started = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.wait()
    _, alive = psutil.wait_procs(started, timeout=QUICK)
    assert not alive
    workplace.finish()
    assert workplace.equals(undisturbed)


def test_a_full_disk_on_one_rank_is_said(workplace, undisturbed):
    code, err, seconds = broken(workplace, "full:1:1")
    assert code == 2
    assert seconds < QUICK
    assert re.search(r"rank 1 of 2 on \S+: error: no space left to write .*finished batches are kept", err)
    assert "Traceback" not in err
    workplace.finish()
    assert workplace.equals(undisturbed)


@pytest.mark.parametrize("where", ["launcher", "rank"])
def test_sigterm_ends_all_and_loses_nothing(workplace, undisturbed, where):
    if where == "rank":
        code, err, seconds = broken(workplace, "terminate:1:2")
    else:
        process = workplace.start(*SIMULATE, ranks=2)
        wait_until(lambda: len(workplace.parts()) >= 2, process)
        start = time.monotonic()
        process.terminate()
        code, err = process.wait(60), process.communicate()[1]
        seconds = time.monotonic() - start
    assert code != 0
    assert seconds < QUICK
    assert "Traceback" not in err
    if where == "rank":  # the batch in flight was finished
        assert not list(workplace.results.rglob("*.tmp"))
    before = len(workplace.parts())
    assert before
    workplace.finish()
    assert workplace.equals(undisturbed)


def test_a_rank_that_hangs_is_ended_by_the_watchdog(workplace, undisturbed):
    code, err, seconds = broken(workplace, "hang:1:2", "--watchdog", "3")
    assert code != 0
    assert seconds < QUICK
    assert re.search(r"rank 1 of 2 on \S+: batch \S+ of shard \w+ has taken more than 3 s", err)
    assert "slow_experiment" in err  # the traceback shows where
    workplace.finish()
    assert workplace.equals(undisturbed)


def test_a_rank_that_was_stopped_is_noticed_by_the_others(workplace, undisturbed):
    process = workplace.start(*SIMULATE, "--watchdog", "1.5", ranks=2)
    wait_until(lambda: workplace.parts(), process)
    with h5py.File(workplace.parts()[0]) as file:
        os.kill(int(file.attrs["pid"]), signal.SIGSTOP)
    code, err = process.wait(QUICK), process.communicate()[1]
    assert code != 0
    assert re.search(r"waited 3 s for (other ranks|rank 0)", err)
    workplace.finish()
    assert workplace.equals(undisturbed)


def test_two_jobs_on_one_shard(workplace, undisturbed):
    first = workplace.start(*SIMULATE, ranks=2)
    wait_until(lambda: workplace.parts(), first)
    all_ranks = psutil.Process(first.pid).children(recursive=True)
    for process in all_ranks:
        process.suspend()  # they hold their shard meanwhile
    shard = workplace.parts()[0].parent.name
    code, _, err = workplace.run(*SIMULATE, "--shard", shard, ranks=2)
    for process in all_ranks:
        process.resume()
    assert code == 2, err
    assert re.search(r"rank 0 of 2 on \S+: error: .* is in use by process \d+ on", err)
    assert first.wait(60) == 0
    first.communicate()
    workplace.finish()
    assert workplace.equals(undisturbed)


def test_a_mistake_is_told_once_before_anything_is_spent(workplace):
    (workplace.folder / "config.yaml").write_text(
        "studies: {slow: {experiment: slow, axes: {separation: [1]}, replicats: 3}}"
    )
    code, _, err = workplace.run(*SIMULATE, ranks=3)
    assert code == 2
    assert err.count("did you mean 'replicates'") == 1
    assert "rank 0 of 3" in err
    code, _, err = workplace.run(*SIMULATE, "--ranks", "4", ranks=2)
    assert code == 2
    assert err.count("asked for 4 ranks, but there are 2") == 1
