"""The recommendation as its users get it: from Python, and from the command line as text and as JSON."""

import json

import numpy as np
import pytest

import vicollapse
from vicollapse import cli
from vicollapse.commands import predict
from vicollapse.errors import ConfigError

EASY = {"dimension": 100, "separation": 6.0, "init_scale": 0.1, "weights": "fixed", "target": 0.15, "t_end": 1e3}
APART = {"dimension": 100, "separation": 6.0, "init_scale": 2.0, "weights": "fixed", "target": 0.1, "t_end": 1e3}
FRESH = 20_000


def recommend(problem, **more):
    return vicollapse.recommend_annealing(**{"threads": 1, **problem, **more})


def fresh_probability(problem, annealing, seed=1001):
    given = {name: value for name, value in problem.items() if name != "target"}
    result = vicollapse.collapse_probability(**given, annealing=annealing, replicates=FRESH, seed=seed, fates_only=True)
    return result.collapsed


@pytest.fixture(scope="module")
def easy():
    return recommend(EASY)


@pytest.fixture(scope="module")
def apart():
    return recommend(APART)


def test_it_holds_on_fresh_starts(easy):
    assert easy.status == "schedule"
    assert easy.interval[0] < easy.probability < easy.interval[1] < EASY["target"]
    p = fresh_probability(EASY, easy.annealing)
    assert p == pytest.approx(easy.probability, abs=4 * np.sqrt(p / FRESH))
    assert 0.93 * EASY["target"] < easy.probability
    assert fresh_probability(EASY, None) > 0.25


def test_it_is_hardly_dearer_than_it_must_be(easy):
    shorter = {**easy.annealing, "duration": easy.annealing["duration"] / 1.4}
    assert fresh_probability(EASY, shorter) > EASY["target"]


def test_it_says_what_it_rests_on(easy):
    spent = easy.trajectories
    assert spent["total"] == sum(n for name, n in spent.items() if name != "total")
    assert spent["total"] < 20_000
    assert spent["confirmation"] == sum(a["trajectories"] for a in easy.attempts)
    assert easy.attempts[-1]["confirmed"]
    assert easy.attempts[-1]["annealing"] == easy.annealing
    assert easy.cost["duration"] == easy.annealing["duration"]
    assert easy.cost["relative"] > 1
    assert {a["annealing"]["schedule"] for a in easy.alternatives} == {"linear", "linear_temperature", "geometric"}
    assert easy.plain["probability"] > EASY["target"]
    assert easy.advice == []


def test_the_same_seed_gives_the_same_answer_with_any_threads(easy):
    assert recommend(EASY, threads=2).as_dict() == easy.as_dict()
    assert recommend(EASY, seed=2).attempts != easy.attempts


def test_other_initial_laws_are_sampled():
    problem = {**EASY, "dimension": 3, "init_scale": 1.0, "initial_law": "at_overlap", "overlaps": (0.03, 0.01)}
    result = recommend(problem)
    assert result.status == "schedule"
    assert result.attempts[-1]["trajectories"] % 256 == 0, "whole blocks of starts"
    assert result.trajectories["search"] % 256 == 0
    assert 0.6 * EASY["target"] < fresh_probability(problem, result.annealing) < EASY["target"]
    assert result.plain["probability"] > 0.9


def test_no_annealing_where_none_is_needed():
    result = recommend({**EASY, "separation": 2.0})
    assert (result.status, result.annealing, result.cost["duration"]) == ("plain", None, 0)
    assert result.interval[1] < EASY["target"]
    assert "does not exist" in result.reasons[0]


def test_where_no_schedule_helps_it_says_what_does(apart):
    assert (apart.status, apart.annealing) == ("none", None)
    assert apart.interval[0] > APART["target"]
    assert any("apart already" in reason for reason in apart.reasons)
    changes = {next(iter(a["change"])): a for a in apart.advice}
    smaller = changes["init_scale"]
    assert smaller["helps"]
    assert smaller["change"]["init_scale"] < 0.5
    assert fresh_probability({**APART, **smaller["change"]}, smaller["annealing"]) < APART["target"]
    assert not changes["t_end"]["helps"]
    assert apart.trajectories["advice"] > 0


