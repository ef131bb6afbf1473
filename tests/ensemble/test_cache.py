"""Kernels on disk: found again without SymPy, remade when damaged, and a fall-back when no folder is writable."""

import os
import subprocess
import sys
import time
from pathlib import Path

RUN = """
import sys
sys.path.insert(0, {tests!r})
from vicollapse.ensemble.solution import Problem
from vicollapse.ensemble.solve import solve
s = solve(Problem("toy_systems:exploding"), [[-1.0]], {{}}, 1.0)
print(s.states[0, 0], "sympy" in sys.modules)
"""


def run(cache, tests=Path(__file__).parent, **variables):
    environment = {**os.environ, "VICOLLAPSE_CACHE": str(cache), **variables}
    code = RUN.format(tests=str(tests))
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)


def test_second_process_compiles_and_derives_nothing(tmp_path):
    first, second = run(tmp_path), run(tmp_path)
    assert "compiling exploding" in first.stderr
    assert second.stderr == ""
    assert second.stdout.split() == [first.stdout.split()[0], "False"]
    source = next((tmp_path / "kernels").glob("exploding*.py")).read_text()
    assert "def step(w):" in source  # kept where a developer can read it


def test_a_lost_source_is_generated_again(tmp_path):
    first = run(tmp_path)
    for path in (tmp_path / "kernels").glob("*.py"):
        path.unlink()
    assert run(tmp_path).stdout.split()[0] == first.stdout.split()[0]


def test_folder_that_cannot_be_written_falls_back_with_a_warning(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    result = run(blocked, TMPDIR=str(tmp_path))
    assert result.returncode == 0
    assert "not writable" in result.stderr
    assert list(tmp_path.glob("vicollapse-*/kernels/exploding*.py"))


def test_processes_that_start_together_compile_once(tmp_path):
    code = RUN.format(tests=str(Path(__file__).parent))
    environment = {**os.environ, "VICOLLAPSE_CACHE": str(tmp_path)}
    both = []
    for _ in range(2):
        both.append(subprocess.Popen([sys.executable, "-c", code], env=environment, stderr=-1, stdout=-1, text=True))
        time.sleep(0.01)
    outputs = [p.communicate() for p in both]
    assert [p.returncode for p in both] == [0, 0]
    assert sum("compiling" in err for _, err in outputs) == 1
