"""How dates and periods in text are understood, as SQL expressions over text.

`03/04/2024` is a day of March or of April: which, is a question of its column (`date_columns`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from mmm_pipeline.ingestion.spellings.parsing import trimmed
from mmm_pipeline.storage.warehouse.dialect import Dialect

__all__ = ["DATE_SPELLINGS", "DateReading", "DateSpelling", "DayOrder", "day", "spelled_cells"]

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
# What a year stands last in is one pattern, whichever of day and month comes first.
_PATTERNS: Mapping[str, str] = {
    "iso": _ISO,
    "year_first": _YEAR_FIRST,
    "year_last": _YEAR_LAST,
    "name_day": _NAME_DAY,
    "day_name": _DAY_NAME,
    "compact": _COMPACT,
    "serial": _SERIAL,
    "week": _WEEK,
    "year_month": _YEAR_MONTH,
    "month_year": _MONTH_YEAR,
    "name_month": _NAME_MONTH,
    "six": _SIX,
}

DateSpelling = Literal[
    "iso", "year_first", "day_first", "month_first", "either", "same", "name_day", "day_name", "compact", "serial",
    "week", "year_month", "month_year", "name_month", "six_week", "six",
]  # fmt: skip
"""How a cell is written. `day_first`, `month_first`, `either` (day or month first) and `same` (day and month are equal)
have the year last; `six_week` is `202435`, and `six` is `202405`: May, or the fifth week."""
DATE_SPELLINGS: tuple[DateSpelling, ...] = get_args(DateSpelling)

_PATTERN_OF: Mapping[DateSpelling, str] = {
    **dict.fromkeys(("day_first", "month_first", "either", "same"), "year_last"),
    "six_week": "six",
}


@dataclass(frozen=True)
class DateReading:
    """What a column decides for its cells.

    Attributes:
        order: of day and month in `03/04/2024`.
        serials: bare numbers are Excel's days since the end of 1899.
        sixes: what `202405` is; None: no date.
        spellings: what the column has, so that nothing else is looked for.
        has_times: some cells have a time of day.
        has_ranges: some cells are two days with a dash between them.
    """

    order: DayOrder = "month_first"
    serials: bool = False
    sixes: Literal["month", "week"] | None = None
    spellings: frozenset[DateSpelling] = field(default=frozenset(DATE_SPELLINGS), compare=False)
    has_times: bool = field(default=True, compare=False)
    has_ranges: bool = field(default=True, compare=False)


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
    if not found.has_ranges:
        return single
    first = _single(dialect, dialect.without(text, f"{_DASH}.*$"), found)
    last = _single(dialect, dialect.without(text, f"^.*?{_DASH}"), found)
    after = dialect.plus_days.format("last_day", "1")
    span = dialect.days_between.format("first_day", "last_day")
    whole_month = f"EXTRACT(DAY FROM first_day) = 1 AND EXTRACT(DAY FROM {after}) = 1 AND {span} BETWEEN 27 AND 30"
    return (
        f"CASE WHEN NOT {dialect.match(text, _DASH)} THEN {single} ELSE (SELECT CASE WHEN {span} IN (0, 6)"
        f" OR ({whole_month}) THEN first_day END FROM (SELECT {first} AS first_day, {last} AS last_day) AS ends) END"
    )


def spelled_cells(dialect: Dialect, cells: str) -> str:
    """SELECT statement: how cells are written.

    Columns are those of `cells`, and `bare` (trimmed), `is_range`, `is_timed` and `spelling`, a position in
    `DATE_SPELLINGS`; NULL: no date in any reading. Of two days with a dash between them it is that of the clearer one.

    Args:
        dialect: of the statement.
        cells: SELECT statement with a column `cell`.
    """
    number: dict[str, str] = {name: str(at) for at, name in enumerate(DATE_SPELLINGS)}
    head, tail = dialect.without("bare", f"{_DASH}.*$"), dialect.without("bare", f"^.*?{_DASH}")
    # In layers, because an expression that stands in another one is worked out wherever it stands.
    return f"""
        SELECT *, CASE WHEN is_range AND head_spelling = {number["either"]} AND tail_order IS NOT NULL
            THEN tail_order ELSE head_spelling END AS spelling
        FROM (
            SELECT *, head <> timed_head AS is_timed, {_spelling(dialect, "head", number)} AS head_spelling,
                CASE WHEN is_range THEN {_order(dialect, "tail", number)} END AS tail_order
            FROM (
                SELECT *, {dialect.without("timed_head", _TIME)} AS head, {dialect.without("timed_tail", _TIME)} AS tail
                FROM (
                    SELECT *, CASE WHEN is_range THEN {head} ELSE bare END AS timed_head,
                        CASE WHEN is_range THEN {tail} ELSE '' END AS timed_tail
                    FROM (
                        SELECT *, {dialect.match("bare", _DASH)} AS is_range
                        FROM (SELECT *, {trimmed(dialect, "cell")} AS bare FROM ({cells}) AS cells) AS trimmed_cells
                    ) AS ranges
                ) AS parts
            ) AS untimed
        ) AS spelled"""


def _single(dialect: Dialect, text: str, reading: DateReading) -> str:
    bare = dialect.without(text, _TIME) if reading.has_times else text
    digits, words = (f"TRIM({dialect.blanked.format(bare, dialect.pattern.format(it))})" for it in (_DIGITS, _MARKS))
    words = f"REPLACE({words}, 'Sept ', 'Sep ')"
    named = f"CONCAT('01 ', {words})"
    parsed = dialect.parsed_date.format
    order = "%d %m %Y" if reading.order == "day_first" else "%m %d %Y"
    values = {
        "iso": parsed(bare, "%Y-%m-%d"),
        "year_first": parsed(digits, "%Y %m %d"),
        "year_last": parsed(digits, order),
        "name_day": f"COALESCE({parsed(words, '%b %d %Y')}, {parsed(words, '%B %d %Y')})",
        "day_name": f"COALESCE({parsed(words, '%d %b %Y')}, {parsed(words, '%d %B %Y')})",
        "compact": parsed(f"SUBSTR({bare}, 1, 8)", "%Y%m%d"),
        "week": _monday(dialect, *_year_and_week(dialect, bare)),
        "year_month": parsed(f"CONCAT({digits}, ' 01')", "%Y %m %d"),
        "month_year": parsed(f"CONCAT('01 ', {digits})", "%d %m %Y"),
        "name_month": f"COALESCE({parsed(named, '%d %b %Y')}, {parsed(named, '%d %B %Y')})",
    }
    if reading.serials:
        whole = dialect.parsed_integer.format(f"SUBSTR({bare}, 1, 5)")
        values["serial"] = dialect.plus_days.format("DATE '1899-12-30'", whole)
    if reading.sixes == "month":
        values["six"] = parsed(f"CONCAT(SUBSTR({bare}, 1, 6), '01')", "%Y%m%d")
    elif reading.sixes == "week":
        values["six"] = _monday(dialect, f"SUBSTR({bare}, 1, 4)", f"SUBSTR({bare}, 5, 2)")
    wanted = {_PATTERN_OF.get(spelling, spelling) for spelling in reading.spellings}
    cases = [
        f"WHEN {dialect.match(bare, pattern)} THEN {values[name]}"
        for name, pattern in _PATTERNS.items()
        if name in values and name in wanted
    ]
    return f"CASE {' '.join(cases)} END" if cases else dialect.null("date")


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


def _spelling(dialect: Dialect, bare: str, number: Mapping[str, str]) -> str:
    digits = [f"LTRIM({dialect.extract(part, _TWO_DIGITS)}, '0')" for part in (bare, dialect.without(bare, _FIRST))]
    order = (
        f"COALESCE({_order(dialect, bare, number)}, CASE WHEN {dialect.match(bare, f'^{_OVER_12}')} THEN NULL"
        f" WHEN {' = '.join(digits)} THEN {number['same']} ELSE {number['either']} END)"
    )
    is_week = dialect.match(bare, rf"^\d{{4}}{_OVER_12}")
    values = {
        **number,
        "year_last": order,
        "six": f"CASE WHEN {is_week} THEN {number['six_week']} ELSE {number['six']} END",
    }
    listed = " ".join(f"WHEN {dialect.match(bare, pattern)} THEN {values[name]}" for name, pattern in _PATTERNS.items())
    return f"CASE {listed} END"


def _order(dialect: Dialect, bare: str, number: Mapping[str, str]) -> str:
    """The order that a date with the year last can have only; NULL: both, or none."""
    return (
        f"CASE WHEN {dialect.match(bare, rf'^{_OVER_12}[^0-9]{_TO_12}[^0-9]')} THEN {number['day_first']}"
        f" WHEN {dialect.match(bare, rf'^{_TO_12}[^0-9]{_OVER_12}[^0-9]')} THEN {number['month_first']} END"
    )
