"""The studies and figures of annealing: every figure fits its studies, and in small all of them run from end to end."""

from pathlib import Path

import matplotlib
import numpy as np
import pytest
import yaml

from vicollapse import cli, open_phase_diagram
from vicollapse.figures import registry, writing
from vicollapse.sweep.study import load

FOLDER = Path(__file__).parents[2] / "config"


def synthetic(study, make_grid):
    """A phase diagram over the axes of a study."""
    axes = {a: np.array(v, object if isinstance(v[0], str) else None) for a, v in study.axes.items()}

    def probabilities(**at):
        return 0.1, 0.2 + 0 * at["annealing.beta0" if "annealing.beta0" in at else "separation"]

    diagram = make_grid(study.name, axes, probabilities=probabilities, **study.parameters)
    if not study.keep_trajectories:
        return diagram
    return diagram.assign_coords(time=[0.0, 1e4]).assign(beta=(("trajectory", "time"), [[0.1, 1.0]]))


@pytest.mark.parametrize("name", ["annealing", "annealing_test"])
def test_every_figure_fits_its_studies(name, make_grid):
    config = load(FOLDER / f"{name}.yaml", check_figure=registry.parse_options)
    for figure in config.figures.values():
        kind, options = registry.get(figure.kind), registry.parse_options(figure.kind, figure.options)
        studies = [config.studies[study] for study in figure.studies]
        if studies[0].keep_trajectories:
            assert figure.kind in ("schedule_paths", "annealed_snapshots")
            continue
        plain = options.model_copy(update={"formula": False})  # whose values take time, and do not matter here
        diagrams = {study.name: synthetic(study, make_grid) for study in studies}
        assert kind.caption(diagrams, plain).startswith(("Probability of", "What becomes of a run"))


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """The small config with few runs, one form and no recheck, so that three kernels do."""
    folder = tmp_path_factory.mktemp("annealing")
    content = yaml.safe_load((FOLDER / "annealing_test.yaml").read_text())
    content |= {"results": str(folder / "results"), "figures_folder": str(folder / "figures")}
    for study in content["studies"].values():
        study |= {"recheck": 0, "replicates": 64}
    content["studies"]["forms"]["axes"]["annealing.schedule"] = ["linear"]
    path = folder / "annealing.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writing, "RESOLUTION", 60)
        for command in (["simulate", "--threads", "1", "--backend", "cpu"], ["aggregate"], ["figure", "--all"]):
            assert cli.main([command[0], "--config", str(path), *command[1:]]) in (0, None)
    return folder


@pytest.mark.slow
def test_all_figures_are_drawn(done):
    wanted = yaml.safe_load((FOLDER / "annealing_test.yaml").read_text())["figures"]
    found = {path.name for path in (done / "figures").iterdir()}
    assert found == {f"{name}.{suffix}" for name in wanted for suffix in ("pdf", "svg", "png", "txt")}
    assert matplotlib.image.imread(done / "figures" / "fate_shares.png").std() > 0.1


@pytest.mark.slow
def test_a_long_hot_ramp_saves_what_would_vanish(done):
    with open_phase_diagram(done / "results" / "ramp_softmax" / "phase_diagram.h5") as diagram:
        at = diagram.sel({"separation": 10, "init_scale": 0.1})
        none, best = (at["probability"].isel({"annealing.beta0": i, "annealing.duration": -1}) for i in (-1, 0))
        assert float(none.sel(outcome="vanished")) > 0.75  # 0.90 of 3000 runs
        assert float(best.sel(outcome="covered")) > 0.70  # 0.86
        assert float(best.sel(outcome="vanished")) < 0.15  # 0.014


@pytest.mark.slow
def test_at_beta0_of_one_the_duration_does_not_matter(done):
    with open_phase_diagram(done / "results" / "ramp_softmax" / "phase_diagram.h5") as diagram:
        plain = diagram["collapsed"].sel({"separation": 6, "init_scale": 0.1, "annealing.beta0": 1})
        assert np.ptp(plain.values) < 6 * np.sqrt(0.34 * 0.66 / 64)
        annealed = diagram["collapsed"].sel({"separation": 6, "init_scale": 0.1}).isel({"annealing.duration": -1})
        assert float(annealed[0]) < float(plain.mean()) - 0.1


@pytest.mark.slow
def test_the_captions_state_the_schedule(done):
    paths = (done / "figures" / "schedule_paths.txt").read_text()
    for part in ("annealing.schedule linear", "annealing.beta0 0.01", "t_anneal = 3;", "t_anneal = 1000;"):
        assert part in paths
    assert "annealing.time_constant" not in paths
    assert "β = 0.01" in (done / "figures" / "annealed_densities.txt").read_text()
    assert "root mean square" in (done / "figures" / "formula_curve.txt").read_text()
