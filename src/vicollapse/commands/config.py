"""Print what a config file may contain: its JSON schema, a table of every key, or a documented default."""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("what", choices=("schema", "docs", "default"), help="JSON schema, Markdown tables, or YAML")


def run(options: argparse.Namespace) -> None:
    """Print."""
    from vicollapse.figures import registry
    from vicollapse.sweep import describe

    figures = {name: type(registry.parse_options(name, {})) for name in registry.names()}
    texts = {
        "schema": lambda: describe.schema_text(figures),
        "docs": lambda: describe.markdown(figures),
        "default": describe.default_yaml,
    }
    print(texts[options.what](), end="")
