"""Kinds and options: what is valid, and what is said of what is not."""

import subprocess
import sys

import pytest

from vicollapse.errors import ConfigError
from vicollapse.figures import registry


def test_every_kind_has_drawing_functions_and_default_options():
    assert registry.names() == (
        "phase_diagram", "collapse_curve", "tail", "trajectories", "snapshots",
        "fate_shares", "schedule_paths", "annealed_snapshots", "pareto",
    )  # fmt: skip
    for name in registry.names():
        kind = registry.get(name)
        assert callable(kind.draw)
        assert callable(kind.caption)
        assert isinstance(registry.parse_options(name, {}), kind.Options)


def test_unknown_kind_names_the_nearest():
    with pytest.raises(ConfigError, match="unknown kind of figure 'phase_diagrams'; did you mean 'phase_diagram'"):
        registry.get("phase_diagrams")


def test_unknown_option_names_the_nearest():
    with pytest.raises(ConfigError, match="unknown option 'panel_value'; did you mean 'panel_values'"):
        registry.parse_options("phase_diagram", {"panel_value": [2]})


@pytest.mark.parametrize(
    ("kind", "options", "place"),
    [
        ("phase_diagram", {"contours": ["many"]}, "contours.0"),
        ("phase_diagram", {"contours": [1.5]}, "contours.0"),
        ("phase_diagram", {"panel_values": []}, "panel_values"),
        ("collapse_curve", {"select": {"init_scale": [1]}}, "select.init_scale"),
        ("collapse_curve", {"select": {"init_scale": float("nan")}}, "select.init_scale"),
        ("trajectories", {"count": 0}, "count"),
        ("snapshots", {"times": [-1.0]}, "times.0"),
        ("annealed_snapshots", {"patterns": []}, "patterns"),
        ("schedule_paths", {"count": 0}, "count"),
    ],
)
def test_bad_values_name_their_place(kind, options, place):
    with pytest.raises(ConfigError, match=f"option '{place}"):
        registry.parse_options(kind, options)


def test_options_are_checked_without_a_plotting_library():
    script = (
        "import sys; import vicollapse.figures; from vicollapse.figures import registry;"
        "registry.parse_options('phase_diagram', {}); heavy = {'matplotlib', 'xarray', 'scipy', 'numba', 'h5py'};"
        "sys.exit(', '.join(heavy & set(sys.modules)) or None)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
