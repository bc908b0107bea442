"""Where the accepted campaign rows are, as something SQL can read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

from mmm_pipeline.errors import CampaignDataError
from mmm_pipeline.ingestion.rows.totals import accepted_rows
from mmm_pipeline.settings.pipeline import Settings
from mmm_pipeline.storage.warehouses import SqlEngine, Warehouse

__all__ = ["CampaignRows", "campaign_rows", "rows_stay_in_bigquery"]


@dataclass(frozen=True)
class CampaignRows:
    """The accepted rows: the table `raw_campaigns`, or a statement over the BigQuery table that is the source.

    Attributes:
        engine: what runs queries on them.
        relation: what stands after FROM.
        parameters: values that `relation` takes.
        where: the source, for messages.
        expected: how many rows they were when they were judged; None: they cannot have changed since.
    """

    engine: SqlEngine
    relation: str
    parameters: Mapping[str, str | int | float | dt.date] = field(default_factory=dict)
    where: str = ""
    expected: int | None = None

    def require_unchanged(self, rows: int) -> None:
        """Refuse sums over other rows than those that were judged.

        Raises:
            CampaignDataError: the number of rows differs.
        """
        if self.expected is not None and rows != self.expected:
            raise CampaignDataError(
                f"{self.where}: had {self.expected:,} accepted rows when raw_campaigns was made and has {rows:,} now: "
                "materialize raw_campaigns again, when nothing writes to the table"
            )


def rows_stay_in_bigquery(settings: Settings) -> bool:
    """Whether the rows are read where they are: BigQuery is the source, and the warehouse is local."""
    return settings.source.kind == "bigquery" and settings.warehouse.kind == "duckdb"


def campaign_rows(warehouse: Warehouse, settings: Settings) -> CampaignRows:
    """The accepted rows of the last load.

    Raises:
        StoredResultError: nothing has been loaded.
    """
    if not rows_stay_in_bigquery(settings):
        warehouse.row_count("raw_campaigns")  # a table that is not there is an error that says what to run
        return CampaignRows(warehouse, warehouse.identifier("raw_campaigns"))
    from mmm_pipeline.ingestion.rows.bigquery import SourceTable

    expected = accepted_rows(warehouse.read_table("campaign_totals"))
    table = SourceTable.open(settings)
    return CampaignRows(table, f"({table.accepted()})", table.parameters, str(table.name), expected)
