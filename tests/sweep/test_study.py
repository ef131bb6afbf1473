"""Reading a config: what is accepted, and that every mistake is named with file, line, place and the nearest key."""

import pytest

from vicollapse.errors import ConfigError
from vicollapse.sweep.study import load

HEAD = "studies:\n  mean_alignment:\n    experiment: fake\n"  # lines 1 to 3
GOOD = HEAD + "    axes: {separation: [1, 2]}\n"


@pytest.fixture
def read(fake, write_config):
    """Load a config from text."""
    return lambda text, **options: load(write_config(text), **options)


@pytest.fixture
def problems(read, tmp_path):
    """The problems of a config, without the folder."""

    def find(text: str, **options) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            read(text, **options)
        lines = str(caught.value).splitlines()
        assert all(line.startswith(f"{tmp_path}/config.yaml") for line in lines)
        return [line.removeprefix(f"{tmp_path}/") for line in lines]

    return find


def axes(text: str) -> str:
    return HEAD + f"    axes: {{{text}}}\n"


def test_a_study_as_its_author_writes_it(read):
    config = read(
        "studies:\n"
        "  mean_alignment:\n"
        "    description: a question\n"
        "    experiment: fake\n"
        "    weights: fixed\n"
        "    axes:\n"
        "      dimension: [2, 10, 1e4]\n"
        "      separation: {from: 0.5, to: 2, num: 4}\n"
        "      init_scale: {from: 0.01, to: 1, num: 3, spacing: log}\n"
        "      annealing.duration: {from: 1, to: 2, step: 0.5}\n"
        "    annealing: {schedule: linear}\n"
        "    replicates: 5e2\n"
        "    t_end: 1.0e4\n"
        "    seed: 7\n"
        "    keep_trajectories: 3\n"
        "    save_times: {from: 0, to: 10, step: 5}\n"
        "figures:\n"
        "  diagram: {kind: phase_diagram, studies: mean_alignment, x: separation}\n"
        "results: elsewhere\n"
    )
    study = config.study("mean_alignment")
    assert study.axes == {
        "dimension": (2, 10, 10000),
        "separation": (0.5, 1.0, 1.5, 2.0),
        "init_scale": (0.01, 0.1, 1.0),
        "annealing.duration": (1.0, 1.5, 2.0),
    }
    assert [type(value) for value in study.axes["dimension"]] == [int, int, int]
    assert study.parameters == {"weights": "fixed", "annealing": {"schedule": "linear"}, "t_end": 1e4}
    assert (study.replicates, study.seed, study.keep_trajectories) == (500, 7, 3)
    assert study.save_times == (0.0, 5.0, 10.0)
    assert config.figures["diagram"].options == {"x": "separation"}
    assert config.figures["diagram"].studies == ("mean_alignment",)
    assert (str(config.results), str(config.figures_folder), config.shard_minutes) == ("elsewhere", "figures", 5.0)


def test_defaults(read):
    study = read(GOOD).study("mean_alignment")
    assert (study.replicates, study.seed, study.keep_trajectories, study.save_times) == (256, 1, 0, ())
    assert study.parameters == {}


def test_numbers_keep_six_digits(read):
    study = read(axes("separation: [0.123456789]") + "    init_scale: 0.1000000001\n    t_end: 1234567\n").study(
        "mean_alignment"
    )
    assert study.axes["separation"] == (0.123457,)
    assert study.parameters == {"init_scale": 0.1, "t_end": 1234570.0}


@pytest.mark.parametrize(
    ("spec", "values"),
    [
        ("3", (3.0,)),
        ("{values: [3, 1e-1]}", (3.0, 0.1)),
        ("{from: 0.1, to: 0.7, step: 0.1}", (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)),
        ("{from: 1, to: 2, step: 0.4}", (1.0, 1.4, 1.8)),
        ("{from: 3, to: 1, step: -1}", (3.0, 2.0, 1.0)),
        ("{from: 1e-3, to: 10, num: 5, spacing: log}", (0.001, 0.01, 0.1, 1.0, 10.0)),
        ("{from: 0.5, to: 10, num: 4, spacing: linear}", (0.5, 3.66667, 6.83333, 10.0)),
    ],
)
def test_values_of_an_axis(read, spec, values):
    assert read(axes(f"separation: {spec}")).study("mean_alignment").axes["separation"] == values


