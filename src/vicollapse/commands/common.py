"""What several commands share: options, the studies that are meant, their folders and shards."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vicollapse.sweep.shards import Shard
    from vicollapse.sweep.study import Config, Study


def add_config(parser: argparse.ArgumentParser) -> None:
    """Add `--config`."""
    parser.add_argument(
        "--config", type=Path, default=Path("config/config.yaml"), metavar="FILE", help="config file (%(default)s)"
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add `--json`."""
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")


def add_ranks(parser: argparse.ArgumentParser) -> None:
    """Add `--ranks`."""
    parser.add_argument("--ranks", type=positive, metavar="N", help="ranks that mpiexec must have started, for safety")


def load(options: argparse.Namespace) -> "Config":
    """The config file that was asked for, its figures checked too.

    Raises
    ------
    ConfigError : all that is wrong with it.
    """
    from vicollapse.figures.registry import parse_options
    from vicollapse.sweep.study import load

    return load(options.config, parse_options)


def positive(text: str) -> int:
    """A whole number above 0, for `type=` of an option."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, not {number}")
    return number


def chosen(config: "Config", names: Sequence[str] | None) -> "list[Study]":
    """The studies of these names; all of them if there are none.

    Raises
    ------
    ConfigError : there is no such study.
    """
    return [config.study(name) for name in names or config.studies]


def folder(config: "Config", study: "Study") -> Path:
    """Where the results of a study are."""
    return config.results / study.name


def shards(config: "Config", study: "Study", *, register: bool = False) -> "list[Shard]":
    """The shards of a study; `register` writes them into its ledger."""
    from vicollapse.sweep.shards import plan_shards

    return plan_shards(study, folder(config, study), minutes=config.shard_minutes, register=register)


def print_json(data: Any) -> None:
    """Print plain data as JSON."""
    import json

    print(json.dumps(data, indent=2, default=str))


def print_table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table: ruled on a terminal, plain columns elsewhere."""
    import sys

    if sys.stdout.isatty():
        _ruled(heading, rows)
        return
    widths = [max(len(row[i]) for row in [heading, *rows]) for i in range(len(heading))]
    for row in [heading, *rows]:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _ruled(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD)
    for i, name in enumerate(heading):
        table.add_column(name, justify="left" if i == 0 else "right")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console().print(table)
