"""A check that fails, anywhere and on any rank, becomes a row; the checks after it run, and the ranks stay in step."""

import subprocess
import sys
import threading
import time

import pytest
from thread_team import on_ranks

from vicollapse.checkup import run as checkup
from vicollapse.checkup.collective import Collective, RankFailure
from vicollapse.checkup.findings import Verdict, error, ok, places
from vicollapse.checkup.run import CHECKS, Check
from vicollapse.errors import StorageError
from vicollapse.parallel.team import Solo

HOSTS = ("a", "a", "b")


def everybody(setting):
    """A healthy check: every rank sees the numbers of all."""
    numbers = setting.ranks.gather(setting.team.rank)
    again = setting.ranks.everywhere(lambda: 10 * setting.team.rank)
    return ok(f"{numbers} {again}")


def raises_on_1(when):
    """A check whose rank 1 fails before, between or after its exchanges with the others."""

    def check(setting):
        def fail(now):
            if now == when and setting.team.rank == 1:
                raise KeyError("oops")

        fail("before")
        setting.ranks.gather(1)
        fail("between")
        setting.ranks.everywhere(lambda: fail("measuring"))
        setting.ranks.here(lambda: fail("here"))
        fail("after")
        return ok("never")

    return check


def run_all(checks, tmp_path, hosts=HOSTS):
    return on_ranks(
        hosts,
        lambda team: checkup.run(team, threads=1, folder=tmp_path / "results", backend="auto", checks=checks),
    )


@pytest.mark.parametrize("when", ["before", "between", "measuring", "here", "after"])
def test_a_rank_that_raises_becomes_an_error_on_all_ranks(when, tmp_path):
    checks = (Check("bad", raises_on_1(when)), Check("good", everybody))
    found = run_all(checks, tmp_path)
    assert found[0] == found[1] == found[2]
    assert found[0]["bad"].verdict is Verdict.ERROR
    assert found[0]["bad"].found == "rank 1 (a): KeyError: 'oops'"
    assert found[0]["good"] == ok("[0, 1, 2] [0, 10, 20]")


def test_all_failures_are_told_and_explained_errors_keep_their_words(tmp_path):
    def check(setting):
        setting.ranks.everywhere(lambda: (_ for _ in ()).throw(StorageError("no room; make some")))
        return ok("never")

    (found, *_) = run_all((Check("bad", check),), tmp_path)
    assert found["bad"].found == "rank 0 (a), rank 1 (a), rank 2 (b): no room; make some"


def test_a_measurement_that_hangs_is_left_behind(tmp_path):
    release = threading.Event()

    def check(setting):
        setting.ranks.everywhere(lambda: setting.team.rank == 2 and release.wait(30), seconds=0.3)
        return ok("never")

    start = time.monotonic()
    (found, *_) = run_all((Check("bad", check), Check("good", everybody)), tmp_path)
    release.set()
    assert found["bad"].found == "rank 2 (b): no answer within 0.3 s"
    assert found["good"].verdict is Verdict.OK
    assert time.monotonic() - start < 15


def test_gathering_after_a_failure_raises_on_every_rank_alike():
    def failing(team):
        with pytest.raises(RankFailure) as failure:
            Collective(team).everywhere(lambda: 1 / (team.rank - 1))
        return failure.value.reasons

    assert on_ranks(HOSTS, failing) == [{1: "ZeroDivisionError: division by zero"}] * 3


def test_what_needs_a_failed_check_is_skipped(tmp_path):
    broken = Check("folder", lambda setting: error("gone", "look for it"))
    found = checkup.run(
        Solo(), threads=1, folder=tmp_path, backend="auto", checks=(broken, Check("lock", everybody, needs="folder"))
    )
    assert found["lock"].verdict is Verdict.SKIPPED
    assert found["lock"].found == "needs 'folder'"


def test_every_need_is_a_check_that_comes_before():
    names = [check.name for check in CHECKS]
    assert len(set(names)) == len(names)
    for i, check in enumerate(CHECKS):
        assert not check.needs or check.needs in names[:i], check


@pytest.mark.parametrize("existed", [False, True])
def test_nothing_is_left_in_the_folder(existed, tmp_path):
    folder = tmp_path / "results"
    if existed:
        folder.mkdir()
        (folder / "kept.h5").write_text("a result")

    def check(setting):
        setting.scratch.mkdir(parents=True)
        (setting.scratch / "file").write_text("x")
        raise RuntimeError

    checkup.run(Solo(), threads=1, folder=folder, backend="auto", checks=(Check("writes", check),))
    assert [path.name for path in tmp_path.rglob("*")] == (["results", "kept.h5"] if existed else [])


def test_a_check_that_hangs_ends_the_program_after_its_time():
    program = """
import time
from pathlib import Path
from vicollapse.checkup.findings import ok
from vicollapse.checkup.run import Check, run
from vicollapse.parallel.team import Solo
checks = (Check("well", lambda s: ok("fine")), Check("stuck", lambda s: time.sleep(100), seconds=0.5))
run(Solo(), threads=1, folder=Path("nowhere"), backend="auto", checks=checks, show=print)
"""
    start = time.monotonic()
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert time.monotonic() - start < 30
    assert "fine" in done.stdout
    assert "'stuck': Finding(verdict=<Verdict.ERROR" in done.stdout


def test_many_ranks_are_named_in_few_words():
    assert places(range(5), "abcde") == "rank 0 (a), rank 1 (b), rank 2 (c) and 2 more"
