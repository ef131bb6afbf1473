"""The command line as its users meet it: start-up, errors in one line, exit codes, JSON."""

import json
import subprocess
import sys
import time

import pytest

from vicollapse import cli
from vicollapse.commands import simulate as simulate_command
from vicollapse.errors import StorageError

HEAVY = ("numba", "sympy", "scipy", "matplotlib", "xarray", "h5py", "pydantic", "pandas", "rich", "yaml", "numpy")

CONFIG = """
results: {results}
studies:
  first:
    experiment: gradient_flow
    axes: {{separation: [1, 2], init_scale: [0.1, 1]}}
    replicates: 300
  second:
    experiment: gradient_flow
    axes: {{separation: [1, 2, 3]}}
    replicates: 256
"""


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG.format(results=tmp_path / "results"))
    return str(path)


def test_help_is_quick_and_imports_nothing_heavy():
    program = f"""
import sys
from vicollapse import cli
try:
    cli.main(["--help"])
except SystemExit as end:
    assert end.code == 0
heavy = [name for name in {HEAVY!r} if name in sys.modules]
sys.exit(f"imported: {{heavy}}" if heavy else 0)
"""
    times = []
    for _ in range(3):
        start = time.perf_counter()
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
        times.append(time.perf_counter() - start)
        assert done.returncode == 0, done.stderr
    assert all(name in done.stdout for name in cli.COMMANDS)
    assert min(times) < 0.5


@pytest.mark.parametrize("command", list(cli.COMMANDS))
def test_every_command_explains_itself(command, capsys):
    with pytest.raises(SystemExit) as end:
        cli.main([command, "--help"])
    assert end.value.code == 0
    assert len(capsys.readouterr().out.splitlines()) > 5


def test_version(capsys):
    with pytest.raises(SystemExit):
        cli.main(["--version"])
    assert capsys.readouterr().out.startswith("vicollapse ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["plan", "--config", "nowhere.yaml"], "nowhere.yaml: no such file"),
        (["status", "--study", "frist"], "no study 'frist'; did you mean 'first'?"),
        (["aggregate", "--study", "first"], "study 'first': 1 of 1 shards are not simulated yet"),
        (
            ["plan", "--profile", "nowhere"],
            "no profile 'nowhere' (a folder with config.yaml, or a file); profiles here: ",
        ),
        (["simulate", "--shard", "abc"], "--shard needs --study"),
        (["simulate", "--study", "first", "--shard", "abc"], "study 'first' has no shard 'abc'"),
    ],
)
def test_errors_are_one_line_and_exit_code_2(config, capsys, arguments, message):
    given = arguments if "--config" in arguments else [*arguments, "--config", config]
    assert cli.main(given) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("vicollapse: error: ")
    assert message in captured.err
    assert len(captured.err.splitlines()) == 1
    assert captured.out == ""


@pytest.mark.parametrize("number", ["0", "-1", "many"])
def test_threads_must_be_a_number_above_0(config, capsys, number):
    with pytest.raises(SystemExit) as end:
        cli.main(["simulate", "--config", config, "--threads", number])
    assert end.value.code == 2
    assert "--threads" in capsys.readouterr().err


def test_ctrl_c_and_unexpected_exceptions(config, monkeypatch, capsys):
    def raising(error):
        def run(*arguments, **more):
            raise error

        return run

    monkeypatch.setattr(simulate_command.common, "load", raising(KeyboardInterrupt()))
    assert cli.main(["simulate", "--config", config]) == 130
    assert "run again to continue" in capsys.readouterr().err
    monkeypatch.setattr(simulate_command.common, "load", raising(StorageError("disk full")))
    assert cli.main(["simulate", "--config", config]) == 2
    monkeypatch.setattr(simulate_command.common, "load", raising(ZeroDivisionError()))
    with pytest.raises(ZeroDivisionError):
        cli.main(["simulate", "--config", config])


def test_plan_and_status_as_json(config, tmp_path, capsys):
    assert cli.main(["plan", "--config", config, "--json"]) == 0
    plans = json.loads(capsys.readouterr().out)
    assert [(p["study"], p["points"], p["trajectories"]) for p in plans] == [("first", 4, 1200), ("second", 3, 768)]
    assert cli.main(["status", "--config", config, "--json", "--study", "second"]) == 0
    (status,) = json.loads(capsys.readouterr().out)
    assert (status["study"], status["left"], status["done"]) == ("second", 1, 0)
    assert not (tmp_path / "results").exists()


