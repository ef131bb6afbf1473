"""Trajectories that are integrated again: which ones, what counts as a disagreement, and what the study shows of it."""

import numpy as np
import pytest

import vicollapse
from vicollapse import experiments
from vicollapse.experiments.base import BLOCK, Block
from vicollapse.experiments.gradient_flow_model import FATES_RTOL
from vicollapse.experiments.recheck import COUNTERS, TIGHTEST, chosen, recheck, report, tighter
from vicollapse.figures.captions import accuracy
from vicollapse.sweep.aggregate import aggregate
from vicollapse.sweep.phase_diagram import open_phase_diagram
from vicollapse.sweep.points import blocks as blocks_of
from vicollapse.sweep.points import point_id, point_key, points
from vicollapse.sweep.runner import simulate
from vicollapse.sweep.shards import plan_shards
from vicollapse.sweep.status import study_status
from vicollapse.sweep.status_table import accuracy as status_lines
from vicollapse.sweep.study import Study

FLOW = experiments.get("gradient_flow")
FAILED = FLOW.outcomes.index("failed")


def block(key=7, size=BLOCK, **parameters):
    return Block(FLOW.Parameters(**{"separation": 5.0, "t_end": 100.0, **parameters}), key, size)


def flags(blocks, share):
    picked = np.zeros(sum(b.size for b in blocks), bool)
    picked[chosen(blocks, share)] = True
    return picked


def test_the_choice_belongs_to_the_block():
    blocks = [block(key) for key in range(40)]
    together = flags(blocks, 0.01)
    alone = np.concatenate([flags([b], 0.01) for b in blocks])
    np.testing.assert_array_equal(together, alone)
    heads = np.concatenate([flags([Block(b.parameters, b.key, 100)], 0.01) for b in blocks])
    np.testing.assert_array_equal(heads, together.reshape(40, BLOCK)[:, :100].ravel())
    assert len({tuple(row) for row in together.reshape(40, BLOCK)}) > 30  # another choice in every block
    assert (together <= flags(blocks, 0.1)).all()  # a larger share has the same ones and more


def test_the_share_is_kept():
    blocks = [block(key) for key in range(400)]
    for share in (0.0, 0.01, 0.3, 1.0):
        n = 400 * BLOCK
        assert abs(flags(blocks, share).sum() - share * n) <= 4 * np.sqrt(n * share * (1 - share))


def test_the_choice_knows_nothing_of_the_starts():
    """A start is drawn from the head of the block's stream; the choice is not."""
    keys = range(400)
    uniform = np.concatenate([np.random.Generator(np.random.Philox(key=key)).random(BLOCK) for key in keys])
    picked = flags([block(key) for key in keys], 0.3)
    both = (picked & (uniform < 0.3)).sum() / len(picked)
    assert both == pytest.approx(0.09, abs=4 * np.sqrt(0.09 / len(picked)))


def test_tolerances():
    assert tighter(1e-2) == pytest.approx(1e-4)
    assert tighter(1e-6) == pytest.approx(1e-8)
    assert tighter(1e-9) == pytest.approx(TIGHTEST)
    assert tighter(9e-10) is tighter(1e-12) is None


def test_failures_are_not_fates():
    """A trajectory that failed is not checked; one that fails only in the check is a disagreement."""
    outcome = np.array([0, FAILED, 1, 2, 0], np.uint8)

    def again(rows, rtol):
        assert rtol == pytest.approx(1e-8)
        return np.array([0, 0, 1, FAILED, 2], np.uint8)[rows]

    found = recheck([block(size=5)], outcome, again, share=1.0, rtol=1e-6, failed=FAILED)
    assert tuple(found) == tuple(COUNTERS)
    assert found["rechecked"].tolist() == [1, 0, 1, 1, 1]
    assert found["recheck_disagreements"].tolist() == [0, 0, 0, 1, 1]


def test_what_is_compiled_is_compiled_in_the_first_call():
    """Also where no trajectory is chosen, `again` is called; not where nothing is ever to be checked."""
    calls, outcome = [], np.zeros(3, np.uint8)

    def again(rows, rtol):
        calls.append(len(rows))
        return outcome[rows]

    blocks = [block(next(key for key in range(9) if not flags([block(key, 3)], 0.01).any()), 3)]
    recheck(blocks, outcome, again, share=0.01, rtol=1e-6, failed=FAILED)
    assert calls == [0]
    recheck(blocks, outcome, again, share=0.0, rtol=1e-6, failed=FAILED)
    recheck(blocks, outcome, again, share=1.0, rtol=1e-12, failed=FAILED)
    assert calls == [0]


@pytest.mark.parametrize("weights", ["fixed", "softmax"])
def test_disagreements_are_found_one_by_one(weights):
    def run(**more):
        return FLOW.run([block(key, weights=weights, dimension=3, init_scale=0.3, **more) for key in range(24)])

    loose, tight = run(rtol=0.1, recheck=1.0), run(rtol=1e-3, recheck=0.0)
    assert loose.counters["rechecked"].all()
    differ = loose.outcome != tight.outcome
    assert differ.any()
    np.testing.assert_array_equal(loose.counters["recheck_disagreements"], differ)
    assert not tight.counters["rechecked"].any()
    assert not tight.counters["recheck_disagreements"].any()


