"""The rules of the house: imports run down the floors, heavy libraries stay where they belong, files stay short."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "vicollapse"
FILES = sorted(PACKAGE.rglob("*.py"))
MODULES = [path for path in FILES if "templates" not in path.parts]  # templates are the text of generated code
FLOORS = {
    "cores": 0, "errors": 0, "intervals": 0, "schedules": 0, "symbolic": 0,
    "mixture": 1, "ensemble": 2, "experiments": 3, "parallel": 3, "sweep": 4, "figures": 5, "recommend": 5,
    "api": 6, "checkup": 6, "commands": 7, "cli": 8, "__init__": 9, "__main__": 9,
}  # fmt: skip
STORAGE_AND_CONFIG = {"h5py", "h5netcdf", "xarray", "yaml", "snakemake", "rich", "matplotlib"}  # from floor 3 or 4 up
DEVICES = {"cupy", "mpi4py", "jax"}  # only inside functions: what does not use them must run without them
LONGEST = 200


def relative(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(tree: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    """Every import statement and the dotted module it names; `from vicollapse import x` counts as vicollapse.x."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: relative import"
            if node.module == "vicollapse":
                yield from ((node, f"vicollapse.{alias.name}") for alias in node.names)
            else:
                yield node, node.module or ""


def at_import_time(tree: ast.Module) -> set[int]:
    """Identities of the nodes that run when the module is imported (not in a function, not only for type checkers)."""
    found, stack = set(), list(tree.body)
    while stack:
        node = stack.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        found.add(id(node))
        stack.extend(ast.iter_child_nodes(node))
    return found


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf8"))


def test_every_room_has_a_floor():
    assert {room(path) for path in FILES} <= set(FLOORS)


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_imports_run_down_the_floors(path: Path):
    for node, name in imports(parsed(path)):
        parts = name.split(".")
        if parts[0] == "vicollapse" and len(parts) > 1 and parts[1] in FLOORS:
            same_room = parts[1] == room(path) or FLOORS[parts[1]] == 0  # the ground floor is one room
            assert same_room or FLOORS[parts[1]] < FLOORS[room(path)], f"{relative(path)}:{node.lineno} imports {name}"


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_science_knows_no_files_and_no_workflow(path: Path):
    if FLOORS[room(path)] <= 2:
        for node, name in imports(parsed(path)):
            assert name.split(".")[0] not in STORAGE_AND_CONFIG, f"{relative(path)}:{node.lineno} imports {name}"


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_devices_are_imported_where_they_are_used(path: Path):
    tree = parsed(path)
    early = at_import_time(tree)
    for node, name in imports(tree):
        lazy = id(node) not in early
        assert lazy or name.split(".")[0] not in DEVICES, f"{relative(path)}:{node.lineno} imports {name}"


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_files_are_short(path: Path):
    lines = len(path.read_text(encoding="utf8").splitlines())
    assert lines <= LONGEST, f"{relative(path)} has {lines} lines; split it by ideas"


def public(body: list[ast.stmt]) -> Iterator[ast.AST]:
    """Public functions, classes and methods; properties and overloads included."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from public(node.body)


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_what_is_public_says_what_it_does(path: Path):
    tree = parsed(path)
    assert ast.get_docstring(tree), f"{relative(path)} has no docstring"
    for node in public(tree.body):
        assert ast.get_docstring(node), f"{relative(path)}:{node.lineno} {node.name} has no docstring"


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_no_global_random_state(path: Path):
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in {"np.random", "numpy.random"}:
            assert re.match(r"[A-Z]|default_rng$", node.attr), (
                f"{relative(path)}:{node.lineno} uses np.random.{node.attr}"
            )


def test_the_rules_catch_what_they_forbid():
    tree = ast.parse(
        "import h5py\ndef f():\n    import cupy\nif TYPE_CHECKING:\n    import jax\nfrom vicollapse import cli"
    )
    early = at_import_time(tree)
    seen = {name: id(node) in early for node, name in imports(tree)}
    assert seen == {"h5py": True, "cupy": False, "jax": False, "vicollapse.cli": True}
