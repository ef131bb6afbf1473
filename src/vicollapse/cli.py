"""The command line: `vicollapse <command>`; every command is one module in `commands/`, loaded with what it needs."""

import argparse
import gc
import logging
import os
import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version
from typing import Any

from vicollapse.errors import VicollapseError

COMMANDS = {
    "plan": "what a study will cost, before anything is spent",
    "simulate": "simulate the shards of a study, or one of them",
    "aggregate": "write the phase diagram of a study from its shards",
    "predict": "the probability of each fate for one set of parameters",
    "recommend": "the cheapest annealing that keeps the probability of collapse below a target",
    "status": "how far every study is",
    "check": "whether this machine, or all ranks of a job, are fit for studies",
    "figure": "draw figures from stored phase diagrams",
    "config": "print the schema, the table of keys, or a documented default config",
}
"""Name of a command, and of its module in `vicollapse.commands` -> what it does."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Parameters
    ----------
    arguments : of the command line; those of the process by default.

    Returns
    -------
    int : exit code: 0, 2 after an error that is explained in one line, 130 after Ctrl-C.
    """
    gc.set_threshold(50_000, 20, 50)  # imports and figures make objects that stay; looking for dead ones takes 10 %
    _plain_warnings()
    options = parser().parse_args(arguments)
    try:
        return int(options.run(options) or 0)
    except VicollapseError as error:
        print(f"vicollapse: error: {error}", file=sys.stderr)
        return 2
    except MemoryError as error:
        print(f"vicollapse: error: out of memory ({error}); a smaller study, or more memory, will do", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("vicollapse: interrupted; what is finished is kept, run again to continue", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


def parser() -> argparse.ArgumentParser:
    """The parser of the command line, with all commands."""
    top = argparse.ArgumentParser(
        prog="vicollapse",
        description="Phase diagrams of mode collapse in variational inference.",
        epilog="`vicollapse COMMAND --help` explains a command.",
    )
    top.add_argument("--version", action="version", version=f"vicollapse {version('vicollapse')}")
    commands = top.add_subparsers(metavar="COMMAND", required=True)
    for name, summary in COMMANDS.items():
        module: Any = import_module(f"vicollapse.commands.{name}")
        command = commands.add_parser(name, help=summary, description=module.__doc__)
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    return top


def _plain_warnings() -> None:
    # one line each, as errors: no file names and source lines of the program
    logging.basicConfig(format="vicollapse: %(levelname)s: %(message)s", level=logging.WARNING)
    logging.addLevelName(logging.WARNING, "warning")
    warnings.showwarning = _show_warning


def _show_warning(message: Warning | str, *where: Any, **more: Any) -> None:
    print(f"vicollapse: warning: {message}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
