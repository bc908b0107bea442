"""Korean particles by the last sound of what stands before them, which may be a name or a number from the data."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["with_particles"]

_PAIRS = {
    "이(가)": ("이", "가"),
    "을(를)": ("을", "를"),
    "은(는)": ("은", "는"),
    "와(과)": ("과", "와"),
    "(으)로": ("으로", "로"),
}
"""As written in a phrase -> after a final consonant, after a vowel."""
_WRITTEN = re.compile("|".join(map(re.escape, _PAIRS)))
_TAIL = re.compile(r"[\s*_`\"'’”\\\u2069]+\Z")
_BRACKETS = re.compile(r"\s*\([^()]*\)\Z")
_NUMBER = re.compile(r"\d[\d,]*(\.\d+)?\Z")
_UNITS = {"%": "트", "k": "케이", "M": "엠", "B": "비", "T": "티", "₩": "원", "$": "러", "€": "로"}
_DIGITS = dict(zip("0123456789", "영일이삼사오육칠팔구", strict=True))
_TENS = ("십", "백", "천", "만", "십", "백", "천", "억", "십", "백", "천", "조")
"""What a whole number with so many zeros at its end ends in, from one zero on."""
_LETTERS = {
    **dict.fromkeys("lL", "엘"),
    **dict.fromkeys("mM", "엠"),
    **dict.fromkeys("nN", "엔"),
    **dict.fromkeys("rR", "알"),
}
_CLOSED = re.compile(r"(?:ng|[mn]e?|[bckp]|[aeiou]t)\Z", re.IGNORECASE)
_LIQUID = re.compile(r"(?:ll?|le)\Z", re.IGNORECASE)
_RIEUL = 8  # place of ㄹ among the final consonants


def with_particles(text: str) -> str:
    """The text with each `이(가)`, `을(를)`, `은(는)`, `와(과)`, `(으)로` replaced by the form that belongs there.

    Latin words are judged by their spelling, which is right for most; capitals are read letter by letter.
    """
    parts, start = [], 0
    for match in _WRITTEN.finditer(text):
        parts.append(text[start : match.start()])
        start = match.end()
        final = _final(parts[-1] if parts[-1].strip() else "".join(parts))
        closed, opened = _PAIRS[match[0]]
        takes_open = final == 0 or (match[0] == "(으)로" and final == _RIEUL)
        parts.append(opened if takes_open else closed)
    return "".join([*parts, text[start:]])


def _final(text: str) -> int:
    """The final consonant of the last syllable as it is read: 0 none, `_RIEUL` ㄹ, else another."""
    before = _TAIL.sub("", text)
    while (shorter := _TAIL.sub("", _BRACKETS.sub("", before))) != before and shorter:
        before = shorter
    if not before:
        return 0
    last = before[-1]
    if "가" <= last <= "힣":
        return (ord(last) - ord("가")) % 28
    if last in _UNITS and (last == "%" or before[-2:-1].isdigit()):
        return _final(_UNITS[last])
    number = _NUMBER.search(before)
    if number:
        return _final(_reading(number[0]))
    word = re.search(r"[A-Za-z]+\Z", before)
    if word is None:
        return 1 if unicodedata.category(last).startswith("L") else 0
    if word[0].isupper():
        return _final(_LETTERS.get(last, "이"))
    return _RIEUL if _LIQUID.search(word[0]) else 1 if _CLOSED.search(word[0]) else 0


def _reading(number: str) -> str:
    """The last syllable of a number."""
    digits = number.replace(",", "")
    zeros = len(digits) - len(digits.rstrip("0"))
    if "." in digits or zeros == 0 or not digits.strip("0"):
        return _DIGITS[digits[-1]]
    return _TENS[min(zeros, len(_TENS)) - 1]