def test_an_integer_range_is_rounded_and_a_logarithmic_one_keeps_each_value_once(read):
    study = read(axes("separation: 1, dimension: {from: 1, to: 20, num: 8, spacing: log}")).study("mean_alignment")
    assert study.axes["dimension"] == (1, 2, 4, 6, 8, 13, 20)
    study = read(axes("separation: 1, dimension: {from: 1, to: 9, num: 4}")).study("mean_alignment")
    assert study.axes["dimension"] == (1, 4, 6, 9)


def test_words_and_truths_can_be_axes(read):
    study = read(axes("separation: 1, weights: [softmax, fixed], fates_only: [true, false]")).study("mean_alignment")
    assert study.axes["weights"] == ("softmax", "fixed")
    assert study.axes["fates_only"] == (True, False)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            HEAD + "    axes:\n      separaton: [1]\n",
            "config.yaml:5: studies.mean_alignment.axes.separaton: unknown parameter; did you mean 'separation'?",
        ),
        (GOOD + "    replicats: 5\n", ":5: studies.mean_alignment.replicats: unknown key; did you mean 'replicates'?"),
        (GOOD + "    dimenson: 5\n", ":5: studies.mean_alignment.dimenson: unknown key; did you mean 'dimension'?"),
        (GOOD + "figurs: {}\n", ":5: figurs: unknown key; did you mean 'figures'?"),
        (
            axes("separation: 1, annealing.duraton: [1]") + "    annealing: {schedule: linear}\n",
            ":4: studies.mean_alignment.axes.annealing.duraton: unknown parameter; did you mean 'annealing.duration'?",
        ),
        (
            GOOD + "    annealing: {schedul: linear, duration: 1}\n",
            ":5: studies.mean_alignment.annealing.schedul: unknown key; did you mean 'schedule'?",
        ),
        (
            axes("separation: {from: 1, to: 2, num: 3, spcing: log}"),
            ":4: studies.mean_alignment.axes.separation.spcing: unknown key; did you mean 'spacing'?",
        ),
        (
            GOOD.replace("fake", "fak"),
            ":3: studies.mean_alignment.experiment: unknown experiment 'fak'; did you mean 'fake'?",
        ),
        (
            GOOD + "    weights: sofmax\n",
            ":5: studies.mean_alignment.weights: unknown value 'sofmax'; did you mean 'softmax'?",
        ),
        (axes("separation: 1, weights: [fixt]"), "axes.weights: unknown value 'fixt'; did you mean 'fixed'?"),
    ],
)
def test_unknown_names_get_the_nearest_valid_one(problems, text, expected):
    (problem,) = problems(text)
    assert problem.endswith(expected)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("replicates: 0", "replicates: must be greater than or equal to 1, not 0"),
        ("replicates: 2.5", "replicates: must be a whole number, not 2.5"),
        ("replicates: many", "replicates: must be a whole number, not 'many'"),
        ("seed: -1", "seed: must be greater than or equal to 0, not -1"),
        ("init_scale: -0.5", "init_scale: must be greater than 0, not -0.5"),
        ("init_scale: '0.5'", "init_scale: must be a number, not '0.5'"),
        ("init_scale: true", "init_scale: must be a number, not true"),
        ("init_scale: .nan", "init_scale: must be a finite number, not nan"),
        ("init_scale: 1e999", "init_scale: must be a finite number, not inf"),
        ("init_scale:", "init_scale: must be a number, not null"),
        ("dimension: 2.5", "dimension: must be a whole number, not 2.5"),
        ("fates_only: yes", "fates_only: must be true or false, not 'yes'"),
        ("weights: 3", "weights: unknown value 3; valid: 'fixed', 'softmax'"),
        ("annealing: linear", "annealing: must be a mapping of keys to values, not 'linear'"),
        ("annealing: {schedule: linear}", "annealing: the linear schedule needs 'duration'"),
        ("annealing: {duration: 1}", "annealing.schedule: this key is needed (shape of beta(t))"),
        ("separation: 3", "axes.separation: 'separation' is given as well; take one of the two away"),
        ("keep_trajectories: 2", "keep_trajectories: needs 'save_times' as well, written like an axis"),
        ("keep_trajectories: 257", "keep_trajectories: must be less than or equal to 256, not 257"),
        ("save_times: [1, 0]", "save_times: must be numbers from 0 on, in increasing order"),
        ("save_times: [1, 1e5]", "save_times: the last time, 100000, is after t_end = 10000"),
        ("save_times: []", "save_times: an axis needs at least one value"),
    ],
)
def test_wrong_values_of_keys(problems, lines, expected):
    assert f"studies.mean_alignment.{expected}" in [
        line.partition(": ")[2] for line in problems(GOOD + f"    {lines}\n")
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("separation: []", "separation: an axis needs at least one value"),
        ("separation: {values: []}", "separation.values: an axis needs at least one value"),
        ("separation: null", "separation: a value must be a number, a word, true or false"),
        ("separation: [1, [2]]", "separation[1]: a value must be a number, a word, true or false"),
        ("separation: [1, .inf]", "separation[1]: a value must be finite, not inf"),
        ("separation: [1, -3]", "separation: must be greater than 0, not -3"),
        ("separation: [1, abc]", "separation: must be a number, not 'abc'"),
        ("separation: [1, 2, 1.0]", "separation[2]: the value 1.0 comes twice; each may stand once"),
        (
            "separation: [0.1, 0.10000001]",
            "separation[1]: 0.1 and 0.10000001 are the same value, 0.1 (6 significant digits count)",
        ),
        (
            "separation: {from: 0, to: 1, num: 3, spacing: log}",
            "separation: 'spacing: log' needs 'from' and 'to' above 0",
        ),
        ("separation: {from: 1, to: 2, num: 1}", "separation.num: must be greater than or equal to 2, not 1"),
        ("separation: {from: 1, to: 2, num: 2.5}", "separation.num: must be a whole number, not 2.5"),
        ("separation: {from: a, to: 2, num: 2}", "separation.from: must be a number, not 'a'"),
        ("separation: {from: 1, to: 2, step: -1}", "separation.step: 'step' must lead from 'from' to 'to'"),
        ("separation: {from: 1, to: 2, step: 0}", "separation.step: 'step' must lead from 'from' to 'to'"),
        (
            "separation: {from: 1, to: 2, step: 1e-9}",
            "separation.step: gives more than 100000 values; take a larger 'step'",
        ),
        ("separation: {from: 1, to: 1, num: 2}", "separation: the value 1.0 comes twice; each may stand once"),
        (
            "separation: {from: 1, num: 2}",
            "separation: give 'values', or 'from', 'to' and 'num', or 'from', 'to' and 'step'",
        ),
        (
            "separation: {from: 1, to: 2, num: 2, step: 1}",
            "separation: give 'values', or 'from', 'to' and 'num', or 'from', 'to' and 'step'",
        ),
        ("separation: {values: [1], num: 2}", "separation: give either 'values' or 'from' and 'to', not both"),
        (
            "separation: {from: 1, to: 2, step: 1, spacing: log}",
            "separation: 'spacing' goes with 'num', not with 'step'",
        ),
        ("separation: 1, dimension: [2.5]", "dimension: must be a whole number, not 2.5"),
        (
            "separation: 1, dimension: {from: 1, to: 3, num: 8}",
            "dimension: rounded to whole numbers, some values come twice; take a smaller 'num' or 'spacing: log'",
        ),
        (
            "separation: 1, annealing: [linear]",
            "annealing: is a group of parameters; vary one of them, such as 'annealing.schedule'",
        ),
    ],
)
def test_wrong_axes(problems, text, expected):
    (problem,) = problems(axes(text))
    assert problem == f"config.yaml:4: studies.mean_alignment.axes.{expected}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "config.yaml: the file is empty; it needs 'studies:' with at least one study"),
        ("# nothing\n", "config.yaml: the file is empty; it needs 'studies:' with at least one study"),
        ("- 1\n", "config.yaml:1: the file must be a mapping with the key 'studies', not a list"),
        ("studies: {}\n", "config.yaml:1: studies: needs at least one entry"),
        ("studies:\n  a: 3\n", "config.yaml:2: studies.a: a study is a mapping of keys to values"),
        ("studies:\n\ta: 3\n", "config.yaml:2:1: not valid YAML: tab character; indent with spaces"),
        ("studies: {a: [1}\n", "config.yaml:1:16: not valid YAML: expected ',' or ']', but got '}'"),
        ("studies: {a: &x [*x]}\n", "config.yaml:1:14: not valid YAML: an alias contains itself"),
        (
            GOOD + "---\na: 1\n",
            "config.yaml:5:1: not valid YAML: more than one document in the file; remove the '---'",
        ),
        (
            GOOD + "    seed: 1\n    seed: 2\n",
            "config.yaml:6: studies.mean_alignment.seed: key given twice (first on line 5)",
        ),
        (
            GOOD.replace("mean_alignment", "a/b"),
            "config.yaml:2: studies.a/b: a name is made of letters, digits, '_' and '-' (it becomes the name of files)",
        ),
        (
            HEAD + "    axes: {}\n    separation: 1\n",
            "config.yaml:4: studies.mean_alignment.axes: needs at least one parameter and its values, "
            "as in `separation: [2, 4, 6]`",
        ),
        (
            HEAD + "    separation: 1\n",
            "config.yaml:2: studies.mean_alignment.axes: this key is needed (parameters that vary)",
        ),
        (
            "studies:\n  a: {axes: {separation: 1}}\n",
            "config.yaml:2: studies.a.experiment: this key is needed "
            "(what is simulated; its parameters stand beside this key)",
        ),
        (
            HEAD + "    axes: {dimension: 2}\n",
            "config.yaml:2: studies.mean_alignment.separation: this key is needed (half the distance of the modes)",
        ),
        (GOOD + "shard_minutes: 0\n", "config.yaml:5: shard_minutes: must be greater than 0, not 0"),
        (GOOD + "results: 3\n", "config.yaml:5: results: must be text, not 3"),
        (
            GOOD + "figures:\n  f: {studies: mean_alignment}\n",
            "config.yaml:6: figures.f.kind: this key is needed (which figure)",
        ),
        (
            GOOD + "figures:\n  f: {kind: tail, studies: []}\n",
            "config.yaml:6: figures.f.studies: needs at least one entry",
        ),
        (
            GOOD + "figures:\n  f:\n    kind: tail\n    studies: [mean_alignmnt]\n",
            "config.yaml:8: figures.f.studies[0]: no study 'mean_alignmnt'; did you mean 'mean_alignment'?",
        ),
        (
            GOOD + "    replicates: 1\n    keep_trajectories: 2\n    save_times: 1\n",
            "config.yaml:6: studies.mean_alignment.keep_trajectories: cannot be more than the 1 replicates",
        ),
        (
            axes("separation: 1, annealing.beta0: [0.1]") + "    annealing: null\n",
            "config.yaml:4: studies.mean_alignment.axes.annealing.beta0: 'annealing' is given as well; "
            "take one of the two away",
        ),
    ],
)
def test_the_file_as_a_whole(problems, text, expected):
    assert problems(text) == [expected]


