"""A YAML file read with care: bounded in size, depth and expansion, every key once, every value with its line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from mmm_pipeline.errors import SettingsError

__all__ = ["YamlFile", "read_yaml", "yaml_of"]

# libyaml's loader where it was built in: ten times faster.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_LARGEST_FILE = 1_000_000
_DEEPEST = 30
_MOST_VALUES = 100_000
_LARGEST_NUMBER = 2**53
_LONGEST_SHOWN = 200


@dataclass(frozen=True)
class YamlFile:
    """What a YAML text holds, and where.

    Attributes:
        content: plain Python values; None when the text is empty.
        root: the nodes behind them, which know their lines.
    """

    content: Any
    root: yaml.Node | None = None

    def line(self, location: Sequence[str | int]) -> int | None:
        """Line of a key or list item, counted from 1, or of the innermost section around it that is in the text."""
        found, node = None, self.root
        for step in location:
            place, node = _below(node, step)
            if place is None:
                break
            found = _line(place)
        return found

    def written(self, location: Sequence[str | int]) -> str | None:
        """A single value as the text spells it, without quotes; None when it is not in the text, or no single value."""
        node = self.root
        for step in location:
            _, node = _below(node, step)
        return str(node.value) if isinstance(node, yaml.ScalarNode) else None


def read_yaml(path: Path) -> YamlFile:
    """Read a YAML file.

    Raises:
        SettingsError: it cannot be read, is not UTF-8 text or not YAML, is larger or deeper than settings ever are, or
            gives a key twice. The message names file and line.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(_LARGEST_FILE + 1)
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror or error}") from error
    if len(raw) > _LARGEST_FILE:
        raise SettingsError(f"{path}: is larger than {_LARGEST_FILE:,} bytes, which no settings file is")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise SettingsError(
            f"{path}, line {line}: is not UTF-8 text (byte 0x{raw[error.start]:02x}): save the file as UTF-8"
        ) from error
    return yaml_of(text, str(path))


def yaml_of(text: str, origin: str) -> YamlFile:
    """The same for text that was read already; `origin` names it in messages.

    Raises:
        SettingsError: as for `read_yaml`.
    """
    try:
        _require_shallow(text, origin)
        loader = _Loader(text)
        try:
            root = loader.get_single_node()
            if root is None:
                return YamlFile(None)
            _require_small(root, origin)
            _require_plain(root, origin, loader)
            return YamlFile(loader.construct_document(root), root)
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        raise SettingsError(_not_yaml(error, text, origin)) from error


def _require_shallow(text: str, origin: str) -> None:
    """Events come one by one, so that depth is seen before anything calls itself that often."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _DEEPEST:
                line = event.start_mark.line + 1  # type: ignore[union-attr]
                raise SettingsError(
                    f"{origin}, line {line}: is nested more than {_DEEPEST} levels deep, which no setting is"
                )
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _require_small(root: yaml.Node, origin: str) -> None:
    """Aliases written out: a few hundred bytes can stand for billions of values, or for a value without end."""
    sizes: dict[int, int] = {}
    open_nodes: set[int] = set()

    def size(node: yaml.Node) -> int:
        if isinstance(node, yaml.ScalarNode):
            return 1
        if id(node) in open_nodes:
            raise SettingsError(f"{origin}, line {_line(node)}: holds an alias (*) to itself: write the value out")
        if id(node) not in sizes:
            open_nodes.add(id(node))
            sizes[id(node)] = 1 + sum(map(size, _children(node)))
            open_nodes.remove(id(node))
        if sizes[id(node)] > _MOST_VALUES:
            raise SettingsError(
                f"{origin}, line {_line(node)}: stands for more than {_MOST_VALUES:,} values once its aliases (*) are "
                "written out, which no setting does"
            )
        return sizes[id(node)]

    size(root)


def _require_plain(root: yaml.Node, origin: str, loader: Any) -> None:
    """Every key once, and every single value one that Python can hold."""
    seen: set[int] = set()
    waiting = [("", root)]
    while waiting:
        where, node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.ScalarNode):
            _plain(node, origin, where, loader)
        elif isinstance(node, yaml.SequenceNode):
            waiting += [(f"{where}.{number}" if where else str(number), item) for number, item in enumerate(node.value)]
        else:
            lines: dict[Any, int] = {}
            for key_node, value_node in node.value:
                if not isinstance(key_node, yaml.ScalarNode):
                    raise SettingsError(
                        f"{origin}, line {_line(key_node)}: a list or section stands where a key is expected; quote "
                        "text that contains braces or brackets"
                    )
                value = _plain(key_node, origin, where, loader)
                key = (type(value), value)  # 1 and true are equal in Python, and two keys here
                name = f"{where}.{key_node.value}" if where else key_node.value
                if key in lines:
                    raise SettingsError(
                        f"{origin}: {_cut(name)!r} is given twice, in line {lines[key]} and in line {_line(key_node)}: "
                        "keep one"
                    )
                lines[key] = _line(key_node)
                waiting.append((name, value_node))


def _plain(node: yaml.ScalarNode, origin: str, where: str, loader: Any) -> Any:
    """The value of a scalar.

    Raises:
        SettingsError: it looks like a number or a date and is none, or is too large.
    """
    place = f"{origin}, line {_line(node)}: {where + ' = ' if where else ''}{_cut(node.value)}"
    if node.tag == "tag:yaml.org,2002:merge":
        return node.value
    try:
        value = loader.construct_object(node)
    except (ValueError, OverflowError) as error:
        if node.tag == "tag:yaml.org,2002:int":
            raise SettingsError(f"{place}: is too large a number") from error
        raise SettingsError(f"{place}: cannot be read: {error}; quote it if it is text") from error
    if type(value) is int and abs(value) > _LARGEST_NUMBER:
        raise SettingsError(f"{place}: is too large a number")
    return value


def _not_yaml(error: yaml.YAMLError, text: str, origin: str) -> str:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    parts = [getattr(error, "context", None), getattr(error, "problem", None) or getattr(error, "reason", None)]
    problem = ", ".join(part for part in parts if part) or str(error)
    line = f", line {mark.line + 1}" if mark is not None else ""
    if mark is not None and text[mark.index : mark.index + 1] == "\t":
        problem += " (a tab: indent with spaces)"
    return f"{origin}{line}: is not valid YAML: {problem}"


def _below(node: yaml.Node | None, step: str | int) -> tuple[yaml.Node | None, yaml.Node | None]:
    """What is at a key or number below a node: where it stands, and its value."""
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and 0 <= step < len(node.value):
        return node.value[step], node.value[step]
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value == str(step):
                return key, value
    return None, None


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "…"
