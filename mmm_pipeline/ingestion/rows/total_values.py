"""Columns without a role, such as the product, that have a total of their values among them."""

from __future__ import annotations

from mmm_pipeline.errors import CampaignDataError
from mmm_pipeline.ingestion.rows.campaign_sql import CampaignQueries
from mmm_pipeline.ingestion.rows.parsing import name
from mmm_pipeline.ingestion.sources.staging import Staging
from mmm_pipeline.storage.warehouse.dialect import DUCKDB

__all__ = ["require_no_total_value"]

_MOST_VALUES = 10_000
_MEASURES = {"media_units": "media", "spend": "spend", "kpi": "KPI"}


def require_no_total_value(staging: Staging, queries: CampaignQueries, where: str) -> None:
    """Refuse a value of a column without a role whose rows have exactly half of everything, as a total has.

    Channel, market, brand and marketplace are looked at elsewhere; columns of more than 10,000 values are left alone.

    Args:
        staging: a judged staging area.
        queries: those that judged it.
        where: the source.

    Raises:
        CampaignDataError: there is one, beside at least two other values.
    """
    taken = set(queries.roles.positions.values())
    columns = [column for position, column in enumerate(staging.columns) if position not in taken]
    if not columns:
        return
    run = staging.connection.execute
    counts = run(f"SELECT {', '.join(f'approx_count_distinct({it})' for it in columns)} FROM source").fetchone() or ()
    few = [column for column, count in zip(columns, counts, strict=True) if 2 < count <= _MOST_VALUES]
    if not few:
        return
    names = ", ".join(f"{name(DUCKDB, f'source.{column}')} AS {column}" for column in few)
    sums = ", ".join(f"SUM({it}) AS {it}" for it in _MEASURES)
    # A sum is exact enough that halves agree to nine digits; of two measures at least, that is no chance.
    halves = " AND ".join(f"ABS(2 * s.{it} - a.{it}) <= 1e-9 * a.{it}" for it in _MEASURES)
    counted = " + ".join(f"CAST(a.{it} > 0 AS INTEGER)" for it in _MEASURES)
    found = run(f"""
        WITH accepted AS (
            SELECT {names}, media_units, spend, kpi FROM judged JOIN source ON source.line_number = judged.line_number
            WHERE judged.reason IS NULL AND judged.line_number NOT IN (SELECT line_number FROM duplicates)
        ), sums AS (
            SELECT {", ".join(few)}, {sums}, COUNT(*) AS row_count
            FROM accepted GROUP BY GROUPING SETS ({", ".join(f"({column})" for column in few)})
        ), whole AS (SELECT {sums} FROM accepted)
        SELECT {", ".join(f"s.{column}" for column in few)}, {", ".join(f"s.{it}" for it in _MEASURES)}, s.row_count
        FROM sums AS s CROSS JOIN whole AS a
        WHERE {halves} AND {counted} >= 2 AND COALESCE({", ".join(f"s.{column}" for column in few)}, NULL) IS NOT NULL
        ORDER BY ALL LIMIT 1""").fetchone()
    if found is None:
        return
    *values, media, spend, kpi, rows = found
    column, value = next((it, value) for it, value in zip(few, values, strict=True) if value is not None)
    header = queries.roles.names[int(column.removeprefix("c"))]
    raise CampaignDataError(
        f"{where}: the {rows:,} row(s) with {header} = {value!r} have as much as all others together (media "
        f"{media:,.2f}, spend {spend:,.2f}, KPI {kpi:,.2f}), as a total of them has. Everything would count twice. "
        f"Remove them from the source, or leave them out: validation.total_rows: {{{header}: [{value}]}}"
    )
