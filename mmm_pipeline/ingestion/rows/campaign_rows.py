"""Where the accepted media and KPI rows are, as something SQL can read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

from mmm_pipeline.errors import CampaignDataError
from mmm_pipeline.ingestion.rows.totals import accepted_rows
from mmm_pipeline.ingestion.shapes.row_tables import RowTable, kpi_table, media_table
from mmm_pipeline.ingestion.sources.opening import source_name
from mmm_pipeline.settings.pipeline import Settings
from mmm_pipeline.storage.warehouses import SqlEngine, Warehouse

__all__ = ["CampaignRows", "campaign_rows", "own_kpi_rows", "rows_stay_in_bigquery"]


@dataclass(frozen=True)
class CampaignRows:
    """The accepted rows: a table of the warehouse, or a statement over the BigQuery table that is the source.

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
                f"{self.where}: had {self.expected:,} accepted rows when media_rows was made and has {rows:,} now: "
                "materialize media_rows again, when nothing writes to the table"
            )


def rows_stay_in_bigquery(settings: Settings, table: RowTable) -> bool:
    """Whether a table's rows are read where they are: BigQuery is their source, and the warehouse is local."""
    return table.source.kind == "bigquery" and settings.warehouse.kind == "duckdb"


def campaign_rows(warehouse: Warehouse, settings: Settings) -> CampaignRows:
    """The accepted media rows of the last load.

    Raises:
        StoredResultError: nothing has been loaded.
    """
    return _rows_of(warehouse, settings, media_table(settings), "media_rows")


def own_kpi_rows(warehouse: Warehouse, settings: Settings) -> CampaignRows | None:
    """The accepted KPI rows of the last load; None where the KPI stands in the media rows.

    Raises:
        StoredResultError: nothing has been loaded.
    """
    table = kpi_table(settings)
    return None if table is None else _rows_of(warehouse, settings, table, "kpi_rows")


def _rows_of(warehouse: Warehouse, settings: Settings, table: RowTable, name: str) -> CampaignRows:
    if not rows_stay_in_bigquery(settings, table):
        warehouse.row_count(name)  # a table that is not there is an error that says what to run
        return CampaignRows(warehouse, warehouse.identifier(name), where=source_name(table.source))
    from mmm_pipeline.ingestion.rows.bigquery import SourceTable

    totals = warehouse.read_table("campaign_totals")
    expected = accepted_rows(totals.loc[totals["table_name"] == table.name])
    source = SourceTable.open(settings, table)
    return CampaignRows(source, f"({source.accepted()})", source.parameters, str(source.name), expected)
