"""Draw figures from the stored phase diagrams, without simulating anything."""

import argparse

from vicollapse.commands import common


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    common.add_config(parser)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("names", nargs="*", default=[], metavar="NAME", help="figures of the config; all by default")
    which.add_argument("--all", action="store_true", help="all figures of the config")


def run(options: argparse.Namespace) -> None:
    """Draw, and print the paths."""
    from vicollapse.figures import render

    for path in render(common.load(options), options.names or None):
        print(path)
