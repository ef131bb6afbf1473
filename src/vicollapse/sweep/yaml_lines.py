"""Read YAML strictly, remember the line of every key, and gather problems that name file, line and place."""

import re
from pathlib import Path
from typing import Any

import yaml

from vicollapse.errors import ConfigError

Place = tuple[str | int, ...]


class _Loader(yaml.SafeLoader):
    """Scalars of YAML 1.2: `1e4` is a number, `yes` and `2020-01-01` are text, `010` is ten."""

    yaml_implicit_resolvers: Any = {}  # noqa: RUF012 (as in the base class)


_NUMBER_START = list("-+0123456789.")
for _tag, _pattern, _start in (
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    ("int", r"^[-+]?[0-9][0-9_]*$", _NUMBER_START),
    ("float", r"^[-+]?(?:\.[0-9]+|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?$", _NUMBER_START),
    ("float", r"^(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$", _NUMBER_START),
    ("merge", r"^<<$", ["<"]),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), _start)
_Loader.add_constructor("tag:yaml.org,2002:int", lambda _, node: int(node.value.replace("_", "")))
_Loader.add_constructor("tag:yaml.org,2002:float", lambda _, node: _float(node.value))


def _float(text: str) -> float:
    return float(text.replace("_", "").lower().replace(".inf", "inf").replace(".nan", "nan"))


class Document:
    """A YAML file as plain data, with the line of every key, and the problems found in it so far.

    Parameters
    ----------
    path : the file.

    Raises
    ------
    ConfigError : the file is missing, unreadable, empty, malformed, has a key twice, or is not a mapping.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self._lines: dict[Place, int] = {}
        self._problems: list[tuple[int, str]] = []
        self._open: set[int] = set()
        self._merged: set[int] = set()
        self.data: dict[str, Any] = self._read()

    def line(self, place: Place) -> int:
        """Line (from 1) of a place, or of the nearest enclosing one."""
        while place and place not in self._lines:
            place = place[:-1]
        return self._lines.get(place, 1)

    def problem(self, place: Place, message: str) -> None:
        """Note a problem; `check` raises them all together."""
        where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).lstrip(".")
        line = self.line(place)
        self._problems.append((line, f"{self.path}:{line}: " + (f"{where}: " if where else "") + message))

    def check(self) -> None:
        """Raise every problem noted so far, one per line, in the order of the file."""
        if self._problems:
            raise ConfigError("\n".join(dict.fromkeys(text for _, text in sorted(self._problems, key=lambda p: p[0]))))

    def _read(self) -> dict[str, Any]:
        loader = None
        try:
            loader = _Loader(self._text())
            node = loader.get_single_node()
            data = None if node is None else self._build(loader, node, ())
        except yaml.YAMLError as error:
            raise ConfigError(self._malformed(error)) from None
        finally:
            if loader is not None:
                loader.dispose()
        if data is None:
            raise ConfigError(f"{self.path}: the file is empty; it needs 'studies:' with at least one study")
        if not isinstance(data, dict):
            raise ConfigError(f"{self.path}:1: the file must be a mapping with the key 'studies', not a {_kind(data)}")
        self.check()
        return data

    def _text(self) -> str:
        try:
            return self.path.read_text(encoding="utf-8-sig")
        except FileNotFoundError:
            raise ConfigError(f"{self.path}: no such file; give the config file with --config") from None
        except UnicodeDecodeError as error:
            raise ConfigError(f"{self.path}: not UTF-8 text (byte {error.start}); save the file as UTF-8") from None
        except OSError as error:
            raise ConfigError(f"{self.path}: cannot be read: {error.strerror}") from None

    def _malformed(self, error: yaml.YAMLError) -> str:
        mark = getattr(error, "problem_mark", None)
        text = getattr(error, "problem", None) or " ".join(str(error).split())
        if "'\\t'" in text:
            text = "tab character; indent with spaces"
        if text == "but found another document":
            text = "more than one document in the file; remove the '---'"
        where = f"{self.path}:{mark.line + 1}:{mark.column + 1}" if mark else f"{self.path}"
        return f"{where}: not valid YAML: {text}"

    def _build(self, loader: _Loader, node: yaml.Node, place: Place) -> Any:
        self._lines.setdefault(place, node.start_mark.line + 1)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(loader, node)
        if id(node) in self._open:
            raise yaml.constructor.ConstructorError(None, None, "an alias contains itself", node.start_mark)
        self._open.add(id(node))
        if isinstance(node, yaml.MappingNode):
            data: Any = self._mapping(loader, node, place)
        else:
            data = [self._build(loader, item, (*place, i)) for i, item in enumerate(node.value)]
        self._open.discard(id(node))
        return data

    def _mapping(self, loader: _Loader, node: yaml.MappingNode, place: Place) -> dict[str, Any]:
        if id(node) not in self._merged:
            self._check_duplicates(node, place)
            loader.flatten_mapping(node)
            self._merged.add(id(node))
        data = {}
        for key_node, value_node in node.value:
            key = self._key(loader, key_node)
            self._lines[(*place, key)] = key_node.start_mark.line + 1
            data[key] = self._build(loader, value_node, (*place, key))
        return data

    def _key(self, loader: _Loader, node: yaml.Node) -> str:
        if not isinstance(node, yaml.ScalarNode) or not node.value:
            raise yaml.constructor.ConstructorError(None, None, "a key must be text", node.start_mark)
        return node.value

    def _scalar(self, loader: _Loader, node: yaml.ScalarNode) -> Any:
        try:
            return loader.construct_object(node)
        except ValueError as error:
            raise yaml.constructor.ConstructorError(None, None, str(error), node.start_mark) from None

    def _check_duplicates(self, node: yaml.MappingNode, place: Place) -> None:
        first: dict[str, int] = {}
        for key_node, _ in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                continue
            if key_node.value in first:
                self._lines[(*place, str(key_node.value))] = line
                self.problem((*place, str(key_node.value)), f"key given twice (first on line {first[key_node.value]})")
            else:
                first[key_node.value] = line


def _kind(data: Any) -> str:
    return {list: "list", str: "text", bool: "true/false value", dict: "mapping"}.get(type(data), "number")
