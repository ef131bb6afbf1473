"""One thing in the background: in order, one at a time, and no error is lost."""

import threading

import pytest

from vicollapse.sweep.behind import Behind


def fail():
    raise OSError("disk full")


def test_this_thread_goes_on_meanwhile():
    go, done = threading.Event(), []
    with Behind() as behind:
        behind.do(lambda: done.append(go.wait(10)))
        assert done == []
        go.set()
    assert done == [True]


def test_one_at_a_time_in_order():
    done = []
    with Behind() as behind:
        for number in range(5):
            behind.do(lambda number=number: done.append(number))
            assert len(done) >= number
    assert done == [0, 1, 2, 3, 4]


def test_the_next_one_raises_the_error_of_the_one_before():
    with Behind() as behind:
        behind.do(fail)
        with pytest.raises(OSError, match="disk full"):
            behind.do(lambda: None)


def test_the_last_error_is_raised_at_the_end():
    behind = Behind()
    with pytest.raises(OSError, match="disk full"), behind:
        behind.do(fail)


def test_an_error_of_this_thread_comes_first_but_what_was_begun_is_finished():
    done = []

    def begin_and_break():
        with Behind() as behind:
            behind.do(lambda: done.append(1))
            fail()

    with pytest.raises(OSError, match="disk full"):
        begin_and_break()
    assert done == [1]
