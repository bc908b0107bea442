"""How numbers in text are understood: with a decimal point, or with a decimal comma. SQL expressions over text.

Which of the two a text has is a question of its column (`decimal_marks`): `1.234` and `1,234` can be read either way.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from mmm_pipeline.ingestion.spellings.parsing import trimmed
from mmm_pipeline.storage.warehouse.dialect import DUCKDB, Dialect

__all__ = [
    "CLEAR_COMMA",
    "CLEAR_POINT",
    "EITHER",
    "DecimalMark",
    "Readings",
    "currency",
    "is_number",
    "number",
    "plain_number",
    "readings",
    "spelling",
]

DecimalMark = Literal["point", "comma"]

CLEAR_POINT, CLEAR_COMMA, EITHER = 1, 2, 3
"""Values of `spelling`: a number in one reading only, or two different numbers."""

# ISO 4217: a month or a word of three letters is no currency.
_CODE = (
    "AED|AFN|ALL|AMD|AOA|ARS|AUD|AWG|AZN|BAM|BBD|BDT|BGN|BHD|BIF|BMD|BND|BOB|BRL|BSD|BTN|BWP|BYN|BZD|CAD|CDF|CHF|CLP|"
    "CNH|CNY|COP|CRC|CUP|CVE|CZK|DJF|DKK|DOP|DZD|EGP|ERN|ETB|EUR|FJD|FKP|GBP|GEL|GHS|GIP|GMD|GNF|GTQ|GYD|HKD|HNL|HTG|"
    "HUF|IDR|ILS|INR|IQD|IRR|ISK|JMD|JOD|JPY|KES|KGS|KHR|KMF|KPW|KRW|KWD|KYD|KZT|LAK|LBP|LKR|LRD|LSL|LYD|MAD|MDL|MGA|"
    "MKD|MMK|MNT|MOP|MRU|MUR|MVR|MWK|MXN|MYR|MZN|NAD|NGN|NIO|NOK|NPR|NZD|OMR|PAB|PEN|PGK|PHP|PKR|PLN|PYG|QAR|RON|RSD|"
    "RUB|RWF|SAR|SBD|SCR|SDG|SEK|SGD|SHP|SLE|SOS|SRD|SSP|STN|SVC|SYP|SZL|THB|TJS|TMT|TND|TOP|TRY|TTD|TWD|TZS|UAH|UGX|"
    "USD|UYU|UZS|VES|VND|VUV|WST|XAF|XCD|XOF|XPF|YER|ZAR|ZMW|ZWG"
)
_CURRENCY = r"(?:[A-Z]{0,3}\p{Sc}|[A-Z]{3}|원|元|円|zł|Kč|kr)"
_NO_CURRENCY = r"^[0-9.,+\- ]*$"
_THREE_LETTERS = r"[A-Z]{3}"
_SIGN = r"[+\-\x{2212}]"
# Space, no-break space, figure space, thin space, narrow no-break space; typewriter and typographic apostrophe.
_SPACE = r"[ \x{A0}\x{2007}\x{2009}\x{202F}]"
_APOSTROPHE = r"[\x27\x{2019}]"

_MARKS: dict[DecimalMark, tuple[str, str]] = {"point": (r"\.", ","), "comma": (",", r"\.")}
_PLAIN: dict[DecimalMark, str] = {"point": r"^\d+(\.\d+)?$", "comma": r"^\d+(,\d+)?$"}
_GROUPING: dict[DecimalMark, str] = {"point": r"[^\d.eE+\-]", "comma": r"[^\d,eE+\-]"}
_NEGATIVE = r"^[^\d.,]*[\-\x{2212}(]"
_NAN = "'nan'"
_NOT_FINITE = r"^[+\-]?([Nn][Aa][Nn]|[Ii][Nn][Ff]([Ii][Nn][Ii][Tt][Yy])?)$"


def _digits(mark: DecimalMark) -> str:
    """Digits with their marks. A group of thousands never starts with 0, and scientific notation has no groups."""
    decimal, thousands = _MARKS[mark]
    groups = "|".join(rf"(?:{sign}\d{{3}})+" for sign in (thousands, _SPACE, _APOSTROPHE))
    indian = r"|[1-9]\d?(?:,\d{2})+,\d{3}" if mark == "point" else ""
    grouped = rf"(?:[1-9]\d{{0,2}}(?:{groups}){indian})(?:{decimal}\d*)?"
    return rf"(?:{grouped}|(?:\d+(?:{decimal}\d*)?|{decimal}\d+)(?:[eE][+-]?\d+)?)"


def _number(digits: str) -> str:
    """Digits with a sign or accounting parentheses, and a currency before or after."""
    before, after = f"{_CURRENCY}{_SPACE}?", f"{_SPACE}?{_CURRENCY}"
    return (
        rf"^(?:{_SIGN}?(?:{before})?{digits}|{before}{_SIGN}{digits}|{_SIGN}?{digits}{after}"
        rf"|\((?:{before})?{digits}\)|\({digits}{after}\)|{before}\({digits}\))$"
    )


_DIGITS: dict[DecimalMark, str] = {"point": _digits("point"), "comma": _digits("comma")}
_NUMBER = {mark: _number(digits) for mark, digits in _DIGITS.items()}
_EITHER = _number(r"[1-9]\d{0,2}[.,]\d{3}")
# Of a cell with a decimal mark, most are spelled so: an early answer.
_TWO_DECIMALS = r"^\d+\.\d{1,2}$"


def number(dialect: Dialect, text: str, mark: DecimalMark = "point") -> str:
    """The number written in trimmed text; NULL when it is not one.

    Accepted: digits with the decimal mark; thousands in full groups of three, separated by the other mark, by spaces or
    by apostrophes (with a decimal point also in Indian groups, `12,34,567`); an exponent; a sign or accounting
    parentheses; a currency sign or ISO code before or after; and the words for infinity and NaN. What has another
    decimal mark is no number here: `1,50` is never 150.
    """
    digits = dialect.extract(text, _DIGITS[mark])
    size = dialect.parsed_float.format(_with_point(dialect.without(digits, _GROUPING[mark]), mark))
    plain = dialect.parsed_float.format(_with_point(text, mark))
    return (
        f"CASE WHEN {dialect.match(text, _PLAIN[mark])} THEN {plain}"
        f" WHEN {dialect.match(text, _NOT_FINITE)} THEN {dialect.parsed_float.format(_NAN)}"
        f" WHEN NOT {dialect.match(text, _NUMBER[mark])} OR {_has_word(dialect, text)} THEN NULL"
        # 0 - x and not -x: a negative zero becomes zero.
        f" WHEN {dialect.match(text, _NEGATIVE)} THEN 0.0 - {size} ELSE {size} END"
    )


def _with_point(digits: str, mark: DecimalMark) -> str:
    return digits if mark == "point" else f"REPLACE({digits}, ',', '.')"


def _has_word(dialect: Dialect, text: str) -> str:
    """Whether three letters in a number are no currency. Apart from the pattern of numbers, which is compiled often."""
    return f"({dialect.match(text, _THREE_LETTERS)} AND NOT {dialect.match(text, _CODE)})"


def is_number(dialect: Dialect, text: str) -> str:
    """Whether trimmed text is a number in either reading."""
    either = " OR ".join(dialect.match(text, pattern) for pattern in _NUMBER.values())
    return f"(({either}) AND NOT {_has_word(dialect, text)})"


def currency(dialect: Dialect, text: str) -> str:
    """The currency sign or code in untrimmed text that is a number; NULL: none, or no number."""
    bare, plain = trimmed(dialect, text), f"COALESCE({text}, '')"
    return (
        f"CASE WHEN {dialect.match(plain, _NO_CURRENCY)} THEN NULL"
        f" WHEN {is_number(dialect, bare)} THEN {dialect.extract(bare, _CURRENCY)} END"
    )


def spelling(dialect: Dialect, text: str) -> str:
    """`CLEAR_POINT`, `CLEAR_COMMA` or `EITHER` of untrimmed text; NULL: no number, or the same one in both readings."""
    bare = trimmed(dialect, text)
    return (
        f"CASE WHEN STRPOS({text}, '.') = 0 AND STRPOS({text}, ',') = 0 THEN NULL"
        f" WHEN {dialect.match(text, _TWO_DECIMALS)} THEN {CLEAR_POINT}"
        f" WHEN {_has_word(dialect, bare)} THEN NULL"
        f" WHEN {dialect.match(bare, _EITHER)} THEN {EITHER}"
        f" WHEN {dialect.match(bare, _NUMBER['point'])} THEN {CLEAR_POINT}"
        f" WHEN {dialect.match(bare, _NUMBER['comma'])} THEN {CLEAR_COMMA} END"
    )


@dataclass(frozen=True)
class Readings:
    """What a text says with a decimal point and with a decimal comma; None where it is no number."""

    point: float | None
    comma: float | None


def readings(text: str) -> Readings:
    """Both readings of one text, as in a column."""
    import duckdb

    bare = f"(SELECT {trimmed(DUCKDB, '$text')} AS bare)"
    query = f"SELECT {number(DUCKDB, 'bare', 'point')}, {number(DUCKDB, 'bare', 'comma')} FROM {bare}"
    with duckdb.connect(":memory:") as connection:
        [(point, comma)] = connection.execute(query, {"text": text}).fetchall()
    return Readings(point, comma)


def plain_number(value: float) -> str:
    """A number that can be read in one way only: no thousands, `.` before decimals, and never three of them."""
    if not math.isfinite(value):
        return str(value)
    text = f"{Decimal(f'{value:.12g}'):f}"
    whole, _, decimals = text.partition(".")
    return f"{text}0" if len(decimals) == 3 and len(whole.lstrip("-")) <= 3 else text
