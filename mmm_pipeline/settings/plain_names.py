"""Names of channels, markets, events and features as they count: what looks the same is the same.

The same rules stand in SQL for names in the data (`ingestion.parsing.name`), and here for names in settings.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator

__all__ = ["INVISIBLE", "NARROW", "SPACE", "WIDE", "DistinctNames", "Name", "plain_name", "spelled_alike"]

# As RE2 spells them, for SQL. Joiners (U+200C, U+200D) are not among them: they change what is seen.
SPACE = r"[\s\p{Z}\p{Cc}]"
INVISIBLE = (
    r"[\x{00AD}\x{061C}\x{180E}\x{200B}\x{200E}\x{200F}\x{202A}-\x{202E}\x{2060}-\x{2064}\x{2066}-\x{206F}\x{FEFF}]"
)

_INVISIBLE = re.compile("[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]")
_SPACE_CATEGORIES = {"Zs", "Zl", "Zp", "Cc"}
_ASIDE = re.compile(r"[\s_\-\u2010-\u2015/.]+")
_GROUPS_SHOWN = 5


def _usual_widths() -> dict[str, str]:
    """The characters of Unicode's block of half- and full-width forms, and the usual ones that they stand for."""
    forms = {chr(code): unicodedata.normalize("NFKC", chr(code)) for code in range(0xFF01, 0xFFEF)}
    # Quotes and backslashes are left alone: each warehouse escapes them in another way.
    return {form: usual for form, usual in forms.items() if len(usual) == 1 and usual not in (form, "'", '"', "\\")}


WIDE, NARROW = ("".join(part) for part in zip(*_usual_widths().items(), strict=True))
_TO_USUAL = str.maketrans(WIDE, NARROW)


def plain_name(text: str) -> str:
    """A name in composed form and usual width, without invisible characters, and with single blanks inside only."""
    shown = _INVISIBLE.sub("", text).translate(_TO_USUAL)
    blanked = "".join(" " if unicodedata.category(char) in _SPACE_CATEGORIES else char for char in shown)
    return unicodedata.normalize("NFC", " ".join(part for part in blanked.split(" ") if part))


def spelled_alike(names: Iterable[str], what: str) -> tuple[str, ...]:
    """Warnings about names that differ in case, blanks, `_`, `-`, `/` or `.` only.

    Args:
        names: plain names, of the data.
        what: what they name, in the plural.
    """
    alike: dict[str, list[str]] = {}
    for name in sorted(set(names)):
        alike.setdefault(_ASIDE.sub("", name).casefold(), []).append(name)
    groups = sorted(group for key, group in alike.items() if key and len(group) > 1)
    more = f"; so do {len(groups) - _GROUPS_SHOWN} more groups of {what}" if len(groups) > _GROUPS_SHOWN else ""
    found = [
        f"{what} {', '.join(map(repr, group))} differ in case, blanks or punctuation only and are kept apart: if they "
        "are the same, give them one name in the source"
        for group in groups[:_GROUPS_SHOWN]
    ]
    return (*found[:-1], found[-1] + more) if found else ()


def _named(text: str) -> str:
    name = plain_name(text)
    if not name:
        raise ValueError("a name is blank")
    return name


def _distinct(value: Any) -> Any:
    """Refuse two keys that become the same name, of which the second would replace the first in silence."""
    if isinstance(value, Mapping):
        first: dict[str, str] = {}
        for key in value:
            name = plain_name(key) if isinstance(key, str) else key
            if name in first:
                raise ValueError(f"names {first[name]!r} and {key!r}, which are the same name: give one of them")
            first[name] = key
    return value


Name = Annotated[str, AfterValidator(_named)]
"""A name in the settings, in its plain form."""

DistinctNames = BeforeValidator(_distinct)
"""For a mapping with keys of type `Name`."""
