"""The code generator: deterministic text, guarded names, a fingerprint that forces a version when numerics change."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from vicollapse import experiments
from vicollapse.ensemble.codegen import module_source
from vicollapse.ensemble.lanes import text
from vicollapse.ensemble.methods import METHODS, method
from vicollapse.ensemble.polynomials import exp_coefficients
from vicollapse.ensemble.solve import ATOL_OVER_RTOL, default_method, default_terms
from vicollapse.experiments.gradient_flow_model import FATES_RTOL
from vicollapse.mixture.equations import WEIGHTS, two_modes
from vicollapse.symbolic import System, symbols

ANNEALED = ("linear", "linear_temperature", "geometric", "exponential", "adaptive", "table3")
FINGERPRINT = Path(__file__).with_name("numerics.json")


def digest(source):
    """Of the statements, without comments and layout."""
    lines = (line.split("#")[0].strip() for line in source.splitlines())
    return hashlib.sha256("\n".join(line for line in lines if line).encode()).hexdigest()[:16]


def taken(weights, rtol, schedule="constant"):
    """The kernel that is run at a tolerance."""
    return module_source(two_modes(weights, schedule), METHODS[default_method(rtol)], default_terms(rtol))


def test_numerics_have_a_version(request):
    """Whoever changes what the kernels compute raises GradientFlow.version: old shards are then not reused."""
    version = experiments.get("gradient_flow").version
    tolerances = (FATES_RTOL, 1e-6, 1e-8, 1e-10)
    now = {f"{w}, rtol {r:g}": digest(taken(w, r)) for w in WEIGHTS for r in tolerances}
    now |= {f"softmax {s}, rtol 1e-06": digest(taken("softmax", 1e-6, s)) for s in ANNEALED}
    now |= {f"{w} adaptive, rtol 1e-06": digest(taken(w, 1e-6, "adaptive")) for w in WEIGHTS if w != "softmax"}
    now |= {"tolerance of fates": repr(FATES_RTOL), "atol over rtol": repr(ATOL_OVER_RTOL)}
    known = json.loads(FINGERPRINT.read_text())
    if known["kernels"] != now:
        assert version > known["version"], "the numerics changed: raise GradientFlow.version, then run with --fix"
    if request.config.getoption("--fix"):
        FINGERPRINT.write_text(json.dumps({"version": version, "kernels": now}, indent=1) + "\n")
        return
    assert known == {"version": version, "kernels": now}, "run pytest with --fix to store the new fingerprint"


def test_text_does_not_depend_on_the_process():
    code = (
        "import hashlib; from vicollapse.ensemble.codegen import module_source as m;"
        "from vicollapse.ensemble.methods import method; from vicollapse.mixture.equations import two_modes;"
        "print(hashlib.sha256(m(two_modes('softmax', 'linear'), method('GRK4T'), 8).encode()).hexdigest())"
    )
    runs = [
        subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True)
        for seed in ("1", "2")
    ]
    assert runs[0].stdout == runs[1].stdout
    assert len(runs[0].stdout) > 60


def test_names_of_the_generator_cannot_be_used_in_equations():
    system = System("clash", symbols("y"), [])
    with pytest.raises(ValueError, match="underscore"):
        system.define("_dt", 1)
    system.define("z", 1)
    with pytest.raises(ValueError, match="defined twice"):
        system.define("z", 2)


def test_a_name_that_is_state_and_parameter_is_refused():
    system = System("twice", symbols("y"), symbols("y"))
    system.rhs = [-system.state[0]]
    with pytest.raises(AssertionError, match="stands twice"):
        module_source(system, method("GRK4T"), 8)


def test_powers_that_no_lane_can_do_are_refused():
    (y,) = symbols("y")
    assert text(y**-2) == "(1.0 / ((y) * (y)))"
    with pytest.raises(NotImplementedError, match="integers up to 4"):
        text(y**0.3)


def test_polynomials_of_the_kernels():
    r = np.linspace(-np.log(2) / 2, np.log(2) / 2, 1001)
    assert np.polyval(exp_coefficients()[::-1], r) == pytest.approx(np.exp(r), abs=1e-14)
    assert np.polyval(exp_coefficients(8)[::-1], r) == pytest.approx(np.exp(r), rel=3e-10)
