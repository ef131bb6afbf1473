"""What the models say of the config: a schema that accepts what `load` accepts, tables and a default file."""

from typing import Literal

import jsonschema
import pytest
import yaml
from pydantic import BaseModel, ConfigDict, Field

from vicollapse import experiments
from vicollapse.sweep.describe import default_yaml, markdown, schema_text
from vicollapse.sweep.parameters import fields
from vicollapse.sweep.schema import schema
from vicollapse.sweep.study import load


class TailOptions(BaseModel):
    """Options of a figure."""

    model_config = ConfigDict(extra="forbid")

    x: str = Field("t_end", description="axis along x")
    side: Literal["left", "right"] | None = Field(None, description="a | side")


FIGURES = {"tail": TailOptions}
STUDY = {"experiment": "fake", "axes": {"separation": {"from": 1, "to": 2, "num": 3}, "annealing.duration": [1, 2]}}


@pytest.fixture(autouse=True)
def only_fake(fake, monkeypatch):
    """The fake experiment is the only one."""
    for name in set(experiments.names()) - {"fake"}:
        monkeypatch.delitem(experiments._MODULES, name)


def complaints(config) -> list[str]:
    return [error.message for error in jsonschema.Draft202012Validator(schema(FIGURES)).iter_errors(config)]


def test_the_schema_is_one(fake):
    found = schema(FIGURES)
    jsonschema.Draft202012Validator.check_schema(found)
    assert found["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert set(found["properties"]) == {"studies", "figures", "results", "figures_folder", "shard_minutes"}
    jsonschema.Draft202012Validator.check_schema(schema())
    assert yaml.safe_load(schema_text(FIGURES)) == found


def test_the_schema_accepts_what_is_right():
    assert complaints({"studies": {"a": STUDY | {"annealing": {"schedule": "linear"}, "weights": "fixed"}}}) == []
    figure = {"kind": "tail", "studies": "a", "x": "t_end", "side": None}
    assert complaints({"studies": {"a": STUDY}, "figures": {"f": figure}, "results": "r"}) == []


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({}, "'studies' is a required property"),
        ({"studies": {"a": {**STUDY, "replicats": 2}}}, "('replicats' was unexpected)"),
        ({"studies": {"a": {**STUDY, "weights": "none"}}}, "'none' is not one of ['fixed', 'softmax']"),
        ({"studies": {"a": {**STUDY, "replicates": 0}}}, "0 is less than the minimum of 1"),
        ({"studies": {"a": {**STUDY, "experiment": "other"}}}, "'fake' was expected"),
        ({"studies": {"a": {**STUDY, "axes": {"separaton": [1]}}}}, "('separaton' was unexpected)"),
        ({"studies": {"a": STUDY}, "figures": {"f": {"kind": "tail", "studies": "a", "y": 1}}}, "('y' was unexpected)"),
        ({"studies": {"a": STUDY}, "figures": {"f": {"kind": "other", "studies": "a"}}}, "'tail' was expected"),
    ],
)
def test_the_schema_refuses_what_is_wrong(config, message):
    assert any(text.endswith(message) for text in complaints(config))


def test_two_models_of_one_name_are_noticed(fake, monkeypatch):
    class Annealing(BaseModel):
        other: int

    class Options(BaseModel):
        annealing: Annealing

    with pytest.raises(ValueError, match="two models are called 'Annealing'"):
        schema({"tail": Options})


def test_the_tables_have_every_key_once_with_type_default_and_meaning(fake):
    text = markdown(FIGURES)
    sections = {part.partition("\n")[0]: part for part in text.split("## ")[1:]}
    assert list(sections) == [
        "The file",
        "A study: `studies.<name>`",
        "Values of an axis, and `save_times`",
        "Parameters of `experiment: fake`",
        "A figure: `figures.<name>`",
        "Options of `kind: tail`",
    ]
    parameters = sections["Parameters of `experiment: fake`"]
    assert all(parameters.count(f"| `{name}` |") == 1 for name in fields(fake.Parameters))
    assert "| `separation` | number above 0 | needed | half the distance of the modes |" in parameters
    assert "| `dimension` | whole number from 1 to 1e+09 | `2` | dimension of the space |" in parameters
    assert "| `weights` | `fixed`, `softmax` | `softmax` | geometry of the weights |" in parameters
    assert "| `annealing.duration` | number above 0 | none | time until beta = 1, for `linear` |" in parameters
    assert "| `from` | number | none | first value |" in sections["Values of an axis, and `save_times`"]
    assert "| `side` | `left`, `right` | none | a \\| side |" in sections["Options of `kind: tail`"]
    assert "| `x` | text | `t_end` | axis along x |" in sections["Options of `kind: tail`"]


def test_the_default_file_says_every_key_and_loads(fake, write_config):
    text = default_yaml()
    config = load(write_config(text))
    study = config.study("fake_example")
    assert study.axes == {"separation": (2.0, 4.0, 6.0)}
    assert study.parameters == {
        "weights": "softmax", "dimension": 2, "init_scale": 0.1, "t_end": 1e4, "fates_only": False
    }  # fmt: skip
    assert complaints(yaml.safe_load(text)) == []
    for name, info in fields(fake.Parameters).items():
        assert f" {name.rpartition('.')[2]}:" in text
        assert (info.description or name) in text


def test_numbers_are_numbers_for_old_yaml_parsers_too(fake, monkeypatch):
    monkeypatch.setitem(fake.Parameters.model_fields, "t_end", Field(1e-6, description="time"))
    assert "t_end: 1.0e-06  # time" in default_yaml()


def test_the_texts_are_the_same_every_time():
    assert markdown(FIGURES) == markdown(FIGURES)
    assert schema_text(FIGURES) == schema_text(FIGURES)
