"""The text of the GPU kernels: the same in every process, short, and not changed by accident."""

import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import sympy as sp

from vicollapse.ensemble.gpu_source import cuda_source
from vicollapse.ensemble.gpu_text import text
from vicollapse.ensemble.methods import METHODS
from vicollapse.ensemble.solve import default_method, default_terms
from vicollapse.mixture.equations import WEIGHTS, two_modes
from vicollapse.mixture.expansion import SHAPES
from vicollapse.symbolic import symbols

FINGERPRINT = Path(__file__).with_name("gpu_text.json")


def digest(text):
    """Of the statements, without comments and layout."""
    lines = (line.split("//")[0].strip() for line in text.splitlines())
    return hashlib.sha256("\n".join(line for line in lines if line).encode()).hexdigest()[:16]


def source(rtol, weights="softmax", schedule="constant"):
    """What is run at a tolerance."""
    return cuda_source(two_modes(weights, schedule), METHODS[default_method(rtol)], default_terms(rtol))


def test_the_text_is_known(request):
    """No change by accident. The mathematics is that of the CPU, whose fingerprint asks for a new version."""
    kernels = [*((1e-3, w) for w in WEIGHTS), *((rtol, "softmax") for rtol in (1e-6, 1e-8, 1e-10))]
    now = {f"{rtol:g} {weights}": digest(source(rtol, weights)) for rtol, weights in kernels}
    now |= {f"0.001 softmax {s}": digest(source(1e-3, schedule=s)) for s in ("linear", "exponential", "adaptive")}
    if request.config.getoption("--fix"):
        FINGERPRINT.write_text(json.dumps(now, indent=1) + "\n")
    assert json.loads(FINGERPRINT.read_text()) == now, "the GPU's text changed: run pytest with --fix if that was meant"


def test_the_text_does_not_depend_on_the_process():
    code = (
        "import hashlib; from vicollapse.ensemble.gpu_source import cuda_source as c;"
        "from vicollapse.ensemble.methods import method as m; from vicollapse.mixture.equations import two_modes as t;"
        f"print(hashlib.sha256(c(t('softmax', 'linear'), m('Rodas5P'), {min(SHAPES)}).encode()).hexdigest())"
    )
    runs = [
        subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True)
        for seed in ("1", "2")
    ]
    assert runs[0].stdout == runs[1].stdout
    assert len(runs[0].stdout) > 60


def test_the_right_hand_side_is_in_the_text_once():
    text = source(1e-6)
    assert len(re.findall(r"rates\(w, ", text)) == 1
    assert len(text) < 130_000


def test_copies_and_multiples_of_parameters_take_no_memory():
    rows = int(re.search(r"constexpr int ROWS = (\d+);", source(1e-6))[1])
    stages = METHODS[default_method(1e-6)].stages
    assert rows <= 7 * 2 + 3 + 7 * 7 + 7 * stages + default_terms(1e-6) + 12  # state, rates, ..., coefficients, rest


def test_nothing_is_divided():
    """Divisions take ten times as long as the reciprocals of the runtime."""
    (y,) = symbols("y")
    assert text(1 / y) == "reciprocal(y)"
    assert text(-6 * y / (y + 3)) == "-6.0*y*reciprocal(y + 3.0)"
    assert text(sp.sqrt(y) / sp.sqrt(1 + y) + y / 3) == f"{1 / 3!r}*y + reciprocal_root(y + 1.0)*sqrt(y)"
    assert text(2 / (1 + y) ** 2) == "2.0*reciprocal(((y + 1.0) * (y + 1.0)))"
    with pytest.raises(NotImplementedError, match="integers up to 4"):
        text(y**0.3)
    whole = source(1e-6)
    generated = whole[whole.index("constexpr") : whole.index("// One thread")]
    assert len(generated) > 80_000
    assert "/" not in generated
