"""The public functions, as a notebook uses them."""

import subprocess
import sys

import numpy as np
import pytest

import vicollapse
from vicollapse import experiments
from vicollapse.errors import ConfigError
from vicollapse.sweep.points import blocks

Y0 = np.array([[0.3, -0.2, 0.5, 0.1, 0.4, 0.0], [0.1, 0.5, 0.6, -0.2, 0.9, 0.3]])


def test_import_is_light():
    heavy = "{'numba', 'sympy', 'scipy', 'matplotlib', 'xarray', 'h5py', 'pydantic'}"
    code = f"import sys, vicollapse; print(sorted({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


def test_everything_public_is_there_and_documented():
    for name in vicollapse.__all__:
        assert getattr(vicollapse, name)
        assert name == "__version__" or getattr(vicollapse, name).__doc__
    with pytest.raises(AttributeError, match="no attribute 'two_modes_flow'"):
        _ = vicollapse.two_modes_flow


def test_flow_shapes_and_broadcasting():
    end = vicollapse.two_mode_flow(Y0, 3.0, 20.0)
    assert end.y.shape == (2, 6)
    assert (end.status == 0).all()
    assert end.t.tolist() == [20.0, 20.0]
    saved = vicollapse.two_mode_flow(Y0, [3.0, 4.0], 20.0, save_at=[0.0, 5.0, 20.0], imbalance=0.1)
    assert saved.y.shape == (2, 3, 6)
    assert saved.y[:, 0] == pytest.approx(Y0, abs=1e-12)
    one = vicollapse.two_mode_flow(Y0[0], [1.0, 2.0, 3.0], 20.0)
    assert one.y.shape == (3, 6)
    assert one.y[2] == pytest.approx(end.y[0], rel=1e-12)


def test_fixed_weights_keep_their_logit():
    end = vicollapse.two_mode_flow(Y0, 3.0, 20.0, weights="fixed")
    assert end.y[:, 5].tolist() == [0.0, 0.3]


def test_backends_agree():
    options = {"weights": "softmax", "annealing": {"schedule": "linear", "beta0": 0.1, "duration": 7.3}}
    exact = vicollapse.two_mode_flow(Y0, 3.0, 20.0, rtol=1e-9, backend="reference", **options).y
    assert vicollapse.two_mode_flow(Y0, 3.0, 20.0, **options).y == pytest.approx(exact, abs=1e-5)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (([[3, 3, 0.1, 0, 0.1, 0]], 1.0, 1.0), {}, r"y\[0\].*no Gram matrix"),
        (([[0, 0, 1, 2, 1, 0]], 1.0, 1.0), {}, "cosine"),
        (([[np.nan, 0, 1, 0, 1, 0]], 1.0, 1.0), {}, "not finite"),
        (([[0.1, 0.2]], 1.0, 1.0), {}, "shape"),
        ((Y0, -1.0, 1.0), {}, "separation must be positive"),
        ((Y0, 1.0, -1.0), {}, "t_end"),
        ((Y0, [1.0, 2.0, 3.0], 1.0), {}, "broadcast"),
        ((Y0, 1.0, 1.0), {"weights": "softmx"}, "did you mean 'softmax'"),
        ((Y0, 1.0, 1.0), {"annealing": {"schedule": "linear", "beta0": 0.1}}, "needs duration"),
        ((Y0, 1.0, 1.0), {"annealing": {"schedule": "linea", "beta0": 0.1}}, "linear"),
        ((Y0, 1.0, 1.0), {"annealing": {"schedule": "constant", "beta0": 0.1, "duration": 1}}, "does not use duration"),
        ((Y0, 1.0, 1.0), {"backend": "gpuu"}, "unknown backend"),
    ],
)
def test_bad_arguments_are_refused_in_plain_words(arguments, options, message):
    with pytest.raises(Exception, match=message) as error:
        vicollapse.two_mode_flow(*arguments, **options)
    assert type(error.value).__name__ in ("ConfigError", "ValueError", "BackendError")


POINT = {"dimension": 10, "separation": 4.0, "init_scale": 0.5, "weights": "softmax", "t_end": 100.0}


def test_collapse_probability_is_the_cell_of_a_study():
    result = vicollapse.collapse_probability(replicates=600, seed=3, **POINT)
    flow = experiments.get("gradient_flow")
    cell = flow.run(blocks(flow, flow.Parameters(**POINT), 600, 3))
    for i, name in enumerate(flow.outcomes):
        assert result.probability[name] == (cell.outcome == i).mean()
    assert sum(result.probability.values()) == pytest.approx(1)
    assert result.collapsed == pytest.approx(result.probability["aligned"] + result.probability["vanished"])
    for name, (low, high) in result.interval.items():
        p = {**result.probability, "collapsed": result.collapsed, "redundant": result.redundant}[name]
        assert 0 <= low <= p <= high <= 1


def test_more_replicates_extend_the_same_sample():
    small, large = (vicollapse.collapse_probability(replicates=n, seed=3, **POINT) for n in (256, 512))
    assert round(large.collapsed * 512) >= round(small.collapsed * 256)
    assert vicollapse.collapse_probability(replicates=256, seed=3, threads=2, **POINT) == small
    assert vicollapse.collapse_probability(replicates=256, seed=4, **POINT) != small


def test_collapse_probability_refuses_nonsense():
    with pytest.raises(ConfigError, match="replicates"):
        vicollapse.collapse_probability(replicates=0, seed=1, **POINT)
    with pytest.raises(ConfigError, match="separation: must be greater than 0"):
        vicollapse.collapse_probability(replicates=1, seed=1, **{**POINT, "separation": -1})
    with pytest.raises(ConfigError, match="did you mean 'initial_law'"):
        vicollapse.collapse_probability(replicates=1, seed=1, inital_law="isotropic", **POINT)


def test_logistic_normal_is_exported():
    S, L = vicollapse.logistic_normal([0.0, 1.0], 0.0)
    assert S == pytest.approx([0.5, 1 / (1 + np.exp(-1))])
    assert L == pytest.approx(np.log1p(np.exp([0.0, 1.0])))
