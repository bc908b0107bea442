"""Where a text names a channel, a KPI or a brand: digits inside a name are no figures."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Mention", "Mentions"]

_MASK = "\ufffc"
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")
_READS_AS_NUMBER = re.compile(r"[\d\s.,%+\-–−/:]*")
_ISOLATES = re.compile("[\u2066-\u2069]")


@dataclass(frozen=True)
class Mention:
    """A name in a text and its position."""

    name: str
    start: int


class Mentions:
    """Finds names; the longest one wins where one is part of another.

    A name that reads as a number (a channel called `2021`) is found, but not blotted out: it could hide any figure.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._names = {_normal(name): name for name in names if name}
        ordered = sorted(self._names, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(_bounded, ordered))) if ordered else None

    def masked(self, text: str) -> tuple[str, list[Mention]]:
        """The text, normalised and without Markdown escapes, with every name blotted out; and the names in order."""
        plain = _normal(_ISOLATES.sub("", _ESCAPED.sub(r"\1", text)))
        if self._pattern is None:
            return plain, []
        found = [Mention(self._names[match[0]], match.start()) for match in self._pattern.finditer(plain)]
        return self._pattern.sub(lambda match: _blotted(match[0]), plain), found


def _blotted(name: str) -> str:
    return name if _READS_AS_NUMBER.fullmatch(name) else _MASK * len(name)


def _bounded(name: str) -> str:
    """Not inside a longer Latin word or number; a Korean particle may follow at once."""
    before = r"(?<![A-Za-z0-9])" if name[0].isascii() and name[0].isalnum() else ""
    after = r"(?![A-Za-z0-9])" if name[-1].isascii() and name[-1].isalnum() else ""
    return before + re.escape(name) + after


def _normal(text: str) -> str:
    return unicodedata.normalize("NFKC", text)
