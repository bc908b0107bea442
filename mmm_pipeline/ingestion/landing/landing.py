"""New rows into a campaign table: validated here, merged there by their key, so that nothing is doubled or lost."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from mmm_pipeline.errors import CampaignDataError, SettingsError
from mmm_pipeline.ingestion.landing.sql import ROW_OF_KEY, LandedColumn, LandingPlan
from mmm_pipeline.ingestion.rows.campaign_sql import CampaignQueries
from mmm_pipeline.ingestion.rows.load import days_of, first_refusal, judge, require_usable_rows
from mmm_pipeline.ingestion.rows.sheet_overlap import require_no_overlap
from mmm_pipeline.ingestion.rows.totals import refusals
from mmm_pipeline.ingestion.rows.verdicts import NUMBER_ROLES
from mmm_pipeline.ingestion.shapes.row_tables import campaign_columns
from mmm_pipeline.ingestion.sources.headers import OPTIONAL_ROLES, Roles, normalised
from mmm_pipeline.ingestion.sources.opening import stage_file
from mmm_pipeline.ingestion.sources.staging import Staging, staging_area
from mmm_pipeline.ingestion.spellings.date_columns import OrderSetting, staged_date_column
from mmm_pipeline.ingestion.spellings.decimal_marks import MarkSetting, staged_decimal_marks
from mmm_pipeline.ingestion.spellings.number_formats import DecimalMark, number
from mmm_pipeline.ingestion.spellings.parsing import name, trimmed
from mmm_pipeline.settings.pipeline import Settings
from mmm_pipeline.storage.warehouse.dialect import DUCKDB
from mmm_pipeline.storage.warehouse.jobs import WarehouseJob

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["CampaignTable", "LandingSummary", "MergeCounts", "column_name", "land"]

_BATCH_ROWS = 100_000
_NOT_IN_NAMES = re.compile(r"\W+")


@dataclass(frozen=True)
class MergeCounts:
    """What a merge did.

    Attributes:
        staged: rows of the file.
        known: of these, rows that the table had already; they were replaced.
        removed: rows of the table that the file has fewer of, for the same key.
    """

    staged: int
    known: int
    removed: int


class CampaignTable(Protocol):
    """A table that campaign rows are merged into.

    Attributes:
        place: what to call it in messages.
    """

    place: str

    def columns(self) -> tuple[tuple[str, str], ...] | None:
        """Name and kind (`date`, `text`, `number`, or the database's own type) of each column; None: no table yet."""

    def merge(self, plan: LandingPlan, rows: pa.RecordBatchReader, *, channel: str) -> MergeCounts:
        """Make the table if it is missing, and merge the rows in one statement; all of it or nothing."""

    def take_jobs(self) -> tuple[WarehouseJob, ...]:
        """Remote jobs since the last call."""


@dataclass(frozen=True)
class LandingSummary:
    """What became of a file.

    Attributes:
        file: what was read.
        table: where its rows are now.
        key: columns that identify a row.
        inserted: rows that are new.
        replaced: rows that the table had.
        removed: rows of the table that its key has no more of.
        refused: reason -> rows of the file that did not land.
        jobs: remote jobs.
        sheets: those of a workbook that were read.
        notes: how the file and its numbers were read, where that is not plain.
        warnings: what refused rows take away.
    """

    file: str
    table: str
    key: tuple[str, ...]
    inserted: int
    replaced: int
    removed: int
    refused: Mapping[str, int]
    jobs: tuple[WarehouseJob, ...]
    sheets: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def land(file: Path, table: CampaignTable, settings: Settings, *, scratch: Path) -> LandingSummary:
    """Merge the rows of a file into a campaign table.

    The rows of each key in the file replace those that the table has of that key; rows of other keys stay. So a file
    that is sent again changes nothing, a correction replaces, and a file of one week leaves the other weeks alone.

    Args:
        file: CSV, XLSX, Parquet or Arrow, read and judged as a campaign source.
        table: where the rows go.
        settings: the sections `columns`, `validation` and `landing` count.
        scratch: local folder to spill to.

    Raises:
        CampaignDataError: the file cannot be read, too many of its rows are refused, or its columns are not those of
            the table.
        SettingsError: `landing.key` does not fit the file.
        WarehouseError: BigQuery refused or cannot be reached; the table is as it was.
        StoredResultError: the DuckDB file cannot be written; the table is as it was.
    """
    wanted = campaign_columns(settings.columns, "landing.sheet", needs_all=True)
    with staging_area(scratch) as staging:
        read = stage_file(staging, file, wanted, settings.landing.sheet)
        roles = read.roles
        staging.close_to_files()
        existing = table.columns()
        columns = _new_columns(staging, roles) if existing is None else _matched(file, table.place, roles, existing)
        columns = _keyed(columns, settings.landing.key, roles)
        decided = staged_decimal_marks(
            staging,
            roles.names,
            [it.position for it in columns if it.kind == "number"],
            setting=MarkSetting(settings.landing.decimal, "landing.decimal"),
            where=read.where,
        )
        marks = decided.of_column
        # Which rows are totals, and what the KPI of a row counts for, is decided when the table is read.
        dates = staged_date_column(
            staging,
            roles.names,
            roles.positions["date"],
            setting=OrderSetting(settings.landing.date_order, "landing.date_order"),
            where=read.where,
        )
        equal = settings.validation.equal_rows
        queries = CampaignQueries(DUCKDB, roles, marks=marks, dates=dates.reading, equal_rows=equal)
        totals = judge(staging, queries)
        require_no_overlap(staging, read, "landing.sheet")
        days, first = days_of(staging, queries), first_refusal(staging)
        warnings = require_usable_rows(totals, days, read.where, settings, first)
        _require_numbers(staging, file, table.place, columns, roles, marks)
        plan = _plan(staging, columns, settings.landing.key, roles)
        reader = staging.connection.cursor().sql(_rows(plan, marks)).to_arrow_reader(_BATCH_ROWS)
        channel = next(it.name for it in columns if it.position == roles.positions["channel"])
        counts = table.merge(plan, reader, channel=channel)
    return LandingSummary(
        file=str(file),
        table=table.place,
        key=plan.key,
        inserted=counts.staged - counts.known,
        replaced=counts.known,
        removed=counts.removed,
        refused=refusals(totals),
        jobs=table.take_jobs(),
        sheets=read.sheets,
        notes=(*read.notes, *decided.notes, *dates.notes),
        warnings=warnings,
    )


def column_name(header: str) -> str:
    """A header as every database takes it: letters, digits and `_`."""
    text = _NOT_IN_NAMES.sub("_", header).strip("_")
    return f"_{text}" if text[:1].isdigit() else text


def _new_columns(staging: Staging, roles: Roles) -> tuple[LandedColumn, ...]:
    """Columns of a table that does not exist yet: a column of numbers only is a number, unless its role is a name."""
    kinds = {
        roles.positions["date"]: "date",
        **{roles.positions[role]: "number" for role in NUMBER_ROLES if role in roles.positions},
    }
    kinds |= {roles.positions[role]: "text" for role in ("channel", *OPTIONAL_ROLES) if role in roles.positions}
    columns: dict[str, LandedColumn] = {}
    for position, header in enumerate(roles.names):
        kind = kinds.get(position) or ("number" if _only_numbers(staging, position) else "text")
        it = LandedColumn(column_name(header), kind, position)
        if not it.name or it.name.casefold() in columns or it.name.casefold() == ROW_OF_KEY:
            raise CampaignDataError(
                f"column {position + 1} ({header!r}) cannot be named in a table: rename or remove it"
            )
        columns[it.name.casefold()] = it
    return tuple(columns.values())


def _matched(file: Path, place: str, roles: Roles, existing: Sequence[tuple[str, str]]) -> tuple[LandedColumn, ...]:
    """The table's columns, each with the file's column that fills it.

    Raises:
        CampaignDataError: one of them has a column that the other does not have, or the date is no date there.
    """
    in_file = {normalised(header): position for position, header in enumerate(roles.names)}
    in_table = {normalised(it): (it, kind) for it, kind in existing if it.casefold() != ROW_OF_KEY}
    if len(in_table) == len(existing):
        raise CampaignDataError(
            f"{place}: was not made by `mmm load`: it has no column {ROW_OF_KEY}. Load into a new table, and make it "
            "the source; the old one can be exported and loaded too"
        )
    new = [roles.names[position] for key, position in in_file.items() if key not in in_table]
    missing = [it for key, (it, _) in in_table.items() if key not in in_file]
    if new or missing:
        problems = [f"{header!r} is new" for header in new] + [f"{it!r} is missing" for it in missing]
        raise CampaignDataError(
            f"{file}: the columns are not those of {place}: {'; '.join(problems)}. Nothing was loaded. Export the file "
            "with the table's columns; to take up a new column of numbers for good, add it to the table first "
            "(ALTER TABLE ... ADD COLUMN); to drop one, drop it there"
        )
    columns = tuple(LandedColumn(it, kind, in_file[key]) for key, (it, kind) in in_table.items())
    for column in columns:
        is_day = column.position == roles.positions["date"]
        if column.kind not in ("date", "text", "number") or (column.kind == "date") != is_day:
            raise CampaignDataError(
                f"{place}: column {column.name!r} has the type {column.kind}, which `mmm load` does not write: "
                "accepted are a date for columns.date, numbers (64-bit floating point) and text"
            )
    return columns


def _keyed(columns: tuple[LandedColumn, ...], key: Sequence[str], roles: Roles) -> tuple[LandedColumn, ...]:
    """The columns; those named in `landing.key` are names, not numbers."""
    named = {normalised(header) for header in key}
    known = {normalised(header) for header in roles.names}
    unknown = [header for header in key if normalised(header) not in known]
    if unknown:
        raise SettingsError(f"landing.key names {unknown[0]!r}, which is no column; columns: {', '.join(roles.names)}")
    given = [roles.header(role) for role in NUMBER_ROLES if role in roles.positions]
    measures = [header for header in given if normalised(header) in named]
    if measures:
        raise SettingsError(
            f"landing.key names {measures[0]!r}, which is a measure: a correction of it would be a new row"
        )
    if key and normalised(roles.header("date")) not in named:
        raise SettingsError(f"landing.key must name the date ({roles.header('date')!r}) too: rows are replaced per day")
    return tuple(
        LandedColumn(it.name, "text", it.position)
        if it.kind == "number" and normalised(roles.names[it.position]) in named
        else it
        for it in columns
    )


def _require_numbers(
    staging: Staging,
    file: Path,
    place: str,
    columns: Sequence[LandedColumn],
    roles: Roles,
    marks: Mapping[int, DecimalMark],
) -> None:
    """Refuse text where the table has numbers.

    Raises:
        CampaignDataError: naming the first such cell.
    """
    for column in columns:
        if column.kind != "number" or column.position in {roles.positions.get(role) for role in NUMBER_ROLES}:
            continue
        text = f"c{column.position}"
        value = number(DUCKDB, f"({trimmed(DUCKDB, text)})", marks.get(column.position, "point"))
        query = f"""SELECT line_number, {text} FROM source WHERE {text} IS NOT NULL AND trim({text}) <> ''
            AND {value} IS NULL ORDER BY 1 LIMIT 1"""
        found = staging.connection.execute(query).fetchall()
        if found:
            raise CampaignDataError(
                f"{file}: column {roles.names[column.position]!r} holds numbers in {place}, and "
                f"{staging.place(found[0][0])} has {found[0][1][:100]!r}: the column was retyped. "
                "Nothing was loaded. Export it as numbers"
            )


def _plan(staging: Staging, columns: tuple[LandedColumn, ...], key: Sequence[str], roles: Roles) -> LandingPlan:
    [(first, last)] = staging.connection.execute("SELECT MIN(date), MAX(date) FROM accepted").fetchall()
    named = {normalised(header) for header in key}
    chosen = [
        it.name for it in columns if (normalised(roles.names[it.position]) in named if named else it.kind != "number")
    ]
    date = next(it.name for it in columns if it.position == roles.positions["date"])
    return LandingPlan(columns, tuple(chosen), date, first, last)


def _rows(plan: LandingPlan, marks: Mapping[int, DecimalMark]) -> str:
    """SELECT statement in staging: the accepted rows with the columns of the table."""
    d = DUCKDB
    values = []
    for column in plan.columns:
        text = f"source.c{column.position}"
        value = {
            "date": "accepted.date",
            "number": number(d, f"({trimmed(d, text)})", marks.get(column.position, "point")),
            "text": name(d, text),
        }[column.kind]
        values.append(f"{value} AS {d.identifier(column.name)}")
    key = ", ".join(d.identifier(it) for it in plan.key)
    return f"""
        WITH landed AS (
            SELECT accepted.line_number AS line_of_file, {", ".join(values)}
            FROM accepted JOIN source ON source.line_number = accepted.line_number
        )
        SELECT {", ".join(d.identifier(column.name) for column in plan.columns)},
            ROW_NUMBER() OVER (PARTITION BY {key} ORDER BY line_of_file) AS {ROW_OF_KEY}
        FROM landed"""


def _only_numbers(staging: Staging, position: int) -> bool:
    """Whether a column holds numbers only, with a decimal point or a decimal comma."""
    text = f"c{position}"
    bare = f"({trimmed(DUCKDB, text)})"
    values = f"COALESCE({number(DUCKDB, bare, 'point')}, {number(DUCKDB, bare, 'comma')})"
    query = f"SELECT COUNT({text}), COUNT({values}) FROM source"
    [(present, numbers)] = staging.connection.execute(query).fetchall()
    return bool(present and present == numbers)
