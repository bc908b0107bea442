"""CSV files that are safe to open in a spreadsheet."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Any

import pandas as pd

from mmm_pipeline.storage.atomic_files import write_bytes

__all__ = ["escape_formula", "write_csv"]

_STARTS_A_FORMULA = frozenset("=+-@−")  # U+2212 too: some locales read it as a hyphen
_STARTS_A_FIELD = frozenset("\t\r\n\0")


def write_csv(frame: pd.DataFrame, path: Path) -> Path:
    """Write a table without its index; text that a spreadsheet would run as a formula is defused.

    Text cells and headers go through `escape_formula`; numbers, booleans and dates are left as they are, so a column of
    negative numbers stays numeric. The file is UTF-8 with a byte order mark, because Excel reads a CSV without one in
    the machine's legacy code page and garbles Korean; read it back with `encoding="utf-8-sig"`. Rows end with `\\r\\n`
    (RFC 4180). The write is atomic.

    Raises:
        OSError: the folder cannot be written.
    """
    safe = frame.copy()
    for position in range(safe.shape[1]):
        column = safe.iloc[:, position]
        if not (pd.api.types.is_numeric_dtype(column.dtype) or pd.api.types.is_datetime64_any_dtype(column.dtype)):
            safe.isetitem(position, column.astype(object).map(_escaped, na_action="ignore").array)
    safe.columns = pd.Index([_escaped(name) for name in frame.columns], dtype=object)
    text: str = safe.to_csv(index=False, lineterminator="\r\n")
    return write_bytes(path, text.encode("utf-8-sig", errors="replace"))


def escape_formula(text: str) -> str:
    """Put an apostrophe before text that Excel, LibreOffice or Google Sheets may evaluate.

    Caught are `=`, `+`, `-`, `@` (and what NFKC folds into them, such as the full-width `＝`) at the start or after
    leading white space or invisible characters, and a leading tab, carriage return, line feed or NUL. Source: OWASP,
    CSV injection.
    """
    if text and text[0] in _STARTS_A_FIELD:
        return "'" + text
    for character in text:
        if character.isspace() or unicodedata.category(character) in ("Cc", "Cf"):
            continue
        return "'" + text if unicodedata.normalize("NFKC", character)[0] in _STARTS_A_FORMULA else text
    return text


def _escaped(value: Any) -> Any:
    return escape_formula(value) if isinstance(value, str) else value
