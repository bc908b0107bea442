"""Names that came from data, made harmless to show and still telling one channel from another."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from mmm_pipeline.text_safety.printable import VISIBLE_JOINERS, printable

__all__ = ["clean", "display_width", "distinct", "isolated", "shorten"]


def clean(text: object, limit: int = 80) -> str:
    """One line of visible text of at most `limit` characters.

    Control characters, bidirectional overrides, other invisible marks, surrogates and unassigned code points go; white
    space of any kind becomes one space; an ellipsis in the middle stands for what is too long.
    """
    spaced = "".join(" " if character.isspace() else character for character in unicodedata.normalize("NFC", str(text)))
    return shorten(" ".join(printable(spaced).split()), limit)


def shorten(text: str, limit: int) -> str:
    """At most `limit` columns wide; the middle goes, because names of a family differ at their ends."""
    if display_width(text) <= limit:
        return text
    head, tail = "", ""
    room = limit - 1
    for front, back in zip(text, reversed(text), strict=True):
        if display_width(head + front + tail) > room:
            break
        head += front
        if display_width(head + back + tail) > room:
            break
        tail = back + tail
    return f"{head.rstrip()}…{tail.lstrip()}"


def isolated(text: str) -> str:
    """Text that holds right-to-left letters, fenced so that they cannot reorder what stands around it."""
    if any(unicodedata.bidirectional(character) in ("R", "AL", "AN") for character in text):
        return f"\u2068{text}\u2069"
    return text


def display_width(text: str) -> int:
    """Columns the text takes in a fixed-width font: two for East Asian wide characters, none for combining marks."""
    return sum(
        0 if unicodedata.combining(c) or c in VISIBLE_JOINERS else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def distinct(labels: Iterable[str]) -> list[str]:
    """The labels, each different: an empty one becomes its position `#3`, a repeated one gets `(2)` appended."""
    taken: set[str] = set()
    result = []
    for position, label in enumerate(labels, start=1):
        base = label or f"#{position}"
        candidate, repeat = base, 2
        while candidate in taken:
            candidate, repeat = f"{base} ({repeat})", repeat + 1
        taken.add(candidate)
        result.append(candidate)
    return result
