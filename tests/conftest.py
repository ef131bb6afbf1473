"""Options of the test suite."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare `--fix`."""
    parser.addoption("--fix", action="store_true", help="rewrite the files that are generated from the models")
