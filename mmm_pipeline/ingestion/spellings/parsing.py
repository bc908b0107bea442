"""How dates and names in text are understood, as SQL expressions over text."""

from __future__ import annotations

from mmm_pipeline.settings.plain_names import INVISIBLE, NARROW, SPACE, WIDE
from mmm_pipeline.storage.warehouse.dialect import Dialect

__all__ = ["day", "finite_number", "name", "trimmed"]

# Invisible characters that spreadsheets and web pages leave around text; \s alone is ASCII only.
_SPACE = r"[\s\p{Z}\p{Cc}\x{200B}\x{2060}\x{FEFF}]"
_CLEAN_ASCII = r"^[!-~]([ -~]*[!-~])?$"
_PLAIN_ASCII = r"^[!-~]+( [!-~]+)*$"

_TIME = r"[T ]+([01]?\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,9})?)?( ?[AaPp][Mm])?( ?(Z|UTC|[+-]\d{2}(:?\d{2})?))?$"
# There is no year 0; warehouses differ on what they make of it.
_YEAR = r"([1-9]\d{3}|0[1-9]\d{2}|00[1-9]\d|000[1-9])"
_DATE_SPELLINGS = (
    (rf"^{_YEAR}-\d{{1,2}}-\d{{1,2}}$", "%Y-%m-%d"),
    (rf"^\d{{1,2}}/\d{{1,2}}/{_YEAR}$", "%m/%d/%Y"),
    (rf"^[A-Za-z]{{3}} \d{{1,2}}, {_YEAR}$", "%b %d, %Y"),
    (rf"^[A-Za-z]{{4,9}} \d{{1,2}}, {_YEAR}$", "%B %d, %Y"),
    (rf"^{_YEAR}/\d{{1,2}}/\d{{1,2}}$", "%Y/%m/%d"),
)


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


def finite_number(dialect: Dialect, value: str) -> str:
    """Whether a number is neither infinite nor NaN."""
    return dialect.is_finite.format(value)
