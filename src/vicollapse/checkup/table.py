"""The table of findings as text, wrapped to the width of the terminal."""

import textwrap
from collections.abc import Sequence
from typing import Any

from vicollapse.checkup.findings import Findings, Verdict

_HEADING = ("check", "verdict", "what was found", "what to do")
_NARROWEST = 24  # columns of text


def lines(findings: Findings, width: int = 120) -> list[str]:
    """The table, one string per line, and a last line that counts.

    Parameters
    ----------
    findings : of all checks.
    width : characters of a line; at least 80 are used.

    Returns
    -------
    list : lines without trailing spaces.
    """
    rows = [(name, finding.verdict.value, finding.found, finding.advice) for name, finding in findings.items()]
    widths = _widths(rows, max(width, 80))
    ruled = [_HEADING, tuple("-" * size for size in widths), *rows]
    return [line for row in ruled for line in _wrapped(row, widths)] + ["", summary(findings)]


def summary(findings: Findings) -> str:
    """How many errors and warnings there are."""
    errors, warnings = (_count(findings, verdict) for verdict in (Verdict.ERROR, Verdict.WARNING))
    counted = f"{errors} error{'s' * (errors != 1)}, {warnings} warning{'s' * (warnings != 1)}"
    return counted if errors or warnings else f"all is well ({counted})"


def as_dict(findings: Findings) -> dict[str, Any]:
    """Plain data, for `--json`."""
    rows = [
        {"check": name, "verdict": finding.verdict.value, "found": finding.found, "what_to_do": finding.advice}
        for name, finding in findings.items()
    ]
    return {
        "errors": _count(findings, Verdict.ERROR),
        "warnings": _count(findings, Verdict.WARNING),
        "checks": rows,
    }


def _count(findings: Findings, verdict: Verdict) -> int:
    return sum(finding.verdict is verdict for finding in findings.values())


def _widths(rows: Sequence[tuple[str, ...]], width: int) -> tuple[int, ...]:
    # the names and verdicts as they are; what was found gets the room that the advice leaves, and the other way round
    first, second, found, advice = (max(len(row[i]) for row in [_HEADING, *rows]) for i in range(4))
    room = width - first - second - 6
    advice = max(min(advice, room // 2), min(advice, room - found), min(_NARROWEST, advice))
    return first, second, min(found, room - advice), advice


def _wrapped(row: tuple[str, ...], widths: tuple[int, ...]) -> list[str]:
    cells = [textwrap.wrap(text, size) or [""] for text, size in zip(row, widths, strict=True)]
    height = max(len(cell) for cell in cells)
    columns = [
        [part.ljust(size) for part in cell + [""] * (height - len(cell))]
        for cell, size in zip(cells, widths, strict=True)
    ]
    return ["  ".join(parts).rstrip() for parts in zip(*columns, strict=True)]
