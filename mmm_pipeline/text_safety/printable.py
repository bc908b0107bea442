"""Text that is safe to print: nothing in a name or a message can steer a terminal or reorder a line."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["NOT_SHOWN", "VISIBLE_JOINERS", "printable", "printable_json"]

VISIBLE_JOINERS = frozenset("\u200d\ufe0e\ufe0f")
"""Joiners inside emoji: invisible, but what they join looks different without them."""
NOT_SHOWN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories without a glyph: control and format characters (bidirectional marks are among them), surrogates,
private and unassigned code points, line and paragraph separators."""

_PLAIN = re.compile(r"[ -~\n\t]*\Z")
_STEERING = re.compile(
    "[\x7f-\x9f\xad\u061c\u200b\u200c\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
)


def printable(text: str) -> str:
    """The text without characters that have no glyph; line breaks, tabs and joiners stay.

    An escape sequence loses its first character and becomes readable: `ESC[31m` is shown as `[31m`.
    """
    if _PLAIN.match(text):
        return text
    return "".join(
        character
        for character in text
        if character in "\n\t" or character in VISIBLE_JOINERS or unicodedata.category(character) not in NOT_SHOWN
    )


def printable_json(text: str) -> str:
    r"""JSON text of `json.dumps`, with what has no glyph escaped as `\uXXXX`, so that no value changes."""
    return _STEERING.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
