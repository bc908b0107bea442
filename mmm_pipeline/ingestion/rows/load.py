"""Campaign rows into the warehouse: each accepted, or refused with its line and the reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import pandas as pd

from mmm_pipeline.errors import CampaignDataError
from mmm_pipeline.ingestion.counted_twice import require_no_overall_total, require_no_total_value
from mmm_pipeline.ingestion.rows.campaign_sql import CampaignQueries
from mmm_pipeline.ingestion.rows.refused_rows import (
    FirstRefusal,
    missing_amounts,
    require_complete_days,
    require_events_or_duplicates,
    require_one_kpi_a_day,
)
from mmm_pipeline.ingestion.rows.sheet_overlap import require_no_overlap
from mmm_pipeline.ingestion.rows.totals import (
    accepted_rows,
    blank_rows,
    fingerprint,
    later_rows,
    left_out_rows,
    refusals,
)
from mmm_pipeline.ingestion.rows.verdicts import COMPARED_ROLES, NUMBER_ROLES, REASONS
from mmm_pipeline.ingestion.shapes.row_tables import RowTable
from mmm_pipeline.ingestion.sources.headers import OPTIONAL_ROLES, Roles
from mmm_pipeline.ingestion.sources.opening import source_name, stage_source
from mmm_pipeline.ingestion.sources.staging import Staging
from mmm_pipeline.ingestion.sources.wide import Melt
from mmm_pipeline.ingestion.spellings.date_columns import OrderSetting, staged_date_column
from mmm_pipeline.ingestion.spellings.decimal_marks import MarkSetting, staged_decimal_marks
from mmm_pipeline.settings.pipeline import Settings
from mmm_pipeline.settings.plain_names import spelled_alike
from mmm_pipeline.storage.warehouse.dialect import DUCKDB
from mmm_pipeline.storage.warehouse.jobs import WarehouseJob

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "JudgedTable",
    "LoadSummary",
    "RowsRefused",
    "days_of",
    "first_refusal",
    "judge",
    "judge_file",
    "require_counted_once",
    "require_few_refusals",
    "require_usable_rows",
    "summarised",
]

_BATCH_ROWS = 100_000
_REASONS_SHOWN = 5
# As the contracts have them: a row of a workbook by its sheet and its number there.
_ACCEPTED = "SELECT * REPLACE (row_of(line_number) AS line_number) FROM accepted"
_REJECTED = """SELECT '{table}' AS table_name, sheet_of(line_number) AS sheet,
    * REPLACE (row_of(line_number) AS line_number) FROM rejected ORDER BY rejected.line_number"""


@dataclass(frozen=True)
class LoadSummary:
    """What became of the rows of a source.

    Attributes:
        source: what was read.
        accepted: rows that count, in `media_rows` or `kpi_rows`.
        rejected: rows refused; `rejected_rows` has them, of a table in BigQuery a sample.
        reasons: reason -> rows refused for it, most frequent first.
        blank: lines without any value, which are no rows.
        columns: role -> header as the source spells it.
        later: rows dated after `split.as_of`, which are not seen.
        warnings: what was accepted but looks odd, and what refused rows take away.
        fingerprint: changes when the accepted rows change, not with their order or spelling.
        jobs: remote jobs that judged them.
        sheets: those of a workbook that were read.
        notes: how the file and its numbers were read, where that could have been otherwise.
        kpi: what became of the KPI rows, where they have a table of their own; the other figures are of media rows.
    """

    source: str
    accepted: int
    rejected: int
    reasons: Mapping[str, int]
    blank: int
    columns: Mapping[str, str]
    warnings: tuple[str, ...]
    fingerprint: str
    jobs: tuple[WarehouseJob, ...] = ()
    later: int = 0
    sheets: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    kpi: LoadSummary | None = None


@dataclass(frozen=True)
class JudgedTable:
    """A table whose rows were judged, and where they are to be had.

    Attributes:
        table: which one.
        totals: result of `CampaignQueries.totals`.
        summary: what became of the rows.
        accepted: the accepted rows; None: they stay where they are.
        rejected: the refused ones, or a sample of them.
    """

    table: RowTable
    totals: pd.DataFrame
    summary: LoadSummary
    accepted: pa.RecordBatchReader | None
    rejected: pa.RecordBatchReader | pd.DataFrame


class RowsRefused(CampaignDataError):
    """A table that was refused as a whole, with its refused rows.

    Attributes:
        rejected: them, or a sample of them; None: there are none.
    """

    def __init__(self, message: str, rejected: pa.RecordBatchReader | pd.DataFrame | None) -> None:
        super().__init__(message)
        self.rejected = rejected


def judge_file(staging: Staging, table: RowTable, settings: Settings) -> JudgedTable:
    """Read a file, or a table of a DuckDB file, and judge its rows.

    Rows are parsed and judged inside DuckDB, in memory that spills to disk, so that their number is not limited by
    memory.

    Args:
        staging: where the rows go; the result can be read as long as it is open.
        table: what to read.
        settings: how to judge.

    Raises:
        CampaignDataError: the source cannot be read, or lacks columns or rows.
        RowsRefused: more than `validation.max_rejected_share` of its rows are refused, or they cannot be used as a
            whole.
    """
    read = stage_source(staging, table.source, table.wanted)
    roles = read.roles
    staging.close_to_files()
    if table.is_wide:
        melt = Melt(roles)
        staging.melt(melt)
        roles = melt.roles
    key = f"{table.setting}.decimal"
    numbers = [roles.positions[role] for role in NUMBER_ROLES if role in roles.positions]
    setting = MarkSetting(table.source.decimal, key)
    compared = [roles.positions[role] for role in COMPARED_ROLES if role in roles.positions]
    marks = staged_decimal_marks(staging, roles.names, numbers, setting=setting, where=read.where, compared=compared)
    order = OrderSetting(table.source.date_order, f"{table.setting}.date_order")
    dates = staged_date_column(staging, roles.names, roles.positions["date"], setting=order, where=read.where)
    queries = CampaignQueries.of(
        DUCKDB,
        roles,
        settings,
        where=read.where,
        marks=marks.of_column,
        dates=dates.reading,
        table=table.name,
        kpi_per=table.kpi_per,
    )
    totals = judge(staging, queries)
    if table.name == "media":
        require_no_overlap(staging, read, f"{table.setting}.sheet")
    try:
        days = days_of(staging, queries)
        first = first_refusal(staging)
        refused = require_usable_rows(totals, days, read.where, settings, first)
        left_out = require_counted_once(totals, days, read.where, roles, settings, kpi_per=table.kpi_per)
        if table.name == "media" and not table.is_wide:
            require_no_total_value(staging, queries, read.where)
    except CampaignDataError as error:
        raise RowsRefused(str(error), _stream(staging, _REJECTED.format(table=table.name))) from error
    summary = summarised(
        totals,
        source_name(table.source),
        roles,
        warnings=(*left_out, *refused),
        notes=(*read.notes, *marks.notes, *dates.notes),
        sheets=read.sheets,
    )
    rejected = _stream(staging, _REJECTED.format(table=table.name))
    return JudgedTable(table, totals, summary, _stream(staging, _ACCEPTED), rejected)


def judge(staging: Staging, queries: CampaignQueries) -> pd.DataFrame:
    """Make the tables `judged`, `duplicates` and `rejected` and the view `accepted`; returns the totals."""
    run = staging.connection.execute
    run(f"CREATE TABLE judged AS {queries.judged()}", queries.judged_parameters)
    run(f"CREATE TABLE duplicates AS {queries.duplicates()}")
    run(f"CREATE TABLE rejected AS {queries.rejected()}", queries.parameters)
    run(f"CREATE VIEW accepted AS {queries.accepted()}")
    run(f"CREATE VIEW verdicts AS {queries.verdicts()}")
    totals: pd.DataFrame = staging.connection.sql(queries.totals()).to_arrow_table().to_pandas()
    return totals


def days_of(staging: Staging, queries: CampaignQueries) -> pd.DataFrame:
    """`CampaignQueries.by_day` of a judged staging area; `first_row`: the first line in words."""
    days: pd.DataFrame = staging.connection.sql(queries.by_day()).to_arrow_table().to_pandas(date_as_object=False)
    return days.assign(first_row=[staging.place(int(line)) for line in days["first_line"]])


def require_usable_rows(
    totals: pd.DataFrame, days: pd.DataFrame | None, where: str, settings: Settings, first: FirstRefusal
) -> tuple[str, ...]:
    """What is asked of rows wherever they go: few are refused, and no day lacks part of its KPI for that.

    Args:
        totals: result of `CampaignQueries.totals`.
        days: that of `CampaignQueries.by_day`; None: nothing was refused.
        where: the source.
        settings: the section `validation` counts.
        first: an example of each reason.

    Returns:
        Warnings about what refused rows take away.

    Raises:
        CampaignDataError: no rows, too many refused ones, equal rows that can be read two ways, or days with an
            incomplete KPI.
    """
    reasons = refusals(totals)
    require_events_or_duplicates(reasons, where, first)
    require_few_refusals(totals, where, settings.validation.max_rejected_share, first)
    if days is None:
        return ()
    return (*require_complete_days(days, where, settings.validation, first), *missing_amounts(days, reasons))


def require_counted_once(
    totals: pd.DataFrame,
    days: pd.DataFrame | None,
    where: str,
    roles: Roles,
    settings: Settings,
    *,
    kpi_per: Literal["row", "date"],
) -> tuple[str, ...]:
    """What is asked of rows that are about to be added up.

    Args:
        totals: result of `CampaignQueries.totals`.
        days: that of `CampaignQueries.by_day`; needed where the KPI is given per date only.
        where: the source.
        roles: its columns.
        settings: the section `validation` counts.
        kpi_per: what the KPI is given per.

    Returns:
        A sentence about the rows that `validation.total_rows` leaves out.

    Raises:
        CampaignDataError: a brand or marketplace is the total of the others, or rows contradict `columns.kpi_per`.
    """
    headers = {role: roles.header(role) for role in OPTIONAL_ROLES if role in roles.positions}
    require_no_overall_total(totals, headers, where)
    if kpi_per == "date" and days is not None:
        require_one_kpi_a_day(days, where)
    return _left_out(left_out_rows(totals), settings)


def _left_out(count: int, settings: Settings) -> tuple[str, ...]:
    asked = settings.validation.total_rows
    if not asked:
        return ()
    listed = "; ".join(f"{header}: {', '.join(names)}" for header, names in asked.items())
    if not count:
        return (f"no row has a name that validation.total_rows lists ({listed}): is it spelled as in the data?",)
    return (f"{count:,} row(s) are left out as totals of other rows (validation.total_rows: {listed})",)


def require_few_refusals(totals: pd.DataFrame, where: str, limit: float, first: FirstRefusal) -> None:
    """Go on only with rows, and with not too many refused ones.

    Raises:
        CampaignDataError: there is no row, none was accepted, or a larger share than `limit` was refused.
    """
    reasons, accepted = refusals(totals), accepted_rows(totals)
    rejected = sum(reasons.values())
    if not accepted + rejected:
        later, left_out = later_rows(totals), left_out_rows(totals)
        why = "has a header but no rows"
        if later:
            why = f"all {later:,} rows are dated after split.as_of: choose a later day"
        if left_out:
            why = f"no row is left: validation.total_rows leaves out {left_out:,} as totals of other rows"
        raise CampaignDataError(f"{where}: {why}")
    share = rejected / (accepted + rejected)
    if share <= limit and accepted:
        return
    lines = [
        f"{where}: {rejected:,} of {accepted + rejected:,} rows were refused ({share:.1%}), "
        + (f"more than validation.max_rejected_share = {limit:.1%}:" if accepted else "so none is left:")
    ]
    for reason, count in list(reasons.items())[:_REASONS_SHOWN]:
        line, column, value = first(reason)
        seen = f"{column} = {value!r}" if column is not None else str(value)
        place = "e.g." if line is None else f"first in {line}:"
        lines.append(f"  {reason}: {count:,}, {place} {seen[:200]} ({REASONS[reason]})")
    if len(reasons) > _REASONS_SHOWN:
        lines.append(f"  and {len(reasons) - _REASONS_SHOWN} more reasons")
    lines.append("  Correct the source, or raise the share if these rows may be left out")
    raise CampaignDataError("\n".join(lines))


def summarised(
    totals: pd.DataFrame,
    where: str,
    roles: Roles,
    *,
    warnings: tuple[str, ...],
    notes: tuple[str, ...],
    sheets: tuple[str, ...] = (),
    jobs: tuple[WarehouseJob, ...] = (),
) -> LoadSummary:
    """The summary that follows from the totals; names that are spelled alike come last among its warnings."""
    reasons = refusals(totals)
    refunds = int(totals["refunds"].sum())
    if refunds:
        notes = (*notes, f"{refunds:,} row(s) have a KPI below 0, as refunds have; it is taken off their day")
    return LoadSummary(
        source=where,
        accepted=accepted_rows(totals),
        rejected=sum(reasons.values()),
        reasons=reasons,
        blank=blank_rows(totals),
        columns={role: roles.header(role) for role in roles.positions},
        warnings=warnings
        + tuple(
            warning
            for dimension in ("channel", "brand", "marketplace")
            for warning in spelled_alike(totals[dimension].dropna(), f"{dimension}s")
        ),
        fingerprint=fingerprint(totals),
        jobs=jobs,
        later=later_rows(totals),
        sheets=sheets,
        notes=notes,
    )


def first_refusal(staging: Staging) -> FirstRefusal:
    """The first refused row of each reason, of a judged staging area."""
    query = 'SELECT line_number, "column", value FROM rejected WHERE reason = $reason ORDER BY line_number LIMIT 1'

    def first(reason: str) -> tuple[str | None, str | None, str | None]:
        [found] = staging.connection.execute(query, {"reason": reason}).fetchall()
        return staging.place(found[0]), found[1], found[2]

    return first


def _stream(staging: Staging, query: str) -> pa.RecordBatchReader:
    # A cursor of its own: a connection serves one unfinished result at a time.
    reader: pa.RecordBatchReader = staging.connection.cursor().sql(query).to_arrow_reader(_BATCH_ROWS)
    return reader