def test_all_problems_come_together_in_the_order_of_the_file(problems):
    found = problems(
        axes("separation: [-1], init_scal: [1]") + "    replicates: 0\n    weights: none\nshard_minutes: 1\n"
        "figures:\n  f: {kind: tail, studies: [mean]}\n"
    )
    assert [line.split(":")[1] for line in found] == ["4", "4", "5", "6", "9"]


def test_missing_unreadable_and_wrongly_encoded_files(tmp_path):
    for path, content, message in (
        (tmp_path / "none.yaml", None, "no such file; give the config file with --config"),
        (tmp_path, None, "cannot be read: Is a directory"),
        (tmp_path / "latin.yaml", "studies: é".encode("latin1"), "not UTF-8 text (byte 9); save the file as UTF-8"),
    ):
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(ConfigError) as caught:
            load(path)
        assert str(caught.value) == f"{path}: {message}"


def test_yaml_anchors_and_merges_work(read):
    config = read(GOOD.replace("mean_alignment:", "a: &a") + "  b:\n    <<: *a\n    axes: {separation: 3}\n")
    assert config.study("a").axes == {"separation": (1.0, 2.0)}
    assert config.study("b").axes == {"separation": (3.0,)}
    with pytest.raises(ConfigError, match="no study 'c'; valid: 'a', 'b'"):
        config.study("c")


def test_figures_are_checked_by_whom_they_belong_to(problems):
    def check(kind, options):
        raise ConfigError(f"{kind} has no option {next(iter(options))}")

    text = GOOD + "figures:\n  f: {kind: tail, studies: [mean_alignment], y: 1}\n"
    assert problems(text, check_figure=check) == ["config.yaml:6: figures.f: tail has no option y"]


def test_a_study_that_no_machine_could_plan_is_refused_at_once(problems):
    many = axes("separation: {from: 1, to: 9, num: 3000}, init_scale: {from: 1, to: 9, num: 3000}")
    assert problems(many) == [
        "config.yaml:4: studies.mean_alignment.axes: 9,000,000 points; a study has 1,000,000 at most: split it"
    ]
    (problem,) = problems(axes("separation: {from: 1, to: 9, num: 90}") + "    replicates: 1000000000\n")
    assert "studies.mean_alignment.replicates: 90,000,000,000 trajectories" in problem
