"""Campaign rows into the warehouse: each accepted, or refused with its line and the reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from mmm_pipeline.errors import CampaignDataError
from mmm_pipeline.ingestion.rows.campaign_sql import REASONS, CampaignQueries
from mmm_pipeline.ingestion.rows.totals import (
    accepted_rows,
    blank_rows,
    channels_spelled_alike,
    fingerprint,
    later_rows,
    refusals,
    stored_totals,
)
from mmm_pipeline.ingestion.sources.headers import OPTIONAL_ROLES, Roles, campaign_columns, resolve_roles
from mmm_pipeline.ingestion.sources.opening import source_name, stage_source
from mmm_pipeline.ingestion.sources.staging import Staging, staging_area
from mmm_pipeline.settings.pipeline import Settings
from mmm_pipeline.storage.warehouse.dialect import DUCKDB
from mmm_pipeline.storage.warehouse.jobs import WarehouseJob
from mmm_pipeline.storage.warehouses import Warehouse

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "FirstRefusal",
    "LoadSummary",
    "first_refusal",
    "judge",
    "load_file",
    "require_few_refusals",
    "summarised",
]

FirstRefusal = Callable[[str], tuple[int | None, str | None, str | None]]
"""reason -> (line, column, value) of the first row refused for it."""

_BATCH_ROWS = 100_000
_REASONS_SHOWN = 5


@dataclass(frozen=True)
class LoadSummary:
    """What became of the rows of a source.

    Attributes:
        source: what was read.
        accepted: rows in `raw_campaigns`.
        rejected: rows refused; `rejected_rows` has them, of a table in BigQuery a sample.
        reasons: reason -> rows refused for it, most frequent first.
        blank: lines without any value, which are no rows.
        columns: role -> header as the source spells it.
        later: rows dated after `split.as_of`, which are not seen.
        warnings: what was accepted but looks odd.
        fingerprint: changes when the accepted rows change, not with their order or spelling.
        jobs: remote jobs that judged them.
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


def load_file(warehouse: Warehouse, settings: Settings) -> LoadSummary:
    """`load_campaigns` for a file, or a table of a DuckDB file.

    Rows are parsed and judged inside DuckDB, in memory that spills beside the warehouse, so that their number is not
    limited by memory.

    Raises:
        CampaignDataError: the source cannot be read, lacks columns or rows, or more than
            `validation.max_rejected_share` of its rows are refused (`rejected_rows` is written then).
        StoredResultError: the warehouse cannot be written.
    """
    where = source_name(settings.source)
    required = campaign_columns(settings.columns)
    with staging_area(warehouse.scratch) as staging:
        headers = stage_source(staging, settings.source, required)
        roles = resolve_roles(headers, required, where=where, setting="columns", optional=OPTIONAL_ROLES)
        staging.close_to_files()
        totals = judge(staging, CampaignQueries(DUCKDB, roles, settings.split.as_of))
        try:
            require_few_refusals(totals, where, settings.validation.max_rejected_share, first_refusal(staging))
        except CampaignDataError:
            warehouse.write_table("rejected_rows", _stream(staging, "SELECT * FROM rejected"))
            raise
        warehouse.write_tables(
            {
                "raw_campaigns": _stream(staging, "SELECT * FROM accepted"),
                "rejected_rows": _stream(staging, "SELECT * FROM rejected"),
                "campaign_totals": stored_totals(totals),
            }
        )
        return summarised(totals, where, roles)


def judge(staging: Staging, queries: CampaignQueries) -> pd.DataFrame:
    """Make the tables `judged`, `duplicates` and `rejected` and the view `accepted`; returns the totals."""
    run = staging.connection.execute
    run(f"CREATE TABLE judged AS {queries.judged()}")
    run(f"CREATE TABLE duplicates AS {queries.duplicates()}")
    run(f"CREATE TABLE rejected AS {queries.rejected()}", queries.parameters)
    run(f"CREATE VIEW accepted AS {queries.accepted()}")
    run(f"CREATE VIEW verdicts AS {queries.verdicts()}")
    totals: pd.DataFrame = staging.connection.sql(queries.totals()).to_arrow_table().to_pandas()
    return totals


def require_few_refusals(totals: pd.DataFrame, where: str, limit: float, first: FirstRefusal) -> None:
    """Go on only with rows, and with not too many refused ones.

    Raises:
        CampaignDataError: there is no row, none was accepted, or a larger share than `limit` was refused.
    """
    reasons, accepted = refusals(totals), accepted_rows(totals)
    rejected = sum(reasons.values())
    if not accepted + rejected:
        later = later_rows(totals)
        raise CampaignDataError(
            f"{where}: all {later:,} rows are dated after split.as_of: choose a later day"
            if later
            else f"{where}: has a header but no rows"
        )
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
        place = "e.g." if line is None else f"first in line {line}:"
        lines.append(f"  {reason}: {count:,}, {place} {seen[:200]} ({REASONS[reason]})")
    if len(reasons) > _REASONS_SHOWN:
        lines.append(f"  and {len(reasons) - _REASONS_SHOWN} more reasons")
    lines.append("  Correct the source, or raise the share if these rows may be left out")
    raise CampaignDataError("\n".join(lines))


def summarised(totals: pd.DataFrame, where: str, roles: Roles, jobs: tuple[WarehouseJob, ...] = ()) -> LoadSummary:
    """The summary that follows from the totals."""
    reasons = refusals(totals)
    return LoadSummary(
        source=where,
        accepted=accepted_rows(totals),
        rejected=sum(reasons.values()),
        reasons=reasons,
        blank=blank_rows(totals),
        columns={role: roles.header(role) for role in roles.positions},
        warnings=channels_spelled_alike(totals["channel"].dropna()),
        fingerprint=fingerprint(totals),
        jobs=jobs,
        later=later_rows(totals),
    )


def first_refusal(staging: Staging) -> FirstRefusal:
    """The first refused row of each reason, of a judged staging area."""
    query = 'SELECT line_number, "column", value FROM rejected WHERE reason = $reason ORDER BY line_number LIMIT 1'

    def first(reason: str) -> tuple[int | None, str | None, str | None]:
        [found] = staging.connection.execute(query, {"reason": reason}).fetchall()
        return found[0], found[1], found[2]

    return first


def _stream(staging: Staging, query: str) -> pa.RecordBatchReader:
    # A cursor of its own: a connection serves one unfinished result at a time.
    reader: pa.RecordBatchReader = staging.connection.cursor().sql(query).to_arrow_reader(_BATCH_ROWS)
    return reader
