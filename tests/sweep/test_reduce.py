"""Counts, histograms and sums of blocks against the obvious loops."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vicollapse.experiments.base import Outcomes
from vicollapse.sweep.bins import bins
from vicollapse.sweep.reduce import block_sums, check, fold, reduce


def outcomes_of(rng, n):
    outcome = rng.integers(0, 4, n).astype(np.uint8)
    mass, kl = rng.uniform(-0.2, 1.2, (n, 2)), rng.normal(size=n) * 3
    mass[outcome == 3] = np.nan
    kl[outcome == 3] = np.nan
    observables = {"mode_mass": mass, "kl": kl}
    return Outcomes(
        outcome, {"redundant": rng.random(n) < 0.3}, observables, {"steps_accepted": rng.integers(0, 99, n)}
    )


@pytest.mark.parametrize("sizes", [[256, 256, 256], [256, 7, 256, 7], [1], [3, 1, 2]])
def test_every_block_against_a_loop(fake, sizes):
    n = sum(sizes)
    outcomes = outcomes_of(np.random.default_rng(1), n)
    found = reduce(fake, outcomes, np.array(sizes))
    for i, (start, size) in enumerate(zip(np.cumsum([0, *sizes]), sizes, strict=False)):
        part = slice(start, start + size)
        assert found["count"][i].tolist() == [int((outcomes.outcome[part] == k).sum()) for k in range(4)]
        assert found["flag/redundant"][i] == outcomes.flags["redundant"][part].sum()
        assert found["counter/steps_accepted"][i] == outcomes.counters["steps_accepted"][part].sum()
        kl = outcomes.observables["kl"][part]
        kl = kl[~np.isnan(kl)]
        inside = np.clip(kl, -3 + 1e-12, 3 - 1e-12)
        assert found["histogram/kl"][i].tolist() == np.histogram(inside, np.linspace(-3, 3, 13))[0].tolist()
        assert found["valid/kl"][i] == len(kl)
        assert found["sum/kl"][i] == pytest.approx(math.fsum(kl), rel=1e-13, abs=1e-12)
        for mode in (0, 1):
            mass = outcomes.observables["mode_mass"][part, mode]
            mass = mass[~np.isnan(mass)]
            assert found["sum/mode_mass"][i, mode] == pytest.approx(math.fsum(mass), rel=1e-13, abs=1e-12)
            assert found["valid/mode_mass"][i, mode] == found["histogram/mode_mass"][i, mode].sum() == len(mass)


@given(st.lists(st.integers(1, 256), min_size=1, max_size=6), st.data())
@settings(max_examples=50, deadline=None)
def test_sums_of_blocks_do_not_depend_on_their_neighbours(sizes, data):
    values = np.random.default_rng(len(sizes)).normal(size=sum(sizes)) * 10.0 ** np.arange(sum(sizes)).clip(0, 20)
    whole = block_sums(values, np.array(sizes))
    cut = data.draw(st.integers(0, len(sizes)))
    n = sum(sizes[:cut])
    parts = [
        block_sums(v, np.array(s, int)) for v, s in ((values[:n], sizes[:cut]), (values[n:], sizes[cut:])) if len(s)
    ]
    assert np.concatenate(parts).tobytes() == whole.tobytes()


EDGES = [
    np.linspace(0, 1, 101),
    np.linspace(-3, 3, 13),
    np.r_[-1e9, np.logspace(-8, 4, 73), 1e9],
    np.array([0.0, 1.0]),
    np.array([-1.0, 0.0, 1.0]),
    np.linspace(1000, 1001, 300),  # many in a cell of the table
    np.r_[-np.inf, -1e-300, 0.0, 5e-324, 1e300, np.inf],
]


@pytest.mark.parametrize("edges", EDGES)
def test_bins_are_exact_at_the_edges(edges):
    near = [edges, np.nextafter(edges, -np.inf), np.nextafter(edges, np.inf), -edges]
    spread = np.random.default_rng(0).uniform(edges[0], edges[-1], 1000) if np.isfinite(edges).all() else []
    values = np.concatenate([*near, [-np.inf, np.inf, 1e300, -1e300, 0.0, -0.0], spread])
    expected = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)
    np.testing.assert_array_equal(bins(values, edges), expected)


@given(st.lists(st.floats(allow_nan=False), min_size=2, max_size=30, unique=True), st.data())
@settings(max_examples=200, deadline=None)
def test_bins_of_any_edges(points, data):
    edges = np.unique(np.array(points) + 0.0)
    values = np.array(
        data.draw(st.lists(st.floats(allow_nan=False) | st.sampled_from(points), min_size=1, max_size=30))
    )
    expected = np.searchsorted(edges[1:-1], values, side="right")
    np.testing.assert_array_equal(bins(values, edges), expected)


def test_fold_goes_from_left_to_right():
    sums = np.array([[1.0, 1e-16, 1e-16], [1e-16, 1e-16, 1.0]])
    assert fold(np.zeros(2), sums).tolist() == [1.0, 1e-16 + 1e-16 + 1.0]
    assert fold(fold(np.zeros(2), sums[:, :1]), sums[:, 1:]).tobytes() == fold(np.zeros(2), sums).tobytes()


def test_infinite_values_do_no_harm_to_others(fake):
    outcomes = outcomes_of(np.random.default_rng(2), 512)
    outcomes.observables["kl"][10] = np.inf
    found = reduce(fake, outcomes, np.array([256, 256]))
    assert found["sum/kl"][0] == np.inf
    assert np.isfinite(found["sum/kl"][1])
    assert found["histogram/kl"].sum() == found["valid/kl"].sum()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda o: o.observables.pop("kl"), "'kl' of shape none"),
        (lambda o: o.flags.update(redundant=np.ones(3, bool)), r"'redundant' of shape \(3,\)"),
        (lambda o: o.observables.update(mode_mass=np.ones(10)), r"'mode_mass' of shape \(10,\)"),
        (lambda o: o.outcome.__setitem__(0, 9), "does not declare"),
    ],
)
def test_outcomes_of_another_shape_than_declared_are_refused(fake, change, message):
    outcomes = outcomes_of(np.random.default_rng(3), 10)
    check(fake, outcomes, [10])
    change(outcomes)
    with pytest.raises(ValueError, match=message):
        check(fake, outcomes, [10])
