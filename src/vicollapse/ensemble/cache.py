"""Generated kernels on disk: where they are kept, how they are found again, and one compilation at a time."""

import fcntl
import getpass
import hashlib
import importlib
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from types import ModuleType

from vicollapse.ensemble.methods import Rosenbrock
from vicollapse.ensemble.solution import Problem

_PACKAGE = Path(__file__).parents[1]
_SOURCES = (
    *("symbolic.py", "schedules.py", "mixture/expansion.py", "mixture/expansion.json"),
    *(
        f"ensemble/{name}.py"
        for name in ("codegen", "derive", "error_scales", "expand", "lanes", "linear_algebra", "methods", "observer")
    ),
    *("ensemble/polynomials.py", "ensemble/template_files.py"),
    *("ensemble/templates/driver.py", "ensemble/templates/runtime.py"),
)


@cache
def folder() -> Path:
    """Folder of the generated kernels: $VICOLLAPSE_CACHE, else the user's cache folder, else a temporary one."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    wanted = Path(os.environ.get("VICOLLAPSE_CACHE") or Path(home) / "vicollapse") / "kernels"
    if _is_writable(wanted):
        return wanted
    fallback = Path(tempfile.gettempdir()) / f"vicollapse-{getpass.getuser()}" / "kernels"
    fallback = fallback if _is_writable(fallback) else Path(tempfile.mkdtemp(prefix="vicollapse-"))
    warnings.warn(
        f"{wanted} is not writable: kernels go to {fallback} (set VICOLLAPSE_CACHE to keep them)", stacklevel=2
    )
    return fallback


def _is_writable(path):
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            return True
    except OSError:
        return False


def kernel_module(problem: Problem, method: Rosenbrock, terms: int) -> ModuleType:
    """The generated module of a problem, made if the cache does not have it.

    The index entry is keyed by the inputs and by the text of every source file that shapes the output, so that a later
    process finds the module without deriving anything; the module is named by its own text.
    """
    index = folder() / f"{_key(problem, method, terms)}.index"
    name = index.read_text() if index.exists() else ""
    if not (folder() / f"{name}.py").exists():
        from vicollapse.ensemble.codegen import module_source

        system = problem.system()
        text = module_source(system, method, terms)
        name = f"{system.name}_{method.name}_{terms}_{hashlib.sha256(text.encode()).hexdigest()[:12]}"
        _write(folder() / f"{name}.py", text)
        _write(index, name)
    if str(folder()) not in sys.path:
        sys.path.append(str(folder()))  # numba's cache imports the module by its name
    importlib.invalidate_caches()
    return importlib.import_module(name)


def _key(problem, method, terms):
    digest = hashlib.sha256(repr((problem.build, problem.arguments, method.name, terms)).encode())
    digest.update(problem.source())
    for name in _SOURCES:
        digest.update((_PACKAGE / name).read_bytes())
    return digest.hexdigest()[:24]


def _write(path, text):
    handle, temporary = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "w") as file:
        file.write(text)
    os.replace(temporary, path)


def is_compiled(module: ModuleType) -> bool:
    """Whether numba has machine code of the module on disk (possibly of another machine)."""
    path = Path(str(module.__file__))
    return any((path.parent / "__pycache__").glob(f"{path.stem}.integrate-*.nbi"))


@contextmanager
def one_compiler(module: ModuleType) -> Iterator[None]:
    """Hold the lock of a module, so that processes that start together compile it once."""
    with open(Path(str(module.__file__)).with_suffix(".lock"), "w") as file:
        with suppress(OSError):  # a file system without locks: compiling twice is harmless
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
