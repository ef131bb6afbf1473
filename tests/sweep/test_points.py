"""Identity: what a point's text is, what it does not depend on, and the random streams that hang on it."""

import hashlib
import json

import numpy as np
import pytest

from vicollapse.errors import ConfigError
from vicollapse.sweep.points import block_key, blocks, point_id, point_key, points
from vicollapse.sweep.study import Study


def study(fixed=None, axes=None, **keys) -> Study:
    axes = {"separation": (1.0, 2.0), "dimension": (2, 10)} if axes is None else axes
    return Study(keys.pop("name", "s"), experiment="fake", parameters=fixed or {}, axes=axes, **keys)


def test_the_canonical_text_is_pinned(fake):
    parameters = fake.Parameters(separation=2, init_scale=0.1, dimension=10000)
    text = '{"experiment":"fake","parameters":{"dimension":"10000","separation":"2"}}'  # the rest is at its default
    assert point_id("fake", parameters) == hashlib.sha256(text.encode()).hexdigest()[:16]
    assert point_id("fake", parameters) == point_id(fake, parameters) == "d22c477a2ca9a8cc"


def test_nested_parameters_stand_under_dotted_names(fake):
    table = {"schedule": "steps", "table": ((0, 0.1), (1, 1))}
    parameters = fake.Parameters(separation=1e-7, annealing=table, t_end=5)
    content = {
        "experiment": "fake",
        "parameters": {
            "annealing.schedule": "steps",
            "annealing.table": [["0", "0.1"], ["1", "1"]],
            "separation": "1e-07",
        },
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    assert point_id(fake, parameters) == hashlib.sha256(text.encode()).hexdigest()[:16]


def test_identity_does_not_depend_on_names_axis_order_or_what_is_written_out(fake):
    first = {p.id for p in points(study())}
    turned = {p.id for p in points(study(axes={"dimension": (10, 2), "separation": (2.0, 1.0)}, name="other"))}
    explicit = {p.id for p in points(study({"init_scale": 0.1, "annealing": None}))}
    assert len(first) == 4
    assert first == turned == explicit


def test_observation_changes_the_key_but_not_the_random_identity(fake, monkeypatch):
    a, b = points(study())[0], points(study({"t_end": 5.0, "fates_only": True}))[0]
    assert a.id == b.id
    assert a.key != b.key
    monkeypatch.setattr(type(fake), "version", 2)
    c = points(study())[0]
    assert c.id == a.id
    assert c.key != a.key
    assert c.key == point_key(fake, c.parameters)


def test_every_physical_parameter_changes_the_random_identity(fake):
    base = {"separation": 1.0, "annealing": {"schedule": "linear", "duration": 1.0}}
    variants = [
        {},
        {"weights": "fixed"},
        {"dimension": 3},
        {"separation": 1.00001},
        {"init_scale": 0.2},
        {"annealing": None},
        {"annealing": {"schedule": "linear", "duration": 2.0}},
    ]
    assert len({point_id(fake, fake.Parameters(**base | variant)) for variant in variants}) == len(variants)
    almost = fake.Parameters(**base | {"separation": 1.0000001})
    assert point_id(fake, almost) == point_id(fake, fake.Parameters(**base))


def test_points_are_the_product_of_the_axes_the_last_one_fastest(fake):
    axes = {"separation": (1.0, 2.0), "annealing.duration": (5.0, 6.0, 7.0)}
    found = points(study({"annealing": {"schedule": "linear"}}, axes))
    assert [p.coordinates for p in found] == [(s, d) for s in (1.0, 2.0) for d in (5.0, 6.0, 7.0)]
    assert [(p.parameters.separation, p.parameters.annealing.duration) for p in found] == [p.coordinates for p in found]
    assert len({p.id for p in found}) == len({p.key for p in found}) == 6


def test_a_forbidden_combination_is_named(fake):
    axes = {"annealing.schedule": ("steps", "linear"), "separation": (1.0,)}
    with pytest.raises(ConfigError) as caught:
        points(study({"annealing": {"beta0": 0.5}}, axes))
    assert str(caught.value) == (
        "study 's', point with annealing.schedule = linear, separation = 1.0: the linear schedule needs 'duration'"
    )


def test_block_keys_are_pinned_and_distinct():
    assert block_key(1, "0" * 16, 0) == int(hashlib.sha256(b"1:0000000000000000:0").hexdigest()[:32], 16)
    keys = {block_key(s, p, b) for s in (0, 1) for p in ("a" * 16, "b" * 16) for b in (0, 1, 2)}
    assert len(keys) == 12
    assert all(0 <= key < 2**128 for key in keys)
    np.random.Philox(key=max(keys))


def test_a_short_block_is_the_prefix_of_the_whole_one(fake):
    parameters = fake.Parameters(separation=1)
    long, short = blocks(fake, parameters, 600, seed=3), blocks("fake", parameters, 300, seed=3)
    assert [b.size for b in long] == [256, 256, 88]
    assert [b.size for b in short] == [256, 44]
    assert [b.key for b in short] == [b.key for b in long[:2]]
    assert blocks(fake, parameters, 344, seed=3, first=256) == long[1:]
    assert (fake.run(short).outcome == fake.run(long).outcome[:300]).all()
    with pytest.raises(ValueError, match="multiple of 256"):
        blocks(fake, parameters, 1, seed=3, first=100)


def test_points_follow_the_study_the_experiment_and_its_version(fake, monkeypatch):
    mine, other = study(axes={"separation": (1.0, 2.0)}), study(axes={"separation": (3.0,)})
    points(mine).pop()  # the list is the caller's own
    assert [p.coordinates for p in points(mine)] == [(1.0,), (2.0,)]
    assert [p.coordinates for p in points(other)] == [(3.0,)]
    keys = {p.key for p in points(mine)}
    monkeypatch.setattr(type(fake), "version", fake.version + 1)
    assert keys.isdisjoint(p.key for p in points(mine))
