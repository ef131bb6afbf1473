"""Where a file comes from; finding it out never fails."""

import subprocess

import h5py

from vicollapse.sweep import provenance as module
from vicollapse.sweep.provenance import device, library_version, provenance, source_state


def git(folder, *arguments):
    me = ["-c", "user.name=a", "-c", "user.email=a@b"]
    done = subprocess.run(["git", "-C", folder, *me, *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_the_commit_of_a_clean_and_of_a_changed_tree(tmp_path):
    (tmp_path / "a.py").write_text("1")
    git(tmp_path, "init")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "x")
    assert source_state(tmp_path) == (git(tmp_path, "rev-parse", "HEAD"), False)
    (tmp_path / "a.py").write_text("2")
    source_state.cache_clear()
    assert source_state(tmp_path) == (git(tmp_path, "rev-parse", "HEAD"), True)


def test_a_copy_inside_another_repository_does_not_claim_its_commit(tmp_path):
    (tmp_path / "a.py").write_text("1")
    git(tmp_path, "init")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "x")
    installed = tmp_path / ".venv" / "vicollapse"
    installed.mkdir(parents=True)
    (installed / "b.py").write_text("1")
    assert source_state(installed) == ("unknown", False)


def test_no_repository_and_no_git(tmp_path, monkeypatch):
    assert source_state(tmp_path) == ("unknown", False)
    monkeypatch.setenv("PATH", str(tmp_path))
    source_state.cache_clear()
    assert source_state(tmp_path) == ("unknown", False)
    source_state.cache_clear()


def test_versions_and_devices():
    assert library_version("h5py") == h5py.__version__
    assert library_version("no-such-library") == "none"
    assert "cores" in device("cpu")
    assert device("gpu").startswith(device("cpu") + " + ")


def test_all_of_it_fits_into_hdf5_attributes(tmp_path):
    found = provenance(backend="cpu", threads=3, wall_seconds=1.5)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.attrs.update(found)
        assert (file.attrs["threads"], file.attrs["wall_seconds"], file.attrs["backend"]) == (3, 1.5, "cpu")
    assert all(isinstance(value, str | int | float) and not isinstance(value, bool) for value in found.values())
    assert "numba " in found["libraries"]


def test_an_unreadable_processor_name_is_no_error(monkeypatch):
    monkeypatch.setattr(module, "Path", lambda _: (_ for _ in ()).throw(OSError()))
    device.cache_clear()
    assert device("cpu")
    device.cache_clear()