def test_fixed_weights_are_advised_where_they_help():
    problem = {
        "dimension": 2,
        "separation": 10.0,
        "init_scale": 0.3,
        "weights": "softmax",
        "target": 0.25,
        "t_end": 1e3,
    }
    result = recommend(problem, max_duration=3, forms=["linear_temperature"])
    assert result.status == "none"
    fixed = next(a for a in result.advice if "weights" in a["change"])
    assert fixed["helps"]
    assert fresh_probability({**problem, "weights": "fixed"}, fixed["annealing"]) < 0.25


@pytest.mark.parametrize(
    ("given", "fates_only"),
    [
        ({}, True),
        ({"target": 0.004}, False),
        ({"t_end": 1e6}, False),
        ({"rtol": 1e-4}, False),
        ({"fates_only": False}, False),
    ],
)
def test_fates_only_where_that_is_accurate_enough(given, fates_only, monkeypatch):
    monkeypatch.setattr("vicollapse.api.recommend.recommend", lambda simulation, *others: simulation.parameters)
    assert recommend(EASY, **given)["fates_only"] == fates_only


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"target": 0}, "target must be a probability between 0 and 1"),
        ({"target": 1.5}, "target must be a probability between 0 and 1"),
        ({"target": 1e-7}, "1e-05 is the least"),
        ({"target": "0.1"}, "target must be a probability"),
        ({"confidence": 1.0}, "confidence must be at least 0.5 and below 1"),
        ({"weights": "softmx"}, "did you mean 'softmax'"),
        ({"forms": ["liner"]}, "unknown form 'liner'; did you mean 'linear'?"),
        ({"forms": []}, "forms must be a list"),
        ({"forms": "linear"}, "forms must be a list"),
        ({"initial_law": "at_overlap"}, "^overlaps: give them"),
        ({"max_duration": 1e4}, "max_duration must be between 0.3 and t_end = 1000"),
        ({"max_duration": np.nan}, "max_duration must be"),
        ({"separation": -1.0}, "separation"),
        ({"dimension": 0}, "dimension"),
        ({"t_end": "long"}, "t_end"),
        ({"seed": -1}, "seed"),
        ({"annealing": {"schedule": "linear"}}, "annealing: this is what is recommended"),
        ({"init_scal": 1.0}, "did you mean 'init_scale'?"),
    ],
)
def test_what_makes_no_sense_is_refused_before_any_computing(given, message, monkeypatch):
    monkeypatch.setattr("vicollapse.api.recommend.recommend", lambda *args: pytest.fail("computed"))
    with pytest.raises(ConfigError, match=message.replace("(", r"\(")):
        recommend(EASY, **given)


ARGUMENTS = ["recommend", *(f"--{name.replace('_', '-')}={value}" for name, value in EASY.items()), "--threads=1"]


def test_the_command_prints_json(capsys, easy):
    assert cli.main([*ARGUMENTS, "--json"]) == 0
    captured = capsys.readouterr()
    data = json.loads(captured.out)
    assert data == json.loads(json.dumps(easy.as_dict()))
    assert data["annealing"]["duration"] > 0


def test_the_command_prints_text(capsys, easy):
    assert cli.main(ARGUMENTS) == 0
    text = capsys.readouterr().out
    option = text.partition("--annealing ")[2].split()[0]
    assert predict._annealing(option) == easy.annealing, "the option is one that `predict` takes"
    assert "confirmed" in text
    assert f"{easy.trajectories['total']} trajectories" in text
    assert max(map(len, text.splitlines())) < 200


def test_the_command_says_when_nothing_helps(capsys):
    names = [f"--{name.replace('_', '-')}={value}" for name, value in APART.items()]
    assert cli.main(["recommend", *names, "--threads=1", "--forms=geometric"]) == 0
    text = capsys.readouterr().out
    assert "no schedule can be recommended" in text
    assert "init_scale = " in text
    assert cli.main(["recommend", *names, "--target=2"]) == 2
    assert "target must be" in capsys.readouterr().err
