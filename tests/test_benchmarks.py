"""The benchmarks compare like with like: one fixed problem set, and peers that solve the same equations."""

import hashlib
import sys
from pathlib import Path

import numpy as np
import pytest

from vicollapse.ensemble.reference import _equations
from vicollapse.mixture.coordinates import coordinates_from_state, state_from_coordinates

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

import peers
import problems

PEERS = list(peers.PEERS)
RNG_SEED = 7


def need(name: str) -> None:
    library = name.split("_")[0]
    if library in ("diffrax", "torchode"):
        pytest.importorskip(library, reason=f"{library} is not installed: pip install vicollapse[benchmark]")


def random_states(n: int = 24) -> tuple[np.ndarray, np.ndarray]:
    """Separations and states of every kind: near and far components, light and heavy ones."""
    rng = np.random.Generator(np.random.Philox(RNG_SEED))
    separation, size = rng.uniform(0.5, 10, n), 10 ** rng.uniform(-2, 1.5, n)
    U = size[:, None, None] * rng.standard_normal((n, 2, 3))
    return separation, np.column_stack([state_from_coordinates(U), rng.uniform(-12, 12, n)])


def product_rhs(state: np.ndarray, separation: float) -> np.ndarray:
    """dy/dt of the outside form from the product's equations with accurate quadrature, by the chain rule."""
    names = [str(symbol) for symbol in _equations(problems.FLOW).system.parameters]
    values = {"separation": separation, "imbalance": 0.0, "beta0": 1.0}
    slope = np.array(_equations(problems.FLOW).rhs(0.0, *state, *(values[name] for name in names)), float)
    U, dU = coordinates_from_state(state), coordinates_from_state(slope)
    dS = dU @ U.T
    dS = dS + dS.T
    return np.array([*(separation * dU[:, 0]), dS[0, 0], dS[0, 1], dS[1, 1], slope[6]])


def peer_rhs(kind: str, y: np.ndarray, separation: float) -> np.ndarray:
    if kind == "numpy":
        return np.array(peers.numpy_rhs(separation)(0.0, y))
    if kind == "numba":
        return peers.numba_rhs(0.0, y, separation)
    need(kind)
    if kind == "torchode":
        import torch
        from peer_torchode import torch_rhs

        return torch_rhs(0.0, torch.from_numpy(y)[None], torch.tensor([separation]))[0].numpy()
    from peer_diffrax import jax_rhs

    return np.asarray(jax_rhs(0.0, y, separation))


def test_the_problem_set_is_always_the_same():
    known = problems.problem_set()
    table = np.column_stack([known.separation, known.dimension, known.init_scale, known.y])
    text = "\n".join(" ".join(f"{x:.8e}" for x in row) for row in table + 0.0)
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == "c19f2c1c9092329f"


def test_the_problem_set_is_what_it_says():
    known = problems.problem_set()
    assert len(known) == 2000
    for values, low, high in ((known.separation, 0.5, 10), (known.dimension, 2, 1e4), (known.init_scale, 0.01, 3)):
        assert values.min() >= low
        assert values.max() <= high
    quartiles = np.quantile(np.log(known.dimension / 2) / np.log(5e3), [0.25, 0.5, 0.75])
    assert quartiles == pytest.approx([0.25, 0.5, 0.75], abs=0.05)
    squares = known.y[:, [2, 4]].mean(axis=1) / (known.dimension * known.init_scale**2)
    assert squares.mean() == pytest.approx(1, abs=0.05)
    assert np.array_equal(problems.problem_set(50).separation, known.separation[:50])


@pytest.mark.parametrize("kind", ["numpy", "numba", "diffrax", "torchode"])
def test_right_hand_sides_are_those_of_the_product(kind: str):
    for separation, state in zip(*random_states(), strict=True):
        y = problems.statistics(state[None], separation)[0]
        expected = product_rhs(state, separation)
        error = np.abs(peer_rhs(kind, y, separation) - expected) / (1 + np.abs(expected))
        assert error.max() < 1e-6, f"|mu| = {separation}, state {state}: {error}"


@pytest.mark.parametrize("name", PEERS)
def test_peers_find_the_same_fates(name: str):
    need(name)
    every = problems.problem_set()
    fates = problems.classify(final(every), every.separation)
    rows = np.concatenate([np.flatnonzero(fates == fate)[:4] for fate in range(3)])[:10]
    assert set(fates[rows]) == {0, 1, 2}
    some = every[rows]
    assert np.array_equal(problems.classify(peers.PEERS[name](some), some.separation), fates[rows])


@pytest.mark.parametrize("name", PEERS)
def test_peers_find_the_same_states(name: str):
    need(name)
    some = problems.problem_set(6)
    y, expected = peers.PEERS[name](some, 10.0), final(some, 10.0, 1e-9)
    assert np.abs(y - expected) / (1 + np.abs(expected)) == pytest.approx(0, abs=1e-4)


def test_a_peer_that_fails_is_not_a_fate():
    y = np.full((1, 6), np.nan)
    assert problems.classify(y, np.array([3.0])) == 3


def final(some: problems.ProblemSet, t_end: float = problems.T_END, rtol: float = problems.RTOL) -> np.ndarray:
    return problems.statistics(some.solve(t_end, rtol).states, some.separation)
