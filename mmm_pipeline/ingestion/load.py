"""Campaign rows into the warehouse: each accepted, or refused with its line and the reason."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mmm_pipeline.errors import CampaignDataError
from mmm_pipeline.ingestion.campaign_sql import REASONS, CampaignQueries
from mmm_pipeline.ingestion.dialect import DUCKDB
from mmm_pipeline.ingestion.headers import OPTIONAL_ROLES, campaign_columns, resolve_roles
from mmm_pipeline.ingestion.sources import source_name, stage_source
from mmm_pipeline.ingestion.staging import Staging, staging_area
from mmm_pipeline.resources.warehouse import Warehouse
from mmm_pipeline.settings import Settings

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["LoadSummary", "load_campaigns"]

_BATCH_ROWS = 100_000
_REASONS_SHOWN = 5
_NAMES_SHOWN = 5


@dataclass(frozen=True)
class LoadSummary:
    """What became of the rows of a source.

    Attributes:
        source: what was read.
        accepted: rows in `raw_campaigns`.
        rejected: rows in `rejected_rows`.
        reasons: reason -> rows refused for it, most frequent first.
        blank: lines without any value, which are no rows.
        columns: role -> header as the source spells it.
        warnings: what was accepted but looks odd.
        fingerprint: changes when the accepted rows change, not with their order or spelling.
    """

    source: str
    accepted: int
    rejected: int
    reasons: Mapping[str, int]
    blank: int
    columns: Mapping[str, str]
    warnings: tuple[str, ...]
    fingerprint: str


def load_campaigns(warehouse: Warehouse, settings: Settings) -> LoadSummary:
    """Read the source and replace the tables `raw_campaigns` and `rejected_rows`.

    Rows are parsed and judged inside DuckDB, in memory that spills beside the warehouse, so that their number is not
    limited by memory. When the source is refused as a whole, `raw_campaigns` stays as it was.

    Raises:
        CampaignDataError: the source cannot be read, lacks columns or rows, or more than
            `validation.max_rejected_share` of its rows are refused (`rejected_rows` is written then).
        StoredResultError: the warehouse cannot be written.
    """
    where = source_name(settings.source)
    required = campaign_columns(settings.columns)
    with staging_area(warehouse.path.parent) as staging:
        headers = stage_source(staging, settings.source, required)
        roles = resolve_roles(headers, required, where=where, setting="columns", optional=OPTIONAL_ROLES)
        staging.close_to_files()
        queries = CampaignQueries(DUCKDB, roles)
        _judge(staging, queries)
        reasons = _reasons(staging)
        accepted, blank = _counts(staging)
        rejected = sum(reasons.values())
        if not accepted + rejected:
            raise CampaignDataError(f"{where}: has a header but no rows")
        share = rejected / (accepted + rejected)
        if share > settings.validation.max_rejected_share or not accepted:
            warehouse.write_table("rejected_rows", _stream(staging, "SELECT * FROM rejected"))
            raise CampaignDataError(
                _too_many(where, staging, reasons, accepted, settings.validation.max_rejected_share)
            )
        warehouse.write_tables(
            {
                "raw_campaigns": _stream(staging, "SELECT * FROM accepted"),
                "rejected_rows": _stream(staging, "SELECT * FROM rejected"),
            }
        )
        return LoadSummary(
            source=where,
            accepted=accepted,
            rejected=rejected,
            reasons=reasons,
            blank=blank,
            columns={role: roles.header(role) for role in roles.positions},
            warnings=_warnings(staging),
            fingerprint=_fingerprint(staging, queries),
        )


def _judge(staging: Staging, queries: CampaignQueries) -> None:
    """The tables `judged`, `duplicates` and `rejected`, and the view `accepted`."""
    run = staging.connection.execute
    run(f"CREATE TABLE judged AS {queries.judged()}")
    run(f"CREATE TABLE duplicates AS {queries.duplicates()}")
    run(f"CREATE TABLE rejected AS {queries.rejected()}", queries.parameters)
    run(f"CREATE VIEW accepted AS {queries.accepted()}")


def _stream(staging: Staging, query: str) -> pa.RecordBatchReader:
    # A cursor of its own: a connection serves one unfinished result at a time.
    reader: pa.RecordBatchReader = staging.connection.cursor().sql(query).to_arrow_reader(_BATCH_ROWS)
    return reader


def _reasons(staging: Staging) -> dict[str, int]:
    query = "SELECT reason, COUNT(*) FROM rejected GROUP BY reason ORDER BY 2 DESC, 1"
    return {str(reason): int(count) for reason, count in staging.connection.execute(query).fetchall()}


def _counts(staging: Staging) -> tuple[int, int]:
    """Accepted rows and blank lines."""
    query = "SELECT (SELECT COUNT(*) FROM accepted), (SELECT COUNT(*) FROM source) - (SELECT COUNT(*) FROM judged)"
    [(accepted, blank)] = staging.connection.execute(query).fetchall()
    return int(accepted), int(blank)


def _too_many(where: str, staging: Staging, reasons: Mapping[str, int], accepted: int, limit: float) -> str:
    rejected = sum(reasons.values())
    lines = [
        f"{where}: {rejected:,} of {accepted + rejected:,} rows were refused ({rejected / (accepted + rejected):.1%}), "
        + (f"more than validation.max_rejected_share = {limit:.1%}:" if accepted else "so none is left:")
    ]
    query = 'SELECT line_number, "column", value FROM rejected WHERE reason = $reason ORDER BY line_number LIMIT 1'
    for reason, count in list(reasons.items())[:_REASONS_SHOWN]:
        [(line, column, value)] = staging.connection.execute(query, {"reason": reason}).fetchall()
        seen = f"{column} = {value!r}" if column is not None else str(value)
        lines.append(f"  {reason}: {count:,}, first in line {line}: {seen[:200]} ({REASONS[reason]})")
    if len(reasons) > _REASONS_SHOWN:
        lines.append(f"  and {len(reasons) - _REASONS_SHOWN} more reasons")
    lines.append("  Correct the source, or raise the share if these rows may be left out")
    return "\n".join(lines)


def _warnings(staging: Staging) -> tuple[str, ...]:
    query = """
        SELECT LIST(channel ORDER BY channel) FROM (SELECT DISTINCT channel FROM accepted) AS channels
        GROUP BY LOWER(REPLACE(channel, ' ', '')) HAVING COUNT(*) > 1 ORDER BY 1"""
    alike = [names for (names,) in staging.connection.execute(query).fetchall()]
    return tuple(
        f"channels {', '.join(map(repr, names))} differ in case or spaces only and are kept apart"
        for names in alike[:_NAMES_SHOWN]
    )


def _fingerprint(staging: Staging, queries: CampaignQueries) -> str:
    [numbers] = staging.connection.execute(queries.content_hash()).fetchall()
    return hashlib.sha256(repr(numbers).encode()).hexdigest()[:16]
