"""A table of any shape, looked at once: what each column holds, and the dates of the one that has them."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mmm_pipeline.errors import CampaignDataError
from mmm_pipeline.ingestion.sources.headers import WantedColumns
from mmm_pipeline.ingestion.sources.opening import stage_file
from mmm_pipeline.ingestion.sources.staging import Staging, staging_area
from mmm_pipeline.ingestion.sources.workbooks.workbook import XLSX, visible_sheets
from mmm_pipeline.ingestion.spellings.date_columns import OrderSetting, staged_date_column
from mmm_pipeline.ingestion.spellings.dates import DATE_SPELLINGS, day, spelled_cells
from mmm_pipeline.ingestion.spellings.decimal_marks import MarkSetting, staged_decimal_marks
from mmm_pipeline.ingestion.spellings.number_formats import DecimalMark, is_number, number
from mmm_pipeline.ingestion.spellings.parsing import trimmed, without_missing
from mmm_pipeline.settings.sources import DateOrderSetting, DecimalSetting
from mmm_pipeline.storage.scratch import scratch_folder
from mmm_pipeline.storage.warehouse.dialect import DUCKDB

__all__ = ["ColumnProfile", "TableProfile", "profile_file"]

_ANYTHING = WantedColumns({}, "", "source.sheet")
_MOSTLY = 0.95
_TEXTS_KEPT = 200
_DATE_HEADER = r"date|day|week|month|time|period|datum|tag|woche|monat|일자|날짜|주차|기간|created|reporting"
_CELLS_LOOKED_AT = 500

Holds = Literal["date", "number", "text", "nothing"]


@dataclass(frozen=True)
class ColumnProfile:
    """What a column holds.

    Attributes:
        header: as the source spells it.
        position: from 0.
        holds: mostly what.
        filled: cells with a value.
        distinct: different values among them.
        texts: the different values where they are few; else empty.
        least: smallest number; None where it holds none.
        most: largest number.
        total: sum of the numbers.
        whole: all numbers are whole.
        negative: numbers below 0.
    """

    header: str
    position: int
    holds: Holds
    filled: int
    distinct: int
    texts: tuple[str, ...] = ()
    least: float | None = None
    most: float | None = None
    total: float = 0.0
    whole: bool = False
    negative: int = 0

    @property
    def is_switch(self) -> bool:
        """Whether its numbers are 0 and 1 only, and both."""
        return self.holds == "number" and (self.least, self.most) == (0.0, 1.0) and self.distinct == 2 and self.whole


@dataclass(frozen=True)
class TableProfile:
    """What a table holds.

    Attributes:
        path: its file.
        sheet: of a workbook.
        where: the file, or the file and its sheet, for messages.
        rows: rows with any value.
        columns: in order.
        dates: header of a column of dates -> its different dates, in order.
        notes: how it was read where that could have been otherwise.
    """

    path: Path
    sheet: str | None
    where: str
    rows: int
    columns: tuple[ColumnProfile, ...]
    dates: Mapping[str, tuple[dt.date, ...]]
    notes: tuple[str, ...]

    def column(self, header: str) -> ColumnProfile:
        """The column with a header."""
        return next(column for column in self.columns if column.header == header)


def profile_file(
    path: Path, date_order: DateOrderSetting = "auto", decimal: DecimalSetting = "auto"
) -> tuple[TableProfile, ...]:
    """The tables of a file: one, or one for each visible sheet of a workbook.

    Raises:
        CampaignDataError: the file cannot be read, has no rows, or has dates or numbers that can be read in two ways.
    """
    sheets: Sequence[str | None] = (None,)
    if path.suffix.lower() in XLSX.suffixes and path.is_file():
        sheets = visible_sheets(path) or (None,)
    tables = [_profile(path, sheet, date_order, decimal) for sheet in sheets]
    with_rows = tuple(table for table in tables if table.rows)
    if not with_rows:
        raise CampaignDataError(f"{path}: has a header but no rows")
    return with_rows


def _profile(path: Path, sheet: str | None, date_order: DateOrderSetting, decimal: DecimalSetting) -> TableProfile:
    with scratch_folder("init") as folder, staging_area(folder) as staging:
        read = stage_file(staging, path, _ANYTHING, sheet)
        staging.close_to_files()
        names = read.roles.names
        [(rows,)] = staging.connection.execute(
            f"SELECT COUNT(*) FROM source WHERE COALESCE({', '.join(staging.columns)}) IS NOT NULL"
        ).fetchall()
        holds = _holds(staging, names)
        numbers = [position for position, kind in enumerate(holds) if kind == "number"]
        marks = staged_decimal_marks(
            staging, names, numbers, setting=MarkSetting(decimal, "source.decimal"), where=read.where
        )
        columns = _columns(staging, names, holds, marks.of_column)
        dates, notes = {}, [*read.notes, *marks.notes]
        for position, header in enumerate(names):
            if holds[position] == "date":
                setting = OrderSetting(date_order, "source.date_order")
                found = staged_date_column(staging, names, position, setting=setting, where=read.where)
                parsed = day(DUCKDB, trimmed(DUCKDB, f"c{position}"), found.reading)
                seen = staging.connection.execute(
                    f"SELECT DISTINCT {parsed} AS day FROM source WHERE day IS NOT NULL ORDER BY day"
                ).fetchall()
                dates[header] = tuple(found_day for (found_day,) in seen)
                notes += found.notes
    return TableProfile(path, sheet, read.where, int(rows), columns, dates, tuple(notes))


def _holds(staging: Staging, names: Sequence[str]) -> list[Holds]:
    """What each column mostly holds, by some of its different cells that are not blank."""
    if not names:
        return []
    cells = " UNION ALL ".join(
        f"(SELECT {position} AS position, c{position} AS cell FROM source WHERE c{position} IS NOT NULL "
        f"GROUP BY c{position} ORDER BY MIN(line_number) LIMIT {_CELLS_LOOKED_AT})"
        for position in range(len(names))
    )
    filled = f"SELECT * FROM ({cells}) AS cells WHERE {without_missing(DUCKDB, trimmed(DUCKDB, 'cell'))} <> ''"
    numerals = ", ".join(str(DATE_SPELLINGS.index(it)) for it in ("serial", "six", "six_week", "compact"))
    rows = staging.connection.execute(f"""
        SELECT position, COUNT(*), COUNT(*) FILTER (numeric), COUNT(*) FILTER (spelling IS NOT NULL),
            COUNT(*) FILTER (spelling IN ({numerals}))
        FROM (SELECT *, {is_number(DUCKDB, "bare")} AS numeric FROM ({spelled_cells(DUCKDB, filled)}) AS spelled) AS s
        GROUP BY position""").fetchall()
    counts = {position: found for position, *found in rows}
    return [_kind(name, *counts.get(position, (0, 0, 0, 0))) for position, name in enumerate(names)]


def _kind(header: str, filled: int, numeric: int, dated: int, numerals: int) -> Holds:
    if not filled:
        return "nothing"
    speaks_of_time = re.search(_DATE_HEADER, header.casefold()) is not None
    if dated >= _MOSTLY * filled and (speaks_of_time or numeric < _MOSTLY * filled):
        return "date"
    if dated - numerals >= _MOSTLY * filled and not numeric:
        return "date"
    return "number" if numeric >= _MOSTLY * filled else "text"


def _columns(
    staging: Staging, names: Sequence[str], holds: Sequence[Holds], marks: Mapping[int, DecimalMark]
) -> tuple[ColumnProfile, ...]:
    """Every column, in one look at the rows."""
    bares, values, asked = [], [], []
    for position, kind in enumerate(holds):
        bares.append(f"NULLIF({without_missing(DUCKDB, trimmed(DUCKDB, f'c{position}'))}, '') AS b{position}")
        value = number(DUCKDB, f"b{position}", marks.get(position, "point")) if kind == "number" else "NULL::DOUBLE"
        values.append(f"{value} AS v{position}")
        asked.append(
            f"COUNT(b{position}), COUNT(DISTINCT b{position}), MIN(v{position}), MAX(v{position}), "
            f"COALESCE(fsum(v{position}), 0), COALESCE(BOOL_AND(v{position} = floor(v{position})), FALSE), "
            f"COUNT(*) FILTER (v{position} < 0)"
        )
    [row] = staging.connection.execute(
        f"""SELECT {", ".join(asked)} FROM (
            SELECT *, {", ".join(values)} FROM (SELECT {", ".join(bares)} FROM source) AS bares
        ) AS parsed"""
    ).fetchall()
    width = len(row) // len(names)
    return tuple(
        _column(staging, position, header, holds[position], *row[width * position : width * (position + 1)])
        for position, header in enumerate(names)
    )


def _column(
    staging: Staging,
    position: int,
    header: str,
    holds: Holds,
    filled: int,
    distinct: int,
    least: float | None,
    most: float | None,
    total: float,
    whole: bool,
    negative: int,
) -> ColumnProfile:
    texts: tuple[str, ...] = ()
    if holds == "text" and distinct <= _TEXTS_KEPT:
        cell = f"c{position}"
        is_filled = f"{without_missing(DUCKDB, trimmed(DUCKDB, cell))} <> ''"
        found = staging.connection.execute(
            f"SELECT {cell} FROM source WHERE {is_filled} GROUP BY {cell} ORDER BY {cell}"
        ).fetchall()
        texts = tuple(text.strip() for (text,) in found if text.strip())
    return ColumnProfile(header, position, holds, filled, distinct, texts, least, most, total, whole, negative)
