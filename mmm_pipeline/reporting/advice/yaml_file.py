"""Changes written into a `pipeline.yaml` as a careful person would: comments, order and spelling stay."""

from __future__ import annotations

import difflib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmm_pipeline.errors import SettingsError
from mmm_pipeline.reporting.advice.changes import Change, apply_change
from mmm_pipeline.settings.pipeline import parse_settings
from mmm_pipeline.storage.atomic_files import write_text

__all__ = ["changed_text", "diff", "read_text", "write_if_unchanged"]


def read_text(path: Path) -> str:
    """The file's text; empty when there is no file.

    Raises:
        SettingsError: it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8") if path.exists() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read: {error}") from error


def changed_text(text: str, changes: Sequence[Change], origin: str) -> str:
    """The text with the changes, checked to be valid settings.

    Raises:
        SettingsError: the text is no YAML mapping, or the settings would not be valid.
    """
    from ruamel.yaml import YAMLError

    yaml = _round_trip()
    try:
        content: Any = yaml.load(text)
    except YAMLError as error:
        raise SettingsError(f"{origin}: is not valid YAML: {error}") from error
    if content is None:
        content = {}
    if not isinstance(content, dict):
        raise SettingsError(f"{origin}: expected sections such as 'budget:', found {type(content).__name__}")
    for change in changes:
        apply_change(content, change)
    _on_one_line(content)
    written = io.StringIO()
    yaml.dump(content, written)
    changed = written.getvalue()
    parse_settings(yaml.load(changed), origin=f"{origin} with these changes")
    return changed


def diff(before: str, after: str, name: str) -> str:
    """A unified diff, empty when nothing changes."""
    lines = difflib.unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), f"{name} (now)", f"{name} (with the advice)"
    )
    return "".join(line if line.endswith("\n") else line + "\n" for line in lines)


def write_if_unchanged(path: Path, before: str, after: str) -> None:
    """Write atomically, unless the file is no longer what was shown.

    Raises:
        SettingsError: somebody changed the file meanwhile, or it cannot be written.
    """
    if read_text(path) != before:
        raise SettingsError(f"{path}: was changed while you were asked; nothing was written, run the command again")
    try:
        write_text(path, after)
    except OSError as error:
        raise SettingsError(f"{path}: cannot be written: {error}") from error


def _on_one_line(node: Any) -> None:
    """New lists of numbers are written as `[0.5, 1.2]`; what was in the file keeps its form."""
    from ruamel.yaml.comments import CommentedSeq

    for key, value in node.items():
        if isinstance(value, dict):
            _on_one_line(value)
        elif type(value) is list and all(isinstance(item, int | float) for item in value) and value:
            node[key] = CommentedSeq(value)
            node[key].fa.set_flow_style()


def _round_trip() -> Any:
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096  # no line is folded that was not folded before
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml
