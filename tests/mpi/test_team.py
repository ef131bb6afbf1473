"""A team of ranks: every item of a queue goes to one rank, nobody waits for a busy rank 0, threads share the cores."""

import json

import pytest

from vicollapse.errors import BackendError
from vicollapse.parallel import team as team_module
from vicollapse.parallel.binding import cores, fair_threads
from vicollapse.parallel.launch import launched
from vicollapse.parallel.team import Solo, joined

TAKE_ALL = """
import json, time
from vicollapse.parallel.team import joined
with joined() as team, team.queue(500) as queue:
    mine = []
    while (number := queue.take()) is not None:
        mine.append(number)
        queue.report(2 * number)
        time.sleep(0.0005)
    team.meet()
    print(json.dumps([team.rank, mine, queue.reported(), queue.closed()]), flush=True)
"""
BUSY_FIRST = """
import json, time
from vicollapse.parallel.team import joined
with joined() as team, team.queue(40) as queue:
    taken = 0
    while queue.take() is not None:
        taken += 1
        time.sleep(3 if team.is_first else 0.01)  # asleep outside of MPI, as in a compiled kernel
    team.meet()
    print(json.dumps([team.rank, taken]), flush=True)
"""
CLOSE = """
import json, time
from vicollapse.parallel.team import joined
with joined() as team, team.queue(10**6) as queue:
    taken = 0
    while queue.take() is not None:
        taken += 1
        if team.rank == 1 and taken == 5:
            queue.close()
        time.sleep(0.001)
    print(json.dumps([taken, team.share(queue.closed())]), flush=True)
"""
TALK = """
import json
from vicollapse.parallel.binding import fair_threads
from vicollapse.parallel.team import joined
with joined(3) as team:
    facts = [team.share({"first": team.rank}), team.gather(team.rank), team.on_first(lambda: team.rank)]
    print(json.dumps([*facts, team.local_rank, team.local_size, fair_threads(team)]), flush=True)
"""


def rows(text):
    """What the ranks printed, one JSON list each, on one line or several."""
    found, position = [], 0
    while position < len(text.rstrip()):
        row, position = json.JSONDecoder().raw_decode(text, text.index("[", position))
        found.append(row)
    return found


@pytest.mark.parametrize("number", [1, 2, 5])
def test_every_number_is_taken_once(ranks, number):
    found = rows(ranks(number, TAKE_ALL))
    assert sorted(i for _, mine, _, _ in found for i in mine) == list(range(500))
    assert [(total, closed) for _, _, total, closed in found] == [(500 * 499, False)] * number
    assert all(mine for _, mine, _, _ in found)


@pytest.mark.parametrize("network", ["0", "1"])
def test_others_go_on_while_rank_0_is_busy(ranks, network):
    """Also where the ranks share no memory, and rank 0 must answer for its counter (MPICH then uses the network)."""
    found = dict(rows(ranks(2, BUSY_FIRST, MPIR_CVAR_NOLOCAL=network)))
    assert found[0] <= 2
    assert found[0] + found[1] == 40


def test_any_rank_can_close_the_queue(ranks):
    found = rows(ranks(3, CLOSE))
    assert sum(taken for taken, _ in found) < 1000
    assert [closed for _, closed in found] == [True] * 3


def test_ranks_talk(ranks):
    found = sorted(rows(ranks(3, TALK)), key=lambda row: row[3])
    fair = max(1, len(cores()) // 3)
    assert found == [[{"first": 0}, [0, 1, 2], 0, local, 3, fair] for local in range(3)]


def test_alone_no_mpi_is_needed():
    with joined(1) as team, team.queue(3) as queue:
        assert isinstance(team, Solo)
        assert [queue.take() for _ in range(4)] == [0, 1, 2, None]
        assert (team.share("x"), team.gather("x"), team.local_size, fair_threads(team)) == ("x", ["x"], 1, len(cores()))
        queue.close()
        assert queue.closed()


def test_a_wrong_number_of_ranks_is_refused():
    with (
        pytest.raises(BackendError, match=r"asked for 4 ranks, but there is 1; .*mpiexec -n 4 .* --ranks 4"),
        joined(4),
    ):
        pass


def test_a_launcher_that_does_not_fit_is_noticed(monkeypatch):
    """`srun` with a wrong --mpi starts many processes that each believe to be alone."""
    monkeypatch.setenv("SLURM_STEP_NUM_TASKS", "2")
    with pytest.raises(BackendError, match=r"srun has started 2 processes, but MPI .* knows of 1"), joined():
        pass


def test_missing_mpi4py_is_said(monkeypatch):
    monkeypatch.setenv("PMI_SIZE", "2")
    monkeypatch.setitem(__import__("sys").modules, "mpi4py", None)
    with pytest.raises(BackendError, match=r"mpi4py cannot be imported .*pip install 'vicollapse\[mpi\]'"), joined():
        pass


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, (1, "")),
        ({"PMI_SIZE": "4", "SLURM_STEP_NUM_TASKS": "1"}, (4, "mpiexec")),
        ({"OMPI_COMM_WORLD_SIZE": "2"}, (2, "mpiexec")),
        ({"SLURM_STEP_NUM_TASKS": "8", "SLURM_NTASKS": "8"}, (8, "srun")),
        ({"SLURM_NTASKS": "8"}, (1, "")),  # in a batch script, not in a step
    ],
)
def test_how_a_process_was_started(environment, expected):
    assert launched(environment) == expected


@pytest.mark.parametrize(
    ("hosts", "masks", "expected"),
    [
        ("aa", [(0, 1, 2, 3), (0, 1, 2, 3)], 2),  # unbound: share
        ("aa", [(0, 1), (2, 3)], 2),  # bound: keep
        ("ab", [(0, 1, 2, 3), (0, 1, 2, 3)], 4),  # other machine
        ("aaa", [(0,), (0,), (0,)], 1),
    ],
)
def test_threads_by_cores(monkeypatch, hosts, masks, expected):
    team = Solo()
    team.hosts = tuple(hosts)
    monkeypatch.setattr(team, "gather", lambda value: masks)
    monkeypatch.setattr("vicollapse.parallel.binding.cores", lambda: masks[0])
    assert fair_threads(team) == expected


def test_an_error_is_told_by_the_rank_that_has_it(capsys):
    team = Solo()
    team.rank, team.size, team.hosts = 1, 3, ("a", "b", "c")
    assert team_module._explain(BackendError("no such thing"), team) == 2
    assert capsys.readouterr().err == "vicollapse: rank 1 of 3 on b: error: no such thing\n"
    assert team_module._explain(SystemExit(143), team) == 143
    assert team_module._explain(KeyError("x"), team) == 1
    assert "KeyError: 'x'; all ranks end now" in capsys.readouterr().err
