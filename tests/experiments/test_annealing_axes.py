"""Schedules as axes of a study: their keys, the schedule itself, and what cannot be one grid."""

import numpy as np
import pytest

import vicollapse
from vicollapse import experiments
from vicollapse.cli import main
from vicollapse.errors import ConfigError
from vicollapse.sweep.points import points
from vicollapse.sweep.study import load

FLOW = experiments.get("gradient_flow")
HEAD = (
    "results: {folder}\nstudies:\n  s:\n    experiment: gradient_flow\n    weights: fixed\n    separation: 6\n"
    "    dimension: 100\n    t_end: 1000\n    fates_only: true\n    recheck: 0\n    replicates: 300\n    seed: 4\n"
)
FORMS = HEAD + (
    "    annealing: {{beta0: 0.1}}\n    axes:\n      annealing.schedule: [linear, geometric]\n"
    "      annealing.duration: [5, 200]\n    keep_trajectories: 2\n    save_times: [0, 100]\n"
)
ADAPTIVE = HEAD + (
    "    annealing: {{schedule: adaptive}}\n    axes:\n      annealing.beta0: [0.02, 0.1]\n"
    "      annealing.time_constant: [1, 10]\n      annealing.rate: [0.01, 1]\n"
)


@pytest.fixture
def study(tmp_path):
    def made(text):
        path = tmp_path / "config.yaml"
        path.write_text(text.format(folder=tmp_path / "results"))
        return path

    return made


@pytest.mark.parametrize("text", [FORMS, ADAPTIVE], ids=["forms", "adaptive"])
def test_every_cell_is_the_point_it_says(study, text, tmp_path):
    """The schedule itself is an axis too: a study as a whole against its cells, one by one."""
    import xarray as xr

    path = study(text)
    for command in ("simulate", "aggregate"):
        assert main([command, "--config", str(path)]) == 0
    made = points(load(path).studies["s"])
    with xr.open_dataset(tmp_path / "results/s/phase_diagram.h5", engine="h5netcdf") as diagram:
        axes = [name for name in map(str, diagram.dims) if name.startswith("annealing.")]
        assert all(diagram[name].attrs["units"] for name in axes)
        assert all(diagram[name].attrs["label"] != name for name in axes)
        counts = diagram["count"].stack(point=axes).transpose("point", "outcome").to_numpy()
        beta = diagram["beta"].to_numpy() if "beta" in diagram else None
    assert len(made) == len(counts)
    for point, row in zip(made, counts, strict=True):
        given = {"init_scale": 0.1, "seed": 4, "replicates": 300} | point.parameters.model_dump(exclude_defaults=True)
        alone = vicollapse.collapse_probability(**given)
        assert row.tolist() == [round(300 * alone.probability[name]) for name in FLOW.outcomes]
    if beta is not None:  # schedule, duration, trajectory, time: at 0 and at 100, half-way along the longer ramps
        assert beta[:, :, :, 0] == pytest.approx(0.1)
        assert beta[:, 0, :, 1] == pytest.approx(1.0)
        assert beta[0, 1, :, 1] == pytest.approx(0.55)
        assert beta[1, 1, :, 1] == pytest.approx(np.sqrt(0.1))


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (
            "{{beta0: 0.1, duration: 10}}",
            "annealing.schedule = exponential: schedule 'exponential' needs time_constant",
        ),
        (
            "{{beta0: 0.1, duration: 10, time_constant: 2}}",
            "studies.s.annealing: schedule 'linear' does not use time_constant; remove it "
            "\\(schedules with different keys need studies of their own\\)",
        ),
    ],
)
def test_schedules_with_different_keys_are_no_axis(study, keys, message):
    text = HEAD + "    axes: {{annealing.schedule: [linear, exponential]}}\n    annealing: " + keys + "\n"
    with pytest.raises(ConfigError, match=message):
        points(load(study(text)).studies["s"])


def test_annealed_trajectories_are_predicted_to_cost_more():
    def seconds(law):
        return FLOW.seconds(FLOW.Parameters(separation=6.0, annealing=law))

    ramp = {"schedule": "linear", "beta0": 0.1, "duration": 10.0}
    clock = {"schedule": "adaptive", "beta0": 0.1, "time_constant": 10.0, "rate": 0.1}
    plain = seconds(None)
    assert seconds({"schedule": "constant", "beta0": 1.0}) == plain
    assert plain < seconds(ramp) < seconds(clock) < 1.5 * plain