def test_nothing_else_depends_on_the_check():
    bare, checked = (FLOW.run([block(1, recheck=s), block(2, 99, recheck=s)]) for s in (0.0, 0.5))
    assert 100 < checked.counters["rechecked"].sum() < 250
    assert (checked.outcome == bare.outcome).all()
    assert (checked.counters["steps_accepted"] == bare.counters["steps_accepted"]).all()
    for name, values in bare.observables.items():
        assert checked.observables[name].tobytes() == values.tobytes()


def test_counts_do_not_depend_on_batches():
    blocks = [block(key, recheck=0.2, rtol=0.1) for key in range(6)]
    whole, parts = FLOW.run(blocks), [FLOW.run(blocks[:1]), FLOW.run(blocks[1:], threads=2)]
    for name in COUNTERS:
        np.testing.assert_array_equal(whole.counters[name], np.concatenate([part.counters[name] for part in parts]))


def test_the_step_limit_makes_no_disagreement():
    """At the tighter tolerance a trajectory may take more steps than `max_steps`."""
    steps = FLOW.run([block(recheck=0.0)]).counters["steps_accepted"].max()
    out = FLOW.run([block(max_steps=int(1.2 * steps), recheck=1.0)])
    assert out.counters["rechecked"].all()
    assert not out.counters["recheck_disagreements"].any()
    assert not FLOW.run([block(max_steps=3, recheck=1.0)]).counters["rechecked"].any()


def test_identities():
    default, own, none = (FLOW.Parameters(separation=3.0, **more) for more in ({}, {"recheck": 0.01}, {"recheck": 0.0}))
    assert len({point_id(FLOW, p) for p in (default, own, none)}) == 1  # the same starts
    assert point_key(FLOW, default) == point_key(FLOW, own) != point_key(FLOW, none)


def test_the_check_has_its_price():
    def seconds(**more):
        return FLOW.seconds(FLOW.Parameters(separation=3.0, **more))

    tight = seconds(rtol=1e-8, recheck=0.0)
    assert seconds(recheck=0.01) == pytest.approx(seconds(recheck=0.0) + 0.01 * tight)
    assert seconds(fates_only=True, recheck=1.0) == pytest.approx(
        seconds(rtol=FATES_RTOL, recheck=0.0) + seconds(rtol=FATES_RTOL / 100, recheck=0.0)
    )
    assert seconds(rtol=1e-12, recheck=1.0) == seconds(rtol=1e-12, recheck=0.0)


def test_words():
    assert report(0, 0) == ""
    assert report(37104, 3) == ("3 of 37,104 fates differ at a 100 times tighter tolerance (95 %: 0.0027 to 0.024 %)")
    assert report(50, 0).endswith("(95 %: 0 to 7.1 %)")


def test_of_one_point_only_if_asked():
    point = {"dimension": 2, "separation": 4.0, "init_scale": 1.0, "weights": "fixed", "t_end": 10.0}
    plain = vicollapse.collapse_probability(**point, replicates=300, seed=1)
    assert (plain.rechecked, plain.recheck_disagreements) == (0, 0)
    checked = vicollapse.collapse_probability(**point, replicates=300, seed=1, recheck=1.0)
    assert (checked.rechecked, checked.probability) == (300, plain.probability)


def test_a_study_shows_it(tmp_path):
    """Through shards of any size into the phase diagram, its attributes, the status and the caption."""
    fixed = {"weights": "softmax", "t_end": 100.0, "rtol": 0.1, "recheck": 0.5, "init_scale": 0.1}
    study = Study("s", "", "gradient_flow", fixed, {"separation": (5.0, 6.0), "dimension": (2, 9)}, 600, 5)
    out = [FLOW.run(blocks_of(FLOW, p.parameters, 600, 5)) for p in points(study)]
    expected = {name: np.array([o.counters[name].sum() for o in out]).reshape(2, 2) for name in COUNTERS}
    total = {name: int(counts.sum()) for name, counts in expected.items()}
    assert total["recheck_disagreements"] > 0
    for minutes in (1.0, 2e-5):
        folder = tmp_path / str(minutes)
        shards = plan_shards(study, folder, minutes=minutes, register=True)
        assert (len(shards) > 2) == (minutes < 1)
        for shard in shards:
            simulate(shard, folder, threads=2)
        with open_phase_diagram(aggregate(study, folder, shards)) as diagram:
            for name in COUNTERS:
                np.testing.assert_array_equal(diagram[name], expected[name])
                assert diagram[name].attrs["long_name"] == COUNTERS[name]
                assert diagram.attrs[name] == total[name]
            low, high = diagram.attrs["recheck_interval"]
            assert low < total["recheck_disagreements"] / total["rechecked"] < high
            assert accuracy(diagram) == report(*total.values())
        assert list(status_lines(study_status("s", folder, shards))) == [f"s: {report(*total.values())}"]
