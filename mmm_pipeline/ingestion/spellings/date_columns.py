"""How a column of text writes its dates: day or month first, numbers, weeks, months: decided from all of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from mmm_pipeline.errors import CampaignDataError
from mmm_pipeline.ingestion.sources.staging import Staging
from mmm_pipeline.ingestion.spellings.dates import (
    DATE_SPELLINGS,
    DateReading,
    DateSpelling,
    DayOrder,
    day,
    spelled_cells,
)
from mmm_pipeline.ingestion.spellings.parsing import trimmed
from mmm_pipeline.ingestion.spellings.text_columns import TextColumns
from mmm_pipeline.settings.sources import DateOrderSetting
from mmm_pipeline.storage.warehouse.dialect import DUCKDB

__all__ = ["DateColumn", "OrderSetting", "date_column", "staged_date_column"]

_LONGEST = 40
_DOTTED = "^[0-9]+[.]"
_WORDS: Mapping[DayOrder, str] = {"day_first": "day first", "month_first": "month first"}
_STEPS: Mapping[DateSpelling, str] = {
    **dict.fromkeys(("week", "six_week"), "week"),
    **dict.fromkeys(("year_month", "month_year", "name_month"), "month"),
}
_NAMES = {"day": "days", "week": "weeks", "month": "months"}


@dataclass(frozen=True)
class DateColumn:
    """What was decided.

    Attributes:
        reading: how the cells are read.
        notes: a sentence about each decision that a reader should know of.
    """

    reading: DateReading
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class OrderSetting:
    """What the settings say: the order, and the name of the setting."""

    value: DateOrderSetting
    key: str


@dataclass(frozen=True)
class _Cell:
    """How often a spelling was seen, and its smallest text."""

    count: int
    text: str


def date_column(texts: TextColumns, position: int, setting: OrderSetting) -> DateColumn:
    """Decide how the cells of a column are read.

    A cell such as `13/5/2024` is a day in one order only and decides for its column. Where no cell is that clear,
    dates with dots are read with the day first, which all who write dots do; others are refused.

    Args:
        texts: the source.
        position: of the column.
        setting: what the settings say.

    Raises:
        CampaignDataError: the column is written in both orders, or can be read in both and nothing tells which; it
            mixes days, weeks and months; or `202405` can be a month and a week.
    """
    seen, has_times, has_ranges = _seen(texts, position)
    _require_one_step(texts, position, seen)
    order, notes = _order(texts, position, seen, setting)
    sixes = _sixes(texts, position, seen)
    serials = bool(seen) and set(seen) == {"serial"}
    if serials:
        notes.append(
            f"{texts.headers[position]!r}: bare numbers are read as Excel's days since the end of 1899, "
            f"{_text(seen['serial'])} is {_read(seen['serial'].text, DateReading(serials=True))}"
        )
    weeks = seen.get("week") or seen.get("six_week")
    reading = DateReading(order, serials, sixes, frozenset(seen), has_times, has_ranges)
    if weeks is not None:
        notes.append(
            f"{texts.headers[position]!r}: ISO weeks, each known by its Monday: {_text(weeks)} begins on "
            f"{_read(weeks.text, reading)}"
        )
    return DateColumn(reading, tuple(notes))


def staged_date_column(
    staging: Staging, headers: Sequence[str], position: int, *, setting: OrderSetting, where: str
) -> DateColumn:
    """`date_column` of a source in staging; `headers`: of every column, `where`: the source, for messages."""

    def query(sql: str) -> list[tuple[Any, ...]]:
        return staging.connection.execute(sql).fetchall()

    return date_column(TextColumns(query, DUCKDB, "source", headers, where, "source", staging.place), position, setting)


def _seen(texts: TextColumns, position: int) -> tuple[dict[DateSpelling, _Cell], bool, bool]:
    """Every spelling of the column with its count; whether some cells have times, and whether some are ranges.

    The same text is looked at once.
    """
    cells = f"SELECT c{position} AS cell, COUNT(*) AS cells FROM {texts.all_cells} GROUP BY c{position}"
    rows = texts.query(f"""
        SELECT spelling, SUM(cells), MIN(cell), MAX(CASE WHEN is_timed THEN 1 ELSE 0 END),
            MAX(CASE WHEN is_range THEN 1 ELSE 0 END)
        FROM ({spelled_cells(texts.dialect, cells)}) AS spelled
        WHERE spelling IS NOT NULL GROUP BY spelling ORDER BY spelling""")
    seen = {DATE_SPELLINGS[int(row[0])]: _Cell(int(row[1]), str(row[2])) for row in rows}
    return seen, any(row[3] for row in rows), any(row[4] for row in rows)


def _order(
    texts: TextColumns, position: int, seen: Mapping[DateSpelling, _Cell], setting: OrderSetting
) -> tuple[DayOrder, list[str]]:
    header, either = texts.headers[position], seen.get("either")
    if setting.value != "auto":
        unclear = [f"{header!r}: read with the {_WORDS[setting.value]} ({setting.key})"]
        return setting.value, unclear if either or setting.value in seen else []
    day_first, month_first = seen.get("day_first"), seen.get("month_first")
    if day_first and month_first:
        raise CampaignDataError(
            f"{texts.where}: {header!r} has dates in both orders: {_first(texts, position, 'day_first')} has the day "
            f"first, {_first(texts, position, 'month_first')} the month. Write the column in one way, or set "
            f"{setting.key} to day_first or month_first: what is written in the other way is then refused"
        )
    if day_first:
        return "day_first", [f"{header!r}: read with the day first, because {_text(day_first)} can be read so only"]
    if month_first or not either:
        return "month_first", []
    if _all_dotted(texts, position):
        first = _read(either.text, DateReading("day_first"))
        return "day_first", [f"{header!r}: dates with dots are read with the day first, {_text(either)} is {first}"]
    raise CampaignDataError(_both_readings(texts, position, setting))


def _all_dotted(texts: TextColumns, position: int) -> bool:
    either = _of_spelling(texts, position, "either")
    [(others,)] = texts.query(
        f"SELECT COUNT(*) FROM ({either}) AS either WHERE NOT {texts.dialect.match('bare', _DOTTED)}"
    )
    return not others


def _of_spelling(texts: TextColumns, position: int, spelling: DateSpelling) -> str:
    """SELECT statement: `line_number`, `cell` and `bare` of the cells of a spelling."""
    cells = f"SELECT line_number, c{position} AS cell FROM {texts.all_cells}"
    return (
        f"SELECT line_number, cell, bare FROM ({spelled_cells(texts.dialect, cells)}) AS spelled "
        f"WHERE spelling = {DATE_SPELLINGS.index(spelling)}"
    )


def _both_readings(texts: TextColumns, position: int, setting: OrderSetting) -> str:
    """Both readings of a cell and of the whole column."""
    bare = trimmed(texts.dialect, f"c{position}")
    told = {}
    example = _first_text(texts, position, "either")
    for order, words in _WORDS.items():
        reading = DateReading(order, spellings=frozenset({"either", "same"}))
        value = day(texts.dialect, "bare", reading)
        [(first, last, days)] = texts.query(
            f"SELECT MIN(day), MAX(day), COUNT(DISTINCT day) FROM (SELECT {value} AS day FROM "
            f"(SELECT {bare} AS bare FROM {texts.all_cells}) AS trimmed) AS parsed"
        )
        told[order] = (
            f"  {words} ({setting.key}: {order}): {_in_words(_read(example, reading))}; the column has {int(days):,} "
            f"date(s) from {first} to {last}"
        )
    shown = _first(texts, position, "either")
    return "\n".join(
        [
            f"{texts.where}: dates of {texts.headers[position]!r} can be read in two ways. {shown} is",
            *told.values(),
            f"  Say which in {setting.key}, or write dates as 2024-01-31",
        ]
    )


def _sixes(texts: TextColumns, position: int, seen: Mapping[DateSpelling, _Cell]) -> Literal["month", "week"] | None:
    """What `202405` is: a week where some number is too large for a month; a month where several years have no such."""
    if "six_week" in seen:
        return "week"
    if "six" not in seen:
        return None
    six = _of_spelling(texts, position, "six")
    [(years,)] = texts.query(f"SELECT COUNT(DISTINCT SUBSTR(bare, 1, 4)) FROM ({six}) AS six")
    if years > 1:
        return "month"
    text = seen["six"].text.strip()
    month, week = (_read(text, DateReading(sixes=it)) for it in ("month", "week"))
    raise CampaignDataError(
        f"{texts.where}: {texts.headers[position]!r} can be read in two ways: {_first(texts, position, 'six')} is the "
        f"month from {month}, or the week from {week}. Write months as {text[:4]}-{text[4:6]} or weeks as "
        f"{text[:4]}-W{text[4:6]}"
    )


def _require_one_step(texts: TextColumns, position: int, seen: Mapping[DateSpelling, _Cell]) -> None:
    """Raises CampaignDataError: some cells name a day, others a week or a month."""
    steps: dict[str, DateSpelling] = {}
    for spelling in seen:
        if spelling not in ("six", "serial"):
            steps.setdefault(_STEPS.get(spelling, "day"), spelling)
    if len(steps) < 2:
        return
    listed = " and ".join(f"{_NAMES[step]} ({_first(texts, position, spelling)})" for step, spelling in steps.items())
    raise CampaignDataError(
        f"{texts.where}: {texts.headers[position]!r} mixes {listed}: write every date of the column in the same step"
    )


def _first(texts: TextColumns, position: int, spelling: DateSpelling) -> str:
    """The first cell of a spelling, ready to be shown, with its place where lines are known."""
    line, text = _first_of(texts, position, spelling)
    return _shown(text) + ("" if line is None else f" ({texts.place(line)})")


def _first_text(texts: TextColumns, position: int, spelling: DateSpelling) -> str:
    return _first_of(texts, position, spelling)[1]


def _first_of(texts: TextColumns, position: int, spelling: DateSpelling) -> tuple[int | None, str]:
    found = _of_spelling(texts, position, spelling)
    [(line, text)] = texts.query(f"SELECT line_number, cell FROM ({found}) AS found ORDER BY line_number, cell LIMIT 1")
    return line, str(text)


def _read(text: str, reading: DateReading) -> dt.date | None:
    """What one text says in a reading."""
    import duckdb

    query = f"SELECT {day(DUCKDB, 'bare', reading)} FROM (SELECT {trimmed(DUCKDB, '$text')} AS bare)"
    with duckdb.connect(":memory:") as connection:
        [(found,)] = connection.execute(query, {"text": text}).fetchall()
    return found if isinstance(found, dt.date) else None


def _in_words(date: dt.date | None) -> str:
    return "no date" if date is None else f"{date.day} {date:%B %Y}"


def _text(cell: _Cell) -> str:
    return _shown(cell.text)


def _shown(text: str) -> str:
    text = text.strip()
    return repr(text if len(text) <= _LONGEST else text[:_LONGEST] + "…")
