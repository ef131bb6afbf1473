"""`separatrix_probability`: the numbers of `collapse_probability`, from a fraction of its trajectories."""

import json

import numpy as np
import pytest

import vicollapse
from vicollapse.cli import main
from vicollapse.errors import ConfigError
from vicollapse.schedules import Annealing

RAMP = {"schedule": "linear", "beta0": 0.05, "duration": 100.0}
REPLICATES = 16_000


@pytest.mark.parametrize(
    ("weights", "others"),
    [
        ("fixed", {"dimension": 100, "separation": 6.0, "init_scale": 0.1}),
        ("fixed", {"dimension": 1, "separation": 3.0, "init_scale": 1.0}),
        ("fixed", {"dimension": 10, "separation": 4.0, "init_scale": 1.0, "initial_law": "fixed_norm"}),
        ("fixed", {"dimension": 2, "separation": 4.0, "init_scale": 0.3, "imbalance": 0.2}),
        ("fixed", {"dimension": 100, "separation": 6.0, "init_scale": 0.1, "annealing": RAMP}),
        ("softmax", {"dimension": 2, "separation": 4.0, "init_scale": 1.0}),
        ("softmax", {"dimension": 100, "separation": 6.0, "init_scale": 0.1, "annealing": RAMP}),
        ("softmax", {"dimension": 100, "separation": 10.0, "init_scale": 1.0}),
    ],
)
def test_agrees_with_sampling(weights, others):
    point = {"weights": weights, "t_end": 1e3, "fates_only": True} | others
    found = vicollapse.separatrix_probability(tolerance=5e-3, **point)
    sampled = vicollapse.collapse_probability(replicates=REPLICATES, seed=3, **point)
    for name, value in {**found.probability, "collapsed": found.collapsed}.items():
        other = sampled.collapsed if name == "collapsed" else sampled.probability[name]
        spread = np.sqrt(max(other * (1 - other), 1 / REPLICATES) / REPLICATES)
        assert abs(value - other) < 1.5 * found.error[name] + 3.5 * spread + 1e-3, (name, value, other)
    assert found.error["collapsed"] <= 5e-3


def test_fixed_equal_weights_take_few_trajectories():
    found = vicollapse.separatrix_probability(
        dimension=100, separation=6.0, init_scale=0.1, weights="fixed", t_end=1e3, fates_only=True
    )
    assert found.error["collapsed"] <= 2e-3
    assert found.trajectories < 4000  # sampling takes 200,000
    assert found.probability["vanished"] == 0


def test_what_cannot_be_done_is_refused():
    point = {"dimension": 3, "separation": 3.0, "init_scale": 0.1, "weights": "fixed"}
    with pytest.raises(ConfigError, match=r"'at_modes'.*use isotropic or fixed_norm"):
        vicollapse.separatrix_probability(initial_law="at_modes", **point)
    with pytest.raises(ConfigError, match="tolerance must be between 0 and 1"):
        vicollapse.separatrix_probability(tolerance=0.0, **point)
    with pytest.raises(ConfigError, match="separation"):
        vicollapse.separatrix_probability(**point | {"separation": -1.0})


def test_the_command_line_has_it_too(capsys):
    point = ["--dimension", "100", "--separation", "6", "--init-scale", "0.1", "--weights", "fixed", "--t-end", "1000"]
    assert main(["predict", *point, "--separatrix", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    direct = vicollapse.separatrix_probability(
        dimension=100, separation=6.0, init_scale=0.1, weights="fixed", t_end=1e3, seed=1
    )
    assert said["collapsed"] == direct.collapsed
    assert said["interval"]["collapsed"] == pytest.approx(
        [direct.collapsed - direct.error["collapsed"], direct.collapsed + direct.error["collapsed"]]
    )
    assert main(["predict", *point, "--separatrix"]) == 0
    assert "trajectories" in capsys.readouterr().out


def test_a_schedule_is_taken_in_every_form(capsys):
    point = {"dimension": 10, "separation": 6.0, "init_scale": 0.1, "weights": "fixed", "tolerance": 0.02}
    known = vicollapse.separatrix_probability(annealing=RAMP, **point).collapsed
    assert vicollapse.separatrix_probability(annealing=Annealing(**RAMP), **point).collapsed == known
    given = ["--dimension", "10", "--separation", "6", "--weights", "fixed", "--tolerance", "0.02", "--seed", "0"]
    for text in (json.dumps(RAMP), "schedule=linear,beta0=0.05,duration=100"):
        assert main(["predict", *given, "--separatrix", "--json", "--annealing", text]) == 0
        assert json.loads(capsys.readouterr().out)["collapsed"] == known
    for wrong in ('{"schedule":', "beta0=0.1,beta0=0.2"):
        assert main(["predict", *given, "--annealing", wrong]) == 2
        assert "--annealing" in capsys.readouterr().err
    for wrong in ("linear", 5):
        with pytest.raises(ConfigError, match="annealing"):
            vicollapse.separatrix_probability(annealing=wrong, **point)
