"""The fake experiment, registered for one test; a config file from text."""

import importlib.util
import sys
from pathlib import Path

import pytest

from vicollapse import experiments


@pytest.fixture(scope="session")
def fake_module():
    """The module `fake_experiment`, also for subprocesses that put this folder on their path."""
    spec = importlib.util.spec_from_file_location("fake_experiment", Path(__file__).with_name("fake_experiment.py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def fake(fake_module, monkeypatch):
    """The experiment 'fake', registered while the test runs."""
    monkeypatch.setitem(sys.modules, "vicollapse.experiments.fake", fake_module)
    monkeypatch.setitem(experiments._MODULES, "fake", "Fake")
    experiments.get.cache_clear()
    yield experiments.get("fake")
    experiments.get.cache_clear()


@pytest.fixture
def write_config(tmp_path):
    """Write text as config.yaml in a folder of its own; the path."""

    def write(text: str) -> Path:
        path = tmp_path / "config.yaml"
        path.write_text(text)
        return path

    return write
