"""Files that are generated from the models of the config stay in step with them; `make generated` rewrites them."""

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from vicollapse.sweep.study import load
from vicollapse.sweep.yaml_lines import Document

ROOT = Path(__file__).parents[1]
GENERATED = {"workflow/schemas/config.schema.json": "schema", "config/README.md": "docs"}


@pytest.mark.parametrize(("name", "what"), GENERATED.items())
def test_generated_files_are_up_to_date(name: str, what: str, request: pytest.FixtureRequest):
    command = [sys.executable, "-m", "vicollapse.cli", "config", what]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert len(text) > 1000
    path = ROOT / name
    if request.config.getoption("--fix"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert path.read_text() == text, f"{name} is out of date: run `make generated`"


def schema() -> dict:
    return json.loads((ROOT / "workflow/schemas/config.schema.json").read_text())


@pytest.mark.parametrize("path", sorted((ROOT / "config").glob("*.yaml")), ids=lambda p: p.stem)
def test_configs_satisfy_the_schema(path: Path):
    jsonschema.validate(Document(path).data, schema())


def test_the_schema_refuses_unknown_keys():
    config = Document(ROOT / "config/test.yaml").data
    config["studies"]["patterns"]["replicats"] = 8
    with pytest.raises(jsonschema.ValidationError, match="replicats"):
        jsonschema.validate(config, schema())


def test_the_documented_default_is_a_config(tmp_path: Path):
    command = [sys.executable, "-m", "vicollapse.cli", "config", "default"]
    path = tmp_path / "config.yaml"
    path.write_text(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert load(path).studies
