"""`vicollapse check` as its users meet it: table, JSON, exit codes."""

import json

import pytest

from vicollapse import cli
from vicollapse.checkup import run as checkup
from vicollapse.checkup.findings import error, ok, warning
from vicollapse.checkup.run import Check
from vicollapse.checkup.table import lines, summary

GOOD = Check("good", lambda setting: ok(f"{setting.threads} threads, {setting.backend}"))
DOUBTFUL = Check("doubtful", lambda setting: warning("slow", "buy a new one"))
BAD = Check("bad", lambda setting: error("broken", "repair it"))


@pytest.fixture
def check(monkeypatch, tmp_path, capsys):
    def run(*checks, arguments=()):
        monkeypatch.setattr(checkup.run, "__kwdefaults__", {**checkup.run.__kwdefaults__, "checks": checks})
        code = cli.main(["check", "--folder", str(tmp_path / "results"), *arguments])
        return code, capsys.readouterr().out

    return run


@pytest.mark.parametrize(
    ("checks", "code", "last"),
    [
        ((GOOD,), 0, "all is well (0 errors, 0 warnings)"),
        ((GOOD, DOUBTFUL), 0, "0 errors, 1 warning"),
        ((BAD, GOOD, DOUBTFUL), 1, "1 error, 1 warning"),
    ],
)
def test_exit_codes_and_the_last_line(check, checks, code, last):
    found, out = check(*checks)
    assert found == code
    assert out.splitlines()[-1] == last


def test_the_table(check):
    _, out = check(BAD, DOUBTFUL, arguments=["--threads", "3"])
    rows = [line.split() for line in out.splitlines()]
    assert rows[0] == ["check", "verdict", "what", "was", "found", "what", "to", "do"]
    assert rows[2] == ["bad", "error", "broken", "repair", "it"]
    assert rows[3] == ["doubtful", "warning", "slow", "buy", "a", "new", "one"]


def test_json(check):
    code, out = check(GOOD, BAD, arguments=["--json", "--threads", "3", "--backend", "cpu"])
    assert code == 1
    assert json.loads(out) == {
        "errors": 1,
        "warnings": 0,
        "checks": [
            {"check": "good", "verdict": "ok", "found": "3 threads, cpu", "what_to_do": ""},
            {"check": "bad", "verdict": "error", "found": "broken", "what_to_do": "repair it"},
        ],
    }


def test_help_says_what_the_exit_code_means(capsys):
    with pytest.raises(SystemExit):
        cli.main(["check", "--help"])
    assert "0 if there is no error, 1 if there is one" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("width", [20, 80, 120, 300])
@pytest.mark.parametrize("long", ["found", "advice", "both"])
def test_long_texts_are_wrapped(width, long):
    text = "several words that say it " * 12
    findings = {
        "short": ok("fine"),
        "long": warning(text if long != "advice" else "slow", text if long != "found" else "wait"),
    }
    table = lines(findings, width)
    assert max(map(len, table)) <= max(width, 80)
    joined = " ".join(" ".join(table).split())
    assert joined.count("several") == 12 * (2 if long == "both" else 1)
    assert summary(findings) == table[-1] == "0 errors, 1 warning"
