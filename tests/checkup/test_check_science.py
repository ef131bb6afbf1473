"""The values that the self-check expects: those of this program, and right by two independent computations."""

import copy
import json
from pathlib import Path

import numpy as np
import pytest

import vicollapse
from vicollapse import experiments
from vicollapse.checkup import science
from vicollapse.checkup.findings import Verdict
from vicollapse.sweep.points import blocks

PATH = Path(science.__file__).with_name("expected.json")
FEW = 4


def test_stored_values_are_those_of_the_program(request):
    found = science.compute()
    if request.config.getoption("--fix"):
        PATH.write_text(json.dumps(found, indent=1) + "\n")
        science.stored.cache_clear()
    worst = science.difference(science.stored(), found)
    finding = science.judge(["here"], [worst])
    assert finding.verdict in (Verdict.OK, Verdict.WARNING), finding  # a warning: another processor's rounding
    assert set(science.stored()) == set(science.points())


def test_the_study_sees_every_outcome_in_every_geometry():
    counts = {}
    for name, values in science.stored().items():
        for outcome, count in values["counts"].items():
            counts[name.split()[0], outcome] = counts.get((name.split()[0], outcome), 0) + count
    for weights in ("fixed", "softmax", "fisher_rao", "wasserstein_fisher_rao"):
        assert counts[weights, "covered"] > 100
        assert counts[weights, "aligned"] > 10
        assert counts[weights, "vanished"] > 50 or weights == "fixed"
        assert counts[weights, "failed"] == 0


@pytest.mark.parametrize("name", science.points())
def test_trajectories_agree_with_the_reference(name):
    """SciPy's integrator with accurate integrals, no generated code."""
    flow = experiments.get("gradient_flow")
    some = blocks(flow, flow.Parameters(**science.points()[name]), FEW, science.SEED)
    ours, theirs = flow.run(some), flow.run(some, backend="reference")
    assert ours.outcome.tolist() == theirs.outcome.tolist()
    for observable, values in theirs.observables.items():
        np.testing.assert_allclose(ours.observables[observable], values, atol=2e-4, err_msg=observable)


@pytest.mark.parametrize("name", science.points())
def test_shares_are_the_probabilities_of_other_starts(name):
    """Four standard errors of the difference: with some 40 comparisons, a false alarm has probability 0.003."""
    many = 4096
    probability = vicollapse.collapse_probability(**science.points()[name], replicates=many, seed=77).probability
    for outcome, count in science.stored()[name]["counts"].items():
        p = (count + many * probability[outcome]) / (science.REPLICATES + many)
        error = np.sqrt(p * (1 - p) * (1 / many + 1 / science.REPLICATES))
        assert abs(count / science.REPLICATES - probability[outcome]) <= 4 * error, (outcome, count)


@pytest.mark.parametrize("name", science.points())
def test_sums_are_possible(name):
    values = science.stored()[name]
    assert sum(values["counts"].values()) == science.REPLICATES
    sums = values["sums"]
    assert sums["mode_mass[0]"] + sums["mode_mass[1]"] == pytest.approx(science.REPLICATES, abs=1e-6)
    assert 0 <= sums["kl[0]"] <= science.REPLICATES * np.log(2) * 1.01


def changed(moved=0, relative=0.0):
    """The stored study with so many trajectories moved at one point, and its sums changed."""
    study = copy.deepcopy(science.stored())
    values = study["softmax d=2 separation=4 init_scale=1"]
    values["counts"]["covered"] -= moved
    values["counts"]["aligned"] += moved
    values["sums"] = {name: s * (1 + relative) - 0.7 * moved for name, s in values["sums"].items()}
    return study


@pytest.mark.parametrize(
    ("moved", "relative", "verdict"),
    [
        (0, 0.0, Verdict.OK),
        (0, 1e-11, Verdict.OK),
        (0, 1e-7, Verdict.WARNING),
        (2, 0.0, Verdict.WARNING),
        (0, 1e-3, Verdict.ERROR),
        (3, 0.0, Verdict.ERROR),
        (0, float("nan"), Verdict.ERROR),
    ],
)
def test_verdicts(moved, relative, verdict):
    same = science.difference(science.stored(), science.stored())
    assert (same.moved, same.deviation) == (0, 0.0)
    worst = science.difference(science.stored(), changed(moved, relative))
    assert worst.moved == moved
    finding = science.judge("ab", [same, worst])
    assert finding.verdict is verdict
    if verdict is not Verdict.OK:
        assert "rank 1 (b)" in finding.found
        assert "softmax d=2" in finding.found
