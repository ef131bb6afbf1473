"""Workplaces for a small study of a slow experiment."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from workplace import SHARDS, Workplace


@pytest.fixture
def workplace(tmp_path):
    return Workplace(tmp_path / "work")


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory):
    """The study, simulated and aggregated without any disturbance."""
    place = Workplace(tmp_path_factory.mktemp("undisturbed") / "work")
    place.finish()
    assert len(place.shards()) == SHARDS
    return place
