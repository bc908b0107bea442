"""How dates and periods in text are understood, as SQL expressions over text.

`03/04/2024` is a day of March or of April: which, is a question of its column (`date_columns`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mmm_pipeline.ingestion.spellings.parsing import trimmed
from mmm_pipeline.storage.warehouse.dialect import Dialect

__all__ = ["DATE_SPELLINGS", "DateReading", "DateSpelling", "DayOrder", "date_spelling", "day"]

DayOrder = Literal["day_first", "month_first"]

_TIME = r"[T ]+([01]?\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,9})?)?( ?[AaPp][Mm])?( ?(Z|UTC|[+-]\d{2}(:?\d{2})?))?$"
# There is no year 0; warehouses differ on what they make of it.
_YEAR = r"([1-9]\d{3}|0[1-9]\d{2}|00[1-9]\d|000[1-9])"
_ISO = rf"^{_YEAR}-\d{{1,2}}-\d{{1,2}}$"
_YEAR_FIRST = rf"^{_YEAR}(/\d{{1,2}}/\d{{1,2}}|\. ?\d{{1,2}}\. ?\d{{1,2}}\.?|년 ?\d{{1,2}}월 ?\d{{1,2}}일)$"
_YEAR_LAST = rf"^\d{{1,2}}(/\d{{1,2}}/|\.\d{{1,2}}\.|-\d{{1,2}}-){_YEAR}$"
_MONTH_NAME = "[A-Za-z]{3,9}"
_NAME_DAY = rf"^{_MONTH_NAME}\.? \d{{1,2}},? {_YEAR}$"
_DAY_NAME = rf"^\d{{1,2}}(\.? |-){_MONTH_NAME}(\.?,? |-){_YEAR}$"
_COMPACT = r"^(19|20|21)\d{6}(\.0)?$"
_SERIAL = r"^\d{5}(\.\d+)?$"
_WEEK = rf"^({_YEAR}[- ]?(W|KW|CW) ?\d{{1,2}}|(W|KW|CW) ?\d{{1,2}}[ /-]{_YEAR})$"
_YEAR_MONTH = rf"^{_YEAR}([-/.]|\. |년 ?)\d{{1,2}}(\.|월)?$"
_MONTH_YEAR = rf"^\d{{1,2}}[-/.]{_YEAR}$"
_NAME_MONTH = rf"^{_MONTH_NAME}\.?[ -]{_YEAR}$"
_SIX = r"^(19|20|21)\d{4}(\.0)?$"
_TO_12, _OVER_12 = r"(0?[1-9]|1[0-2])", r"(1[3-9]|[2-9]\d)"
_TWO_DIGITS, _FIRST = r"^\d{1,2}", r"^\d{1,2}[^0-9]"
_DASH = r"( +(-|\x{2013}|\x{2014}|to|bis) +| *~ *)"
_MARKS = r"[^0-9A-Za-z]+"
_DIGITS = r"[^0-9]+"

DateSpelling = Literal["day", "day_first", "month_first", "either", "serial", "week", "month", "six_week", "six"]
"""How a cell is written; `either`: day or month first; `six`: `202405`, May or the fifth week; `six_week`: `202435`."""
DATE_SPELLINGS: tuple[DateSpelling, ...] = (
    "day",
    "day_first",
    "month_first",
    "either",
    "serial",
    "week",
    "month",
    "six_week",
    "six",
)


@dataclass(frozen=True)
class DateReading:
    """What a column decides for its cells.

    Attributes:
        order: of day and month in `03/04/2024`.
        serials: bare numbers are Excel's days since the end of 1899.
        sixes: what `202405` is; None: no date.
    """

    order: DayOrder = "month_first"
    serials: bool = False
    sixes: Literal["month", "week"] | None = None


def day(dialect: Dialect, text: str, reading: DateReading | None = None) -> str:
    """The first day of what trimmed text names; NULL when it is none of the accepted spellings, or not in the calendar.

    Accepted: `2021-10-17`, `2021/10/17`, `2021. 10. 17.`, `2021년 10월 17일`, `20211017`, `10/17/2021` or `17/10/2021`
    (also with `.` or `-`; one of the two, as `reading` says), `Nov 08, 2021`, `8 November 2021`, `8-Nov-2021`, each
    with or without a time of day, which is dropped: the day is the one that is written, whatever the time zone. An ISO
    week (`2021-W42`) is its Monday, a month (`2021-10`, `Oct 2021`) its first day, and two days with a dash between
    them the first one, if they are one day, seven days or a whole month.
    """
    found = reading or DateReading()
    single = _single(dialect, text, found)
    first, last = (_single(dialect, part, found) for part in _parts(dialect, text))
    after = dialect.plus_days.format(last, "1")
    span = dialect.days_between.format(first, last)
    whole_month = f"EXTRACT(DAY FROM {first}) = 1 AND EXTRACT(DAY FROM {after}) = 1 AND {span} BETWEEN 27 AND 30"
    return (
        f"CASE WHEN {dialect.match(text, _ISO)} THEN {dialect.parsed_date.format(text, '%Y-%m-%d')}"
        f" WHEN NOT {dialect.match(text, _DASH)} THEN {single}"
        f" WHEN {span} IN (0, 6) OR ({whole_month}) THEN {first} END"
    )


def date_spelling(dialect: Dialect, text: str) -> str:
    """Position in `DATE_SPELLINGS` of untrimmed text; NULL: no date in any reading. Of two days the clearer one."""
    bare = trimmed(dialect, text)
    first, last = (_spelling(dialect, part) for part in _parts(dialect, bare))
    either = DATE_SPELLINGS.index("either")
    return (
        f"CASE WHEN NOT {dialect.match(bare, _DASH)} THEN {_spelling(dialect, bare)}"
        f" WHEN {first} = {either} THEN {last} ELSE {first} END"
    )


def _parts(dialect: Dialect, text: str) -> tuple[str, str]:
    """Both sides of a dash."""
    return dialect.without(text, f"{_DASH}.*$"), dialect.without(text, f"^.*?{_DASH}")


def _single(dialect: Dialect, text: str, reading: DateReading) -> str:
    bare = dialect.without(text, _TIME)
    digits, words = (f"TRIM({dialect.blanked.format(bare, dialect.pattern.format(it))})" for it in (_DIGITS, _MARKS))
    words = f"REPLACE({words}, 'Sept ', 'Sep ')"
    named = f"CONCAT('01 ', {words})"
    parsed = dialect.parsed_date.format
    order = "%d %m %Y" if reading.order == "day_first" else "%m %d %Y"
    cases = [
        (_ISO, parsed(bare, "%Y-%m-%d")),
        (_YEAR_FIRST, parsed(digits, "%Y %m %d")),
        (_YEAR_LAST, parsed(digits, order)),
        (_NAME_DAY, f"COALESCE({parsed(words, '%b %d %Y')}, {parsed(words, '%B %d %Y')})"),
        (_DAY_NAME, f"COALESCE({parsed(words, '%d %b %Y')}, {parsed(words, '%d %B %Y')})"),
        (_COMPACT, parsed(f"SUBSTR({bare}, 1, 8)", "%Y%m%d")),
        (_WEEK, _monday(dialect, *_year_and_week(dialect, bare))),
        (_YEAR_MONTH, parsed(f"CONCAT({digits}, ' 01')", "%Y %m %d")),
        (_MONTH_YEAR, parsed(f"CONCAT('01 ', {digits})", "%d %m %Y")),
        (_NAME_MONTH, f"COALESCE({parsed(named, '%d %b %Y')}, {parsed(named, '%d %B %Y')})"),
    ]
    if reading.serials:
        whole = dialect.parsed_integer.format(f"SUBSTR({bare}, 1, 5)")
        cases.append((_SERIAL, dialect.plus_days.format("DATE '1899-12-30'", whole)))
    if reading.sixes == "month":
        cases.append((_SIX, parsed(f"CONCAT(SUBSTR({bare}, 1, 6), '01')", "%Y%m%d")))
    elif reading.sixes == "week":
        cases.append((_SIX, _monday(dialect, f"SUBSTR({bare}, 1, 4)", f"SUBSTR({bare}, 5, 2)")))
    return f"CASE {' '.join(f'WHEN {dialect.match(bare, pattern)} THEN {value}' for pattern, value in cases)} END"


def _year_and_week(dialect: Dialect, bare: str) -> tuple[str, str]:
    return dialect.extract(bare, r"\d{4}"), dialect.extract(dialect.without(bare, r"\d{4}"), r"\d{1,2}")


def _monday(dialect: Dialect, year: str, week: str) -> str:
    """Monday of an ISO week: the week of January 4 is the first one; NULL for a week that the year does not have."""
    integer = dialect.parsed_integer.format
    fourth = dialect.parsed_date.format(f"CONCAT({year}, '-01-04')", "%Y-%m-%d")
    # The year 1 began with a Monday.
    elapsed = dialect.days_between.format("DATE '0001-01-01'", fourth)
    monday = dialect.plus_days.format(fourth, f"(7 * ({integer(week)} - 1) - MOD({elapsed}, 7))")
    thursday = dialect.plus_days.format(monday, "3")
    return f"CASE WHEN EXTRACT(YEAR FROM {thursday}) = {integer(year)} THEN {monday} END"


def _spelling(dialect: Dialect, text: str) -> str:
    bare = dialect.without(text, _TIME)
    number = {name: str(at) for at, name in enumerate(DATE_SPELLINGS)}
    digits = [f"LTRIM({dialect.extract(part, _TWO_DIGITS)}, '0')" for part in (bare, dialect.without(bare, _FIRST))]
    order = (
        f"CASE WHEN {dialect.match(bare, rf'^{_OVER_12}[^0-9]{_TO_12}[^0-9]')} THEN {number['day_first']}"
        f" WHEN {dialect.match(bare, rf'^{_TO_12}[^0-9]{_OVER_12}[^0-9]')} THEN {number['month_first']}"
        f" WHEN {dialect.match(bare, f'^{_OVER_12}')} THEN NULL"
        f" WHEN {' = '.join(digits)} THEN {number['day']} ELSE {number['either']} END"
    )
    is_week = dialect.match(bare, rf"^\d{{4}}{_OVER_12}")
    six = f"CASE WHEN {is_week} THEN {number['six_week']} ELSE {number['six']} END"
    cases = [
        (_ISO, number["day"]),
        (_YEAR_FIRST, number["day"]),
        (_YEAR_LAST, order),
        (_NAME_DAY, number["day"]),
        (_DAY_NAME, number["day"]),
        (_COMPACT, number["day"]),
        (_SERIAL, number["serial"]),
        (_WEEK, number["week"]),
        (_YEAR_MONTH, number["month"]),
        (_MONTH_YEAR, number["month"]),
        (_NAME_MONTH, number["month"]),
        (_SIX, six),
    ]
    listed = " ".join(f"WHEN {dialect.match(bare, pattern)} THEN {value}" for pattern, value in cases)
    return f"CASE {listed} END"
