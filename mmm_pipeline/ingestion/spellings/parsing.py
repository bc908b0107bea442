"""How names and missing values in text are understood, as SQL expressions over text."""

from __future__ import annotations

from mmm_pipeline.settings.plain_names import INVISIBLE, NARROW, SPACE, WIDE
from mmm_pipeline.storage.warehouse.dialect import Dialect

__all__ = ["finite_number", "name", "trimmed", "without_missing"]

# Invisible characters that spreadsheets and web pages leave around text; \s alone is ASCII only.
_SPACE = r"[\s\p{Z}\p{Cc}\x{200B}\x{2060}\x{FEFF}]"
_CLEAN_ASCII = r"^[!-~]([ -~]*[!-~])?$"
_PLAIN_ASCII = r"^[!-~]+( [!-~]+)*$"

_MISSING = r"^((?i:#?n/?a|nan|null|none|nil|\(?not set\)?)|-+|[\x{2013}\x{2014}])$"


def trimmed(dialect: Dialect, text: str) -> str:
    """Text without spaces around it, Unicode's too; '' for NULL."""
    text = f"COALESCE({text}, '')"
    bare = dialect.without(text, f"^{_SPACE}+|{_SPACE}+$")
    return f"CASE WHEN {dialect.match(text, _CLEAN_ASCII)} THEN {text} ELSE {bare} END"


def name(dialect: Dialect, text: str) -> str:
    """A name as `plain_names.plain_name` has it, so that names that look the same are the same; NULL when blank."""
    text = f"COALESCE({text}, '')"
    blanked = dialect.blanked.format(dialect.without(text, INVISIBLE), dialect.pattern.format(f"{SPACE}+"))
    plain = dialect.composed.format(f"TRIM(TRANSLATE({blanked}, '{WIDE}', '{NARROW}'), ' ')")
    return f"NULLIF(CASE WHEN {dialect.match(text, _PLAIN_ASCII)} THEN {text} ELSE {plain} END, '')"


def without_missing(dialect: Dialect, text: str) -> str:
    """Trimmed text; '' where it stands for a missing value, such as `na`, `N/A`, `NaN`, `null`, `--`, `(not set)`."""
    return f"CASE WHEN {dialect.match(text, _MISSING)} THEN '' ELSE {text} END"


def finite_number(dialect: Dialect, value: str) -> str:
    """Whether a number is neither infinite nor NaN."""
    return dialect.is_finite.format(value)
