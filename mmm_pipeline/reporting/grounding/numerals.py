"""Numbers, percentages, amounts and dates in running text, as English and Korean readers write them."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

__all__ = ["Numeral", "numerals"]

Kind = Literal["number", "percent", "date"]

_SCALES = {
    "thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12, "mn": 1e6, "bn": 1e9,
    "k": 1e3, "K": 1e3, "M": 1e6, "B": 1e9, "T": 1e12,
    "천": 1e3, "만": 1e4, "십만": 1e5, "백만": 1e6, "천만": 1e7, "억": 1e8, "조": 1e12,
}  # fmt: skip
_MONTHS = {
    name: number
    for number, names in enumerate(
        ("Jan January", "Feb February", "Mar March", "Apr April", "May", "Jun June", "Jul July", "Aug August",
         "Sep Sept September", "Oct October", "Nov November", "Dec December"), start=1,
    )
    for name in names.split()
}  # fmt: skip
_ONES = (
    "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen",
    "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_WORDS: dict[str, float] = {
    **{word: value for value, word in enumerate(_ONES, start=2)},
    **{word: 10 * tens for tens, word in enumerate(_TENS, start=2)},
    **{"half": 0.5, "double": 2, "doubles": 2, "doubled": 2, "twice": 2},
    **{"triple": 3, "triples": 3, "tripled": 3, "thrice": 3},
}
_KOREAN_WORDS = {
    "두": 2, "세": 3, "네": 4, "다섯": 5, "여섯": 6, "일곱": 7, "여덟": 8, "아홉": 9, "열": 10, "스무": 20,
}  # fmt: skip

_MONTH = "(?:" + "|".join(sorted(_MONTHS, key=len, reverse=True)) + r")\b\.?"
_PLAIN = r"\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?"
_SUFFIX = r"\s?(?:thousand|million|billion|trillion|mn|bn)\b|[kKMBT](?![A-Za-z])|십만|백만|천만|천|만|억|조"
_CURRENCY = r"(?:USD|EUR|GBP|JPY|KRW|CNY|US\$|[$€£¥₩])\s?"
_PERCENT = r"\s?(?:%p?|percent(?:age\spoints?)?\b|퍼센트(?:포인트)?)"

_AMOUNT = re.compile(
    rf"(?P<bound>[<>≤≥]\s?)?(?:(?<![\w.])(?P<sign>[+\-−–]))?(?P<currency>{_CURRENCY}(?P<inner>[+\-−])?)?"
    rf"(?P<number>(?:{_PLAIN})(?:{_SUFFIX})?(?:\s?(?:{_PLAIN})(?:만|억|천))*)"
    rf"(?P<percent>{_PERCENT})?(?P<unit>\s?(?:원|달러))?"
)
_PART = re.compile(rf"({_PLAIN})({_SUFFIX})?")
_COMPOUND = re.compile(rf"(?:{_PLAIN})(?:조|억|만|천)(?:\s?(?:{_PLAIN})(?:억|만|천)?)+")
_PADDED = re.compile(r"0\d")  # the number of a name, not a figure
_LIST_MARKER = re.compile(r"(?m)^[ \t]*(?:[-*+][ \t]+)?\d{1,2}[.)](?=[ \t])")
_WORD = re.compile(r"\b(" + "|".join(_WORDS) + r")\b", re.IGNORECASE)
_KOREAN_WORD = re.compile(
    r"(?<![가-힣])("
    + "|".join(_KOREAN_WORDS)
    + r")\s?(?=(?:배|개|곳|가지|채널|주일|번)(?![a-z]))|(절반)(?=[가-힣\s.,])"
)


@dataclass(frozen=True)
class Numeral:
    """One number or date of a text.

    Attributes:
        text: as it is written.
        start: its position.
        kind: a plain number, a percentage, or a date.
        value: the number as written out in full (`1.2M` is 1,200,000; `34%` is 34); NaN for a date.
        tolerance: how far the exact value may lie from it and still round to what is written.
        sign: -1 or 1 where a sign is written, else 0.
        bound: `<` or `>` where it is an open end (`<0.1%`), else empty.
        is_money: whether a currency stands beside it.
        year, month, day: of a date; a part that is not written is None. An impossible date has no part.
    """

    text: str
    start: int
    kind: Kind
    value: float = math.nan
    tolerance: float = 0.0
    sign: int = 0
    bound: Literal["", "<", ">"] = ""
    is_money: bool = False
    year: int | None = None
    month: int | None = None
    day: int | None = None

    def is_near(self, exact: float) -> bool:
        """Whether `exact`, in the unit of `value`, rounds to what is written; without a sign, either sign does."""
        if not math.isfinite(exact):
            return False
        if self.bound:
            return 0 < abs(exact) < self.value if self.bound == "<" else abs(exact) > self.value
        if self.sign and exact and math.copysign(1, exact) != self.sign:
            return False
        return abs(abs(exact) - self.value) <= self.tolerance * (1 + 1e-6) + 1e-12

    def is_day(self, day: dt.date) -> bool:
        """Whether the written parts are those of `day`."""
        written = [(self.year, day.year), (self.month, day.month), (self.day, day.day)]
        return any(part is not None for part, _ in written) and all(part in (None, real) for part, real in written)


def numerals(text: str) -> list[Numeral]:
    """Every number and date of the text, in order; markers of numbered lists are none.

    Number words count too (`two`, `twice`, `두 배`), except `one`, which is mostly a pronoun.
    """
    rest = list(_LIST_MARKER.sub(lambda match: " " * len(match[0]), text))
    found: list[Numeral] = []
    for pattern, read in (*_DATES, (_COMPOUND, _compound), (_AMOUNT, _amount), (_WORD, _word), (_KOREAN_WORD, _word)):
        for match in pattern.finditer("".join(rest)):
            found.append(read(match))
            rest[match.start() : match.end()] = " " * len(match[0])
    return sorted(found, key=lambda numeral: numeral.start)


def _amount(match: re.Match[str]) -> Numeral:
    value, tolerance = _total(match["number"])
    written = match["sign"] or match["inner"] or ""
    bound = (match["bound"] or "").strip()
    return Numeral(
        match[0].strip(),
        match.start(),
        "percent" if match["percent"] else "number",
        value,
        tolerance,
        sign=0 if not written else 1 if written == "+" else -1,
        bound="<" if bound in ("<", "≤") else ">" if bound else "",
        is_money=bool(match["currency"] or match["unit"]),
    )


def _compound(match: re.Match[str]) -> Numeral:
    value, tolerance = _total(match[0])
    return Numeral(match[0], match.start(), "number", value, tolerance)


def _total(number: str) -> tuple[float, float]:
    """Value and tolerance of `1.2M`, `34`, `1억 2,345만`: the last part says how far it is rounded; `007` is NaN."""
    value, tolerance = 0.0, 0.0
    for part in _PART.finditer(number):
        scale = _SCALES[part[2].strip()] if part[2] else 1.0
        value += (math.nan if _PADDED.match(part[1]) else float(part[1].replace(",", ""))) * scale
        tolerance = _half_a_place(part[1]) * scale
    return value, tolerance


def _half_a_place(number: str) -> float:
    """Half of the last place; zeros at the end of a whole number beyond three digits may stand for rounding."""
    digits = number.replace(",", "")
    mantissa, _, exponent = digits.lower().partition("e")
    shift = int(exponent) if exponent else 0
    if "." in mantissa:
        return float(0.5 * 10.0 ** (shift - len(mantissa.partition(".")[2])))
    zeros = len(mantissa) - len(mantissa.rstrip("0"))
    return float(0.5 * 10.0 ** (shift + max(0, min(zeros, len(mantissa) - 3))))


def _word(match: re.Match[str]) -> Numeral:
    word = match[0].strip()
    value = 0.5 if word == "절반" else _KOREAN_WORDS.get(word) or _WORDS[word.lower()]
    return Numeral(word, match.start(), "number", float(value), 0.0)


def _dated(year: str | None, month: str, day: str | None, match: re.Match[str]) -> Numeral:
    number = _MONTHS.get(month.rstrip(".")) or (int(month) if month.isdigit() else 0)
    try:
        dt.date(int(year or 2000), number, int(day or 1))
    except ValueError:
        return Numeral(match[0], match.start(), "date")
    return Numeral(
        match[0], match.start(), "date", year=int(year) if year else None, month=number, day=int(day) if day else None
    )


def _date(pattern: str) -> tuple[re.Pattern[str], Callable[[re.Match[str]], Numeral]]:
    compiled = re.compile(pattern)

    def read(match: re.Match[str]) -> Numeral:
        parts = match.groupdict()
        return _dated(parts.get("y"), parts["m"], parts.get("d"), match)

    return compiled, read


def _date_patterns() -> Iterator[str]:
    day, year = r"(?P<d>\d{1,2})(?:st|nd|rd|th)?", r"(?P<y>\d{4})"
    yield rf"{year}-(?P<m>\d{{1,2}})-(?P<d>\d{{1,2}})(?!\d)"
    yield rf"{year}[./](?P<m>\d{{1,2}})[./](?P<d>\d{{1,2}})(?!\d)"
    yield rf"{year}년\s?(?P<m>\d{{1,2}})월\s?(?P<d>\d{{1,2}})일"
    yield rf"{year}년\s?(?P<m>\d{{1,2}})월"
    yield r"(?P<m>\d{1,2})월\s?(?P<d>\d{1,2})일"
    yield rf"\b{day}\s(?:of\s)?(?P<m>{_MONTH}),?\s{year}\b"
    yield rf"\b(?P<m>{_MONTH})\s{day},?\s{year}\b"
    yield rf"\b(?P<m>{_MONTH})\s{year}\b"
    yield rf"\b{day}\s(?:of\s)?(?P<m>{_MONTH})"
    yield rf"\b(?P<m>{_MONTH})\s{day}\b(?![.,]?\d)"


_DATES = tuple(_date(pattern) for pattern in _date_patterns())
