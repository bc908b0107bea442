"""Campaign rows into the warehouse, from wherever they are."""

from __future__ import annotations

from mmm_pipeline.ingestion.rows.load import LoadSummary, load_file
from mmm_pipeline.settings.pipeline import Settings
from mmm_pipeline.storage.warehouses import Warehouse

__all__ = ["load_campaigns"]


def load_campaigns(warehouse: Warehouse, settings: Settings) -> LoadSummary:
    """Read the source and replace the tables `raw_campaigns`, `rejected_rows` and `campaign_totals`.

    Rows of a file are parsed and judged inside DuckDB, rows in BigQuery there. When the source is refused as a whole,
    `raw_campaigns` stays as it was.

    Raises:
        CampaignDataError: the source cannot be read, lacks columns or rows, or more than
            `validation.max_rejected_share` of its rows are refused (`rejected_rows` is written then).
        StoredResultError: the warehouse cannot be written.
        WarehouseError: BigQuery refused or cannot be reached.
    """
    if settings.source.kind == "bigquery":
        from mmm_pipeline.ingestion.rows.bigquery import load_bigquery_table

        return load_bigquery_table(warehouse, settings)
    return load_file(warehouse, settings)
