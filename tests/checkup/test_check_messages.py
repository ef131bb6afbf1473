"""Verdicts about messages, the shared counter and clocks, from made-up facts; clocks that really differ are found."""

import threading
import time
from types import SimpleNamespace

import pytest
from thread_team import on_ranks, setting

from vicollapse.checkup import clocks, counter, messages
from vicollapse.checkup.findings import Verdict

US = 1e-6


@pytest.mark.parametrize(
    ("latency", "large", "verdict"),
    [(2 * US, 1e-3, Verdict.OK), (0.02, 1e-3, Verdict.WARNING), (2 * US, 2.0, Verdict.WARNING)],
)
def test_slow_messages(latency, large, verdict):
    finding = messages.judge("ab", 1, latency, large)
    assert finding.verdict is verdict
    assert "rank 1 (b)" in finding.found
    assert bool(finding.advice) == (verdict is Verdict.WARNING)


def test_a_message_that_never_comes_is_given_up(monkeypatch):
    monkeypatch.setattr(messages, "_PATIENCE", 0.1)
    never = SimpleNamespace(Test=lambda: False)
    comm = SimpleNamespace(Isend=lambda *_: never, Irecv=lambda *_: never)
    with pytest.raises(TimeoutError, match="did not arrive"):
        messages._one_way(comm, 1, True, 8, 3)


def test_one_rank_has_nobody_to_talk_to(tmp_path):
    for check in (messages.check, counter.check, clocks.check):
        (finding,) = on_ranks("a", lambda team, check=check: check(setting(team, tmp_path)))
        assert finding.verdict is Verdict.SKIPPED


def test_a_quick_counter():
    finding = counter.judge("ab", [10 * US, 20 * US], [30 * US])
    assert finding.verdict is Verdict.OK
    assert finding.found == "20 µs a take, 150,000 takes per second on 2 ranks; 30 µs while rank 0 computes"


@pytest.mark.parametrize(("together", "busy"), [([US, US, 0.02], [US, US]), ([US, US, US], [US, 0.5])])
def test_a_slow_counter(together, busy):
    finding = counter.judge("aab", together, busy)
    assert finding.verdict is Verdict.WARNING
    assert "slow on rank 2 (b)" in finding.found


def test_the_counter_is_timed_on_all_ranks(tmp_path, monkeypatch):
    monkeypatch.setattr(counter, "_TAKES", 50)
    taken = []

    class Slow:
        def take(self):
            taken.append(threading.current_thread())
            time.sleep(2e-3)

    assert counter.seconds_per_take(Slow()) > 2e-3
    assert len(taken) == 50
    finding, *others = on_ranks("aab", lambda team: counter.check(setting(team, tmp_path)))
    assert finding.verdict is Verdict.OK
    assert others == [finding, finding]


def test_bounds_of_a_difference_hold_the_difference():
    (low, high), (low_1, high_1) = clocks.differences([100.4, 103.4], (100.0, 101.0))
    assert low <= 0 <= high
    assert low_1 <= 3.0 <= high_1


def test_rounds_narrow_the_difference_down():
    rounds = [[(0.0, 0.0), (2.0, 4.0)], [(0.0, 0.0), (2.9, 4.9)]]
    finding = clocks.judge("ab", rounds)
    assert finding.verdict is Verdict.WARNING
    assert finding.found == "largest difference +3.450 s, rank 1 (b) against rank 0; known to 0.550 s"
    assert clocks.judge("ab", [[(0.0, 0.0), (-1.0, 1.5)]]).verdict is Verdict.OK


@pytest.mark.parametrize("ahead", [0.0, -5.0, 60.0])
def test_a_clock_that_is_wrong_is_found(ahead, tmp_path, monkeypatch):
    skewed = {}
    monkeypatch.setattr(
        clocks, "time", SimpleNamespace(time=lambda: time.time() + skewed.get(threading.current_thread(), 0.0))
    )

    def on_rank(team):
        skewed[threading.current_thread()] = ahead if team.rank == 2 else 0.0
        return clocks.check(setting(team, tmp_path))

    finding, *_ = on_ranks("aab", on_rank)
    assert finding.verdict is (Verdict.WARNING if ahead else Verdict.OK)
    assert not ahead or f"{ahead:+.1f}" in finding.found


@pytest.mark.parametrize(("ahead", "verdict"), [(0.5, Verdict.OK), (-3.0, Verdict.WARNING), (3.0, Verdict.WARNING)])
def test_the_clock_of_the_file_system(ahead, verdict):
    finding = clocks.judge_files("ab", [0.0, ahead])
    assert finding.verdict is verdict
    assert "rank 1 (b)" in finding.found


def test_the_clock_of_this_file_system(tmp_path):
    assert abs(clocks.file_ahead(tmp_path / "now")) < 2
