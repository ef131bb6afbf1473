"""The mixtures of probits that the benchmarks' peers integrate with, against the exact integral."""

import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit, ndtr

from vicollapse.mixture.integrals import logistic_normal

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

from probits import probit_mixture


@pytest.mark.parametrize("terms", [5, 6, 7, 8, 10])
def test_probit_mixture_has_its_stated_error(terms):
    p, s, error = probit_mixture(terms)
    assert p.shape == s.shape == (terms,)
    x = np.linspace(0, 60, 400_001)
    worst = np.abs(sum(p_i * ndtr(s_i * x) for p_i, s_i in zip(p, s, strict=True)) - expit(x)).max()
    assert 0.9 * error < worst <= error
    draw = np.random.default_rng(5)
    a, b = draw.normal(0, 30, 20_000), draw.uniform(0, 30, 20_000)
    S, L = logistic_normal(a, b)
    c = s[:, None] / np.sqrt(1 + (s[:, None] * b) ** 2)
    S_mixture = p @ ndtr(c * a)
    L_mixture = a * S_mixture + p @ (np.exp(-0.5 * (c * a) ** 2) / c) / np.sqrt(2 * np.pi)
    assert np.abs(S_mixture - S).max() <= error
    assert (np.abs(L_mixture - L) / np.maximum(1, L)).max() <= 4 * error


def test_unknown_probit_mixture_is_refused():
    with pytest.raises(ValueError, match="valid: 5, 6, 7, 8, 10"):
        probit_mixture(9)