def test_plan_measures_on_request_and_remembers(config, tmp_path, capsys):
    assert cli.main(["plan", "--config", config, "--study", "second", "--json"]) == 0
    (before,) = json.loads(capsys.readouterr().out)
    assert cli.main(["plan", "--config", config, "--study", "second", "--measure", "0.2"]) == 0
    captured = capsys.readouterr()
    assert "measured here" in captured.out
    assert "second: one core takes for a trajectory " in captured.out
    assert captured.err.splitlines()[-1] == "measuring second for about 0.2 s"
    assert cli.main(["plan", "--config", config, "--json"]) == 0
    first, second = json.loads(capsys.readouterr().out)
    assert (first["time"], first["speed"]) == ("predicted", None)
    assert second["time"] == "measured"
    (entry,) = second["speed"]["measured"]
    assert entry["trajectories"] >= 256
    assert second["core_seconds"] - 1.5 == pytest.approx(entry["factor"] * (before["core_seconds"] - 1.5))
    assert [path.name for path in (tmp_path / "results").rglob("*") if path.is_file()] == ["speed.json"]


@pytest.mark.parametrize("seconds", ["0", "-1", "inf", "nan", "long"])
def test_measuring_takes_some_time(config, capsys, seconds):
    with pytest.raises(SystemExit) as end:
        cli.main(["plan", "--config", config, "--measure", seconds])
    assert end.value.code == 2
    assert "--measure" in capsys.readouterr().err


def test_plan_for_a_profile(config, tmp_path, capsys):
    profile = tmp_path / "config.profile.yaml"
    profile.write_text("jobs: 2\nset-threads: {simulate: 8}\nset-resources: {simulate: {runtime: 1h, mem_mb: 100}}")
    arguments = ["plan", "--config", config, "--profile", str(profile), "--cores-per-node", "4"]
    assert cli.main(arguments) == 0
    captured = capsys.readouterr()
    assert "2 jobs, each 1 rank x 8 threads, 2 at once" in captured.out
    assert "node-hours with 4 cores per node, as --cores-per-node says" in captured.out
    assert "2 of 2 jobs need more memory than" in captured.err
    assert cli.main([*arguments, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [study["study"] for study in found["studies"]] == ["first", "second"]
    cost = found["profile"]
    assert (cost["jobs"], cost["threads"], cost["limit_minutes"], cost["over_memory"]) == (2, 8, 60, 2)
    assert cost["node_hours"] == pytest.approx(cost["core_hours"] / 4)


def test_status_of_every_shard(config, capsys):
    assert cli.main(["status", "--config", config, "--shards"]) == 0
    heading, first, second = capsys.readouterr().out.splitlines()
    assert heading.split()[:4] == ["study", "shard", "state", "progress"]
    assert first.split()[2:5] == second.split()[2:5] == ["left", "0", "%"]
    assert cli.main(["status", "--config", config, "--shards", "--json"]) == 0
    statuses = json.loads(capsys.readouterr().out)
    assert [[shard["state"] for shard in status["shards"]] for status in statuses] == [["left"], ["left"]]


def test_tables_are_plain_without_a_terminal(config, capsys):
    cli.main(["status", "--config", config])
    heading, first, second = capsys.readouterr().out.splitlines()
    assert heading.startswith("study")
    assert first.split()[:6] == ["first", "0", "0", "0", "0", "1"]
    assert second.index("0 of 768") == first.index("0 of 1,200") == heading.index("trajectories")


def test_the_reader_of_a_pipe_may_leave(config):
    command = f"set -o pipefail; '{sys.executable}' -m vicollapse.cli config docs | head -1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
    assert done.stdout.startswith("#")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("what", "start"), [("schema", "{"), ("docs", "#"), ("default", "results:")])
def test_config_prints_what_the_models_say(what, start, capsys):
    assert cli.main(["config", what]) == 0
    out = capsys.readouterr().out
    assert out.startswith(start)
    assert "init_scale" in out


def test_results_that_cannot_be_written_are_refused_before_anything_is_spent(config, tmp_path, capsys):
    (tmp_path / "results").write_text("a file")
    assert cli.main(["simulate", "--config", config]) == 2
    assert "is a file, not a folder" in capsys.readouterr().err
