"""Check a machine once, before studies run there: alone, or on all ranks of a job under MPI.

Exit code: 0 if there is no error, 1 if there is one; warnings do not count.
Under MPI: mpiexec -n 4 python -m mpi4py -m vicollapse check --ranks 4
"""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from vicollapse.commands import common

if TYPE_CHECKING:
    from vicollapse.checkup.findings import Findings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add = parser.add_argument
    add("--ranks", type=common.positive, metavar="N", help="MPI ranks that there must be")
    add("--threads", type=common.positive, metavar="N", help="threads of each rank (its share of the cores)")
    add("--folder", type=Path, default=Path("results"), metavar="DIR", help="where results will be (%(default)s)")
    add("--backend", default="auto", help="auto, or what computes: with gpu, no GPU is an error (%(default)s)")
    common.add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Check, print, and count errors."""
    from vicollapse.checkup.findings import Verdict
    from vicollapse.checkup.run import run
    from vicollapse.parallel.binding import fair_threads
    from vicollapse.parallel.team import joined

    def show(findings: "Findings") -> None:
        _print(findings, options.json)

    with joined(options.ranks) as team:
        threads = fair_threads(team)
        findings = run(
            team, threads=options.threads or threads, folder=options.folder, backend=options.backend, show=show
        )
        if team.is_first:
            show(findings)
        team.meet()  # a rank that ends with code 1 ends the others: after the table
        code = int(any(finding.verdict is Verdict.ERROR for finding in findings.values()))
        if code and team.size > 1:
            team.abort(code)  # which lets the launcher pass on the table first
    return code


def _print(findings: "Findings", as_json: bool) -> None:
    from shutil import get_terminal_size

    from vicollapse.checkup.table import as_dict, lines

    if as_json:
        common.print_json(as_dict(findings))
    else:
        print("\n".join(lines(findings, get_terminal_size((120, 24)).columns)))
    sys.stdout.flush()
