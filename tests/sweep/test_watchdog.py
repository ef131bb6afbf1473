"""What hangs is ended, with an explanation and a traceback, whatever the interpreter is doing; what is quick is not."""

import subprocess
import sys
import time

import pytest

from vicollapse.sweep.watchdog import watchdog

HANGS = """
import re, sys, time
from vicollapse.sweep import watchdog as module
module._LATER = 0.5
with module.watchdog(0.5, lambda: "it hangs"):
    {what}
"""
SLEEPS = "time.sleep(60)"
STUCK = "re.match('(a?)' * 30 + 'a' * 30, 'a' * 30)"  # for ages in C code that holds the interpreter


@pytest.mark.parametrize(("what", "message"), [(SLEEPS, "vicollapse: error: it hangs"), (STUCK, "Timeout")])
def test_a_hang_ends_the_process_and_shows_where(what, message):
    start = time.monotonic()
    done = subprocess.run([sys.executable, "-c", HANGS.format(what=what)], capture_output=True, text=True, timeout=50)
    assert done.returncode == 1
    assert message in done.stderr
    assert 'File "<string>", line 6' in done.stderr
    assert time.monotonic() - start < 30


@pytest.mark.parametrize("seconds", [0, 0.2])
def test_what_ends_in_time_goes_on(seconds):
    with watchdog(seconds, lambda: "never said"):
        pass
    time.sleep(0.5)
    with pytest.raises(KeyError), watchdog(seconds, lambda: "never said"):
        raise KeyError
    time.sleep(0.3)
