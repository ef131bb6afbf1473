"""Files: all formats, byte for byte the same, whole or absent, and clear errors."""

import os
import pickle
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import matplotlib
import pytest

from vicollapse import figures
from vicollapse.errors import ConfigError, StorageError
from vicollapse.figures import writing

SUFFIXES = ["pdf", "svg", "png", "txt"]


@pytest.fixture(autouse=True)
def _coarse(monkeypatch):
    # in this process; the test that starts processes of its own sees the real resolution
    monkeypatch.setattr(writing, "RESOLUTION", 60)


def spec(name, kind, *studies, **options):
    return SimpleNamespace(name=name, kind=kind, studies=studies, options=options)


@pytest.fixture
def config(tmp_path, softmax, fixed, tail, patterns, ramp, ramp_paths):
    diagrams = {d.attrs["study"]: d for d in (softmax, fixed, tail, patterns, ramp, ramp_paths)}
    for name, diagram in diagrams.items():
        folder = tmp_path / "results" / name
        folder.mkdir(parents=True)
        diagram.to_netcdf(folder / "phase_diagram.h5", engine="h5netcdf")
    wanted = [
        spec("diagram", "phase_diagram", "mean_alignment"),
        spec("curve", "collapse_curve", "mean_alignment", "vanishing_weight", select={"init_scale": 0.1}),
        spec("tail", "tail", "metastable_tail", select={"init_scale": 0.1}),
        spec("trajectories", "trajectories", "patterns", select={"separation": 4}),
        spec("snapshots", "snapshots", "patterns", select={"separation": 4}),
        spec("cure", "phase_diagram", "ramp", x="annealing.duration", y="annealing.beta0", panels=None),
        spec("shares", "fate_shares", "ramp", panel_values=[0.01, 1]),
        spec("paths", "schedule_paths", "ramp_paths"),
        spec("annealed", "annealed_snapshots", "ramp_paths", times=[0, 10, 1e4]),
        spec("pareto", "pareto", "ramp"),
    ]
    return SimpleNamespace(
        path=tmp_path / "config.yaml",
        studies=dict.fromkeys(diagrams),
        figures={s.name: s for s in wanted},
        results=tmp_path / "results",
        figures_folder=tmp_path / "figures",
    )


@pytest.mark.slow
def test_every_kind_is_written_in_every_format_byte_for_byte_the_same(config):
    paths = figures.render(config)
    assert [p.name for p in paths] == [f"{name}.{suffix}" for name in config.figures for suffix in SUFFIXES]
    first = {p: p.read_bytes() for p in paths}
    assert all(first.values())
    with matplotlib.rc_context({"font.size": 30, "figure.dpi": 50, "svg.hashsalt": None, "axes.grid": True}):
        figures.render(config)
    assert {p: p.read_bytes() for p in paths} == first
    assert sorted(config.figures_folder.iterdir()) == sorted(paths)


@pytest.mark.slow
def test_files_do_not_depend_on_the_process_or_the_date(config):
    script = (
        "import sys, pickle; from vicollapse import figures;"
        "figures.render(pickle.load(open(sys.argv[1], 'rb')), ['diagram', 'snapshots', 'cure'])"
    )
    found = []
    for seed, date in (("1", "1"), ("2", "946684800")):
        config.figures_folder = config.path.parent / f"figures{seed}"
        pickled = config.path.parent / "config.pickle"
        pickled.write_bytes(pickle.dumps(config))
        environment = {**os.environ, "PYTHONHASHSEED": seed, "SOURCE_DATE_EPOCH": date}
        subprocess.run([sys.executable, "-c", script, str(pickled)], check=True, env=environment)
        found.append({p.name: p.read_bytes() for p in config.figures_folder.iterdir()})
    assert len(found[0]) == 12
    assert found[0] == found[1]


def test_files_name_no_version_or_date(config):
    for path in figures.render(config, ["tail"]):
        content = path.read_bytes()
        assert b"CreationDate" not in content
        assert b"Matplotlib v" not in content


def test_only_the_figures_asked_for_are_drawn(config):
    assert {p.stem for p in figures.render(config, ["tail"])} == {"tail"}
    assert sorted(p.name for p in config.figures_folder.iterdir()) == sorted(f"tail.{s}" for s in SUFFIXES)


def test_the_caption_lies_beside_the_figure(config):
    text = figures.render(config, ["tail"])[-1].read_text()
    assert text.startswith("Probability of collapse")
    assert text.endswith(".\n")
    assert "metastable_tail" in text


def test_unknown_figure_names_the_nearest(config):
    with pytest.raises(ConfigError, match=r"config.yaml: no figure 'diagramm'; did you mean 'diagram'\?"):
        figures.render(config, ["diagramm"])


def test_errors_name_file_and_figure(config):
    config.figures["curve"].options["select"] = {}
    with pytest.raises(ConfigError, match=r"config.yaml: figures.curve: study 'mean_alignment' has another axis"):
        figures.render(config, ["curve"])


def test_a_missing_phase_diagram_says_which_commands_make_it(config):
    (config.results / "patterns" / "phase_diagram.h5").unlink()
    with pytest.raises(StorageError, match=r"simulate --config .*config.yaml --study patterns`, then `vicollapse aggr"):
        figures.render(config, ["snapshots"])
    assert not config.figures_folder.exists()


def test_a_failed_write_leaves_the_old_figure(config, monkeypatch):
    before = {p: p.read_bytes() for p in figures.render(config, ["tail"])}

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(StorageError, match=r"cannot write figure 'tail' to .*: No space left on device"):
        figures.render(config, ["tail"])
    monkeypatch.undo()
    assert {p: p.read_bytes() for p in config.figures_folder.iterdir()} == before


def test_a_file_in_place_of_the_folder_is_one_clear_error(tmp_path):
    from matplotlib.figure import Figure

    (tmp_path / "figures").write_text("")
    with pytest.raises(StorageError, match="cannot write figure 'a' to"):
        writing.write(Figure(), "caption", Path(tmp_path / "figures"), "a")
