"""What SQL warehouses spell differently, so that every query here is written once.

The text of a query is the same everywhere; a `Dialect` fills in the few expressions that have no common spelling.
Regular expressions are RE2 in DuckDB and in BigQuery.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["DUCKDB", "Dialect", "day", "finite_number", "name", "number", "trimmed"]


@dataclass(frozen=True)
class Dialect:
    """Spellings; `{}` stands for the operands, SQL expressions each.

    Attributes:
        parameter: a named parameter.
        pattern: a regular expression as a literal.
        matches: (text, pattern) -> whether the pattern is found.
        replaced: (text, pattern) -> text without all that matches.
        extracted: (text, pattern) -> first match, or NULL.
        parsed_date: (text, strptime format) -> date, NULL where it does not parse.
        parsed_float: (text) -> double, NULL where it does not parse.
        is_finite: (double) -> neither infinite nor NaN.
        composed: (text) -> Unicode NFC.
        fingerprint: (columns) -> hash of a row.
        json_object: (key, value, ...) -> JSON text.
        days: (first, last) -> table function: one row per day, both ends included.
        exact_sum: (double) -> sum with compensated rounding, so that the order of the rows hardly matters.
    """

    parameter: str
    pattern: str
    matches: str
    replaced: str
    extracted: str
    parsed_date: str
    parsed_float: str
    is_finite: str
    composed: str
    fingerprint: str
    json_object: str
    days: str
    exact_sum: str

    def match(self, text: str, pattern: str) -> str:
        return self.matches.format(text, self.pattern.format(pattern))

    def without(self, text: str, pattern: str) -> str:
        return self.replaced.format(text, self.pattern.format(pattern))

    def extract(self, text: str, pattern: str) -> str:
        return self.extracted.format(text, self.pattern.format(pattern))

    def hashed(self, columns: Sequence[str]) -> str:
        return self.fingerprint.format(", ".join(columns))


DUCKDB = Dialect(
    parameter="${}",
    pattern="'{}'",
    matches="regexp_matches({}, {})",
    replaced="regexp_replace({}, {}, '', 'g')",
    extracted="nullif(regexp_extract({}, {}), '')",
    parsed_date="CAST(try_strptime({}, '{}') AS DATE)",
    parsed_float="TRY_CAST({} AS DOUBLE)",
    is_finite="isfinite({})",
    composed="nfc_normalize({})",
    fingerprint="hash({})",
    json_object="CAST(json_object({}) AS VARCHAR)",
    days="(SELECT CAST(unnest(generate_series({}, {}, INTERVAL 1 DAY)) AS DATE) AS day)",
    exact_sum="fsum({})",
)

# Invisible characters that spreadsheets and web pages leave around text; \s alone is ASCII only.
_SPACE = r"[\s\p{Z}\p{Cc}\x{200B}\x{2060}\x{FEFF}]"
_CLEAN_ASCII = r"^[!-~]([ -~]*[!-~])?$"

_TIME = r"[T ]+([01]?\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,9})?)?( ?[AaPp][Mm])?( ?(Z|UTC|[+-]\d{2}(:?\d{2})?))?$"
_DATE_SPELLINGS = (
    (r"^\d{4}-\d{1,2}-\d{1,2}$", "%Y-%m-%d"),
    (r"^\d{1,2}/\d{1,2}/\d{4}$", "%m/%d/%Y"),
    (r"^[A-Za-z]{3} \d{1,2}, \d{4}$", "%b %d, %Y"),
    (r"^[A-Za-z]{4,9} \d{1,2}, \d{4}$", "%B %d, %Y"),
    (r"^\d{4}/\d{1,2}/\d{1,2}$", "%Y/%m/%d"),
)

_PLAIN_NUMBER = r"^\d+(\.\d+)?$"
# A group of thousands never starts with 0, so that a decimal comma (0,500) is not read as thousands.
_DIGITS = r"([1-9]\d{0,2}(,\d{3})+(\.\d*)?|\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?"
_SIGN = r"[+\-\x{2212}]"
_CURRENCY = r"([A-Z]{0,3}\p{Sc}|원)"
_NUMBER = (
    rf"^({_SIGN}?({_CURRENCY} ?)?{_DIGITS}|{_CURRENCY} ?{_SIGN}{_DIGITS}|{_SIGN}?{_DIGITS} ?{_CURRENCY}"
    rf"|\(({_CURRENCY} ?)?{_DIGITS}\)|{_CURRENCY} ?\({_DIGITS}\))$"
)
_NEGATIVE = r"^[^\d.]*[\-\x{2212}(]"
_NAN = "'nan'"
_NOT_FINITE = r"^[+\-]?([Nn][Aa][Nn]|[Ii][Nn][Ff]([Ii][Nn][Ii][Tt][Yy])?)$"


def trimmed(dialect: Dialect, text: str) -> str:
    """Text without spaces around it, Unicode's too; '' for NULL."""
    text = f"COALESCE({text}, '')"
    bare = dialect.without(text, f"^{_SPACE}+|{_SPACE}+$")
    return f"CASE WHEN {dialect.match(text, _CLEAN_ASCII)} THEN {text} ELSE {bare} END"


def name(dialect: Dialect, text: str) -> str:
    """A trimmed name in composed form, so that names that look the same are the same; NULL when blank."""
    return f"NULLIF({dialect.composed.format(trimmed(dialect, text))}, '')"


def day(dialect: Dialect, text: str) -> str:
    """The day written in trimmed text; NULL when it is none of the accepted spellings, or no day of the calendar.

    Accepted: `2021-10-17`, `10/17/2021` (month first), `Nov 08, 2021`, `November 8, 2021`, `2021/10/17`, each with or
    without a time of day, which is dropped: the day is the one that is written, whatever the time zone.
    """
    bare = dialect.without(text, _TIME)
    cases = " ".join(
        f"WHEN {dialect.match(bare, pattern)} THEN {dialect.parsed_date.format(bare, spelling)}"
        for pattern, spelling in _DATE_SPELLINGS
    )
    return f"CASE {cases} END"


def number(dialect: Dialect, text: str) -> str:
    """The number written in trimmed text; NULL when it is not one.

    Accepted: digits with a decimal point, thousands separated by commas in full groups of three, an exponent, a sign or
    accounting parentheses, a currency sign before or after; and the words for infinity and NaN. A decimal comma is not
    a number here: `1,50` must never be read as 150.
    """
    digits = f"REPLACE({dialect.extract(text, _DIGITS)}, ',', '')"
    size = dialect.parsed_float.format(digits)
    return (
        f"CASE WHEN {dialect.match(text, _PLAIN_NUMBER)} THEN {dialect.parsed_float.format(text)}"
        f" WHEN {dialect.match(text, _NOT_FINITE)} THEN {dialect.parsed_float.format(_NAN)}"
        f" WHEN NOT {dialect.match(text, _NUMBER)} THEN NULL"
        # 0 - x and not -x: a negative zero becomes zero.
        f" WHEN {dialect.match(text, _NEGATIVE)} THEN 0.0 - {size} ELSE {size} END"
    )


def finite_number(dialect: Dialect, value: str) -> str:
    """Whether a number is neither infinite nor NaN."""
    return dialect.is_finite.format(value)
