"""Killed at any moment and started again, a run ends in the same datasets, bit for bit, and repeats little."""

import os
import random
import signal
import time

import pytest
from hdf5_content import content
from workplace import wait_until

from vicollapse.sweep import runner
from vicollapse.sweep.points import points
from vicollapse.sweep.shards import Shard
from vicollapse.sweep.study import Study


def test_sigkill_after_some_parts_again_and_again(workplace, undisturbed):
    dice, done = random.Random(1), 0
    for _ in range(3):
        process = workplace.start("simulate", "--study", "slow")
        wanted = done + dice.randint(2, 5)
        wait_until(lambda wanted=wanted: 6 * len(workplace.shards()) + len(workplace.parts()) >= wanted, process)
        time.sleep(dice.uniform(0, 0.05))
        assert process.poll() is None, process.communicate()
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        before, done = done, 6 * len(workplace.shards()) + len(workplace.parts())
        assert done > before  # every attempt gets further
    workplace.finish()
    assert workplace.equals(undisturbed)
    assert [p.name for p in workplace.leftovers()] == ["phase_diagram.h5"]


def test_sigterm_finishes_the_batch_and_ends_with_143(workplace, undisturbed):
    process = workplace.start("simulate", "--study", "slow")
    wait_until(lambda: len(workplace.parts()) >= 2, process)
    process.terminate()
    _, err = process.communicate(timeout=60)
    assert process.returncode == 143
    assert "Traceback" not in err
    assert not list(workplace.results.rglob("*.tmp"))
    assert len(workplace.parts()) >= 2
    workplace.finish()
    assert workplace.equals(undisturbed)


def test_ctrl_c_ends_with_130_and_one_line(workplace, undisturbed):
    process = workplace.start("simulate", "--study", "slow")
    wait_until(lambda: len(workplace.parts()) >= 2, process)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "vicollapse: interrupted; what is finished is kept" in err
    assert "Traceback" not in err
    workplace.finish()
    assert workplace.equals(undisturbed)


def test_two_runs_at_once(workplace, undisturbed):
    first = workplace.start("simulate", "--study", "slow")
    wait_until(lambda: workplace.parts(), first)
    first.send_signal(signal.SIGSTOP)  # it holds its shard while we look
    try:
        (shard,) = {path.parent.name for path in workplace.parts()}
        status = workplace.run("status", "--json")
        second = workplace.run("simulate", "--study", "slow", "--shard", shard)
    finally:
        first.send_signal(signal.SIGCONT)
    assert status[0] == 0
    assert '"running": 1' in status[1]
    assert second[0] == 2
    assert f"in use by process {first.pid} on " in second[2]
    assert second[2].count("vicollapse: error") == 1
    assert "Traceback" not in second[2]
    first.communicate(timeout=60)
    assert first.returncode == 0
    workplace.finish()
    assert workplace.equals(undisturbed)


@pytest.fixture
def shard():
    study = Study("s", experiment="slow", axes={"separation": (0.5, 1.0, 2.0)}, replicates=600)
    return Shard("0123456789abcdef", "slow", 7, tuple(points(study)), 0, 600, 2, (0.0, 1.0))


@pytest.fixture
def slow(monkeypatch):
    import slow_experiment

    from vicollapse import experiments

    monkeypatch.setitem(experiments._MODULES, "slow", "Slow")
    slow_experiment.register()
    monkeypatch.setattr(slow_experiment, "SECONDS", 0)
    yield
    experiments.get.cache_clear()


def dies_at(call, name, action):
    """Exit code of a copy of this process that runs `action`, and dies, cleaning up nothing, in a call of os.`name`."""
    child = os.fork()
    if child == 0:
        original, calls = getattr(os, name), []

        def counting(*arguments, **more):
            calls.append(1)
            if len(calls) == call:
                os._exit(9)
            return original(*arguments, **more)

        setattr(os, name, counting)
        try:
            action()
            os._exit(0)
        except BaseException:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.parametrize("name", ["replace", "fsync", "pwrite", "rmdir"])
def test_death_at_every_write(slow, shard, tmp_path, name):
    expected = content(runner.simulate(shard, tmp_path / "undisturbed"))
    call, deaths = 1, 0
    while True:
        folder = tmp_path / f"death{call}"
        code = dies_at(call, name, lambda folder=folder: runner.simulate(shard, folder))
        if code == 0:
            break
        assert code == 9
        assert content(runner.simulate(shard, folder)) == expected
        assert {p.name for p in folder.rglob("*") if p.is_file()} == {f"{shard.id}.h5"}
        call, deaths = call + (1 if name != "pwrite" else 37), deaths + 1
    assert deaths >= (1 if name == "rmdir" else 7)


def test_dying_again_and_again_in_one_folder(slow, shard, tmp_path):
    expected = content(runner.simulate(shard, tmp_path / "undisturbed"))
    folder, deaths = tmp_path / "again", 0
    while (code := dies_at(2, "replace", lambda: runner.simulate(shard, folder))) != 0:
        assert code == 9
        deaths += 1
        assert deaths < 20
    assert deaths >= 5
    assert content(folder / "shards" / f"{shard.id}.h5") == expected
