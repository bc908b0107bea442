"""The campaign tables that rows are merged into: in a DuckDB file, or in BigQuery."""

from __future__ import annotations

import datetime as dt
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmm_pipeline.errors import SettingsError, StoredResultError
from mmm_pipeline.ingestion.landing.landing import CampaignTable, MergeCounts
from mmm_pipeline.ingestion.landing.sql import ROW_OF_KEY, LandingPlan
from mmm_pipeline.ingestion.sources.table_file import duckdb_identifier
from mmm_pipeline.settings.pipeline import Settings
from mmm_pipeline.storage.scratch import scratch_folder
from mmm_pipeline.storage.warehouse.dialect import BIGQUERY, DUCKDB
from mmm_pipeline.storage.warehouse.jobs import WarehouseJob

if TYPE_CHECKING:
    import pyarrow as pa
    from google.cloud import bigquery

    from mmm_pipeline.storage.warehouse.bigquery.client import BigQuery

__all__ = ["BigQueryCampaignTable", "DuckDBCampaignTable", "campaign_table"]

_STAGING_LIVES = dt.timedelta(hours=6)
_KINDS = {
    "DATE": "date",
    "VARCHAR": "text",
    "STRING": "text",
    "DOUBLE": "number",
    "FLOAT": "number",
    "FLOAT64": "number",
}


class DuckDBCampaignTable:
    """A table of a DuckDB file.

    Args:
        path: the file; made when it is missing.
        table: `[schema.]table`.
    """

    def __init__(self, path: Path, table: str) -> None:
        self.place = f"{path}:{table}"
        self._path = path
        self._table = table
        self._name = duckdb_identifier(path, table)

    def columns(self) -> tuple[tuple[str, str], ...] | None:
        """Name and kind of each column; None when there is no such table.

        Raises:
            StoredResultError: the file cannot be opened.
        """
        import duckdb

        from mmm_pipeline.storage.warehouse.duckdb import open_database

        if not self._path.exists():
            return None
        try:
            with open_database(self._path, read_only=True) as connection:
                found = connection.execute(f"DESCRIBE {self._name}").fetchall()
        except duckdb.CatalogException:
            return None
        except duckdb.Error as error:
            raise self._unusable(error) from error
        return tuple((str(row[0]), _KINDS.get(str(row[1]), str(row[1]))) for row in found)

    def merge(self, plan: LandingPlan, rows: pa.RecordBatchReader, *, channel: str) -> MergeCounts:
        """Merge in one transaction; `channel` matters in BigQuery only.

        Raises:
            StoredResultError: the file cannot be written; it is as it was.
        """
        import duckdb

        from mmm_pipeline.storage.warehouse.duckdb import open_database

        self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with open_database(self._path) as connection:  # closing it rolls back what is not committed
                connection.execute("BEGIN TRANSACTION")
                if "." in self._table:
                    schema = DUCKDB.identifier(self._table.split(".")[0])
                    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
                connection.execute(f"CREATE TABLE IF NOT EXISTS {self._name} ({plan.definition(DUCKDB)})")
                connection.register("incoming", rows)
                connection.execute("CREATE TEMP TABLE staged_rows AS SELECT * FROM incoming")
                query = plan.counts(DUCKDB, self._name, "staged_rows")
                [(staged, known)] = connection.execute(query, plan.parameters).fetchall()
                merge = plan.merge(DUCKDB, self._name, "staged_rows")
                [(affected,)] = connection.execute(merge, plan.parameters).fetchall()
                connection.execute("COMMIT")
        except duckdb.Error as error:
            raise self._unusable(error) from error
        return MergeCounts(int(staged), int(known), int(affected) - int(staged))

    def take_jobs(self) -> tuple[WarehouseJob, ...]:
        """None: everything runs in this process."""
        return ()

    def _unusable(self, error: Exception) -> StoredResultError:
        reason = str(error).strip().splitlines()[0]
        return StoredResultError(
            f"{self.place}: nothing was loaded: {reason}. Is it a DuckDB file that may be written?"
        )


class BigQueryCampaignTable:
    """A BigQuery table, partitioned by the date; its dataset must exist.

    Args:
        connection: runs the jobs.
        table: `[project.]dataset.table`.
        scratch: local folder for the file on its way.
    """

    def __init__(self, connection: BigQuery, table: str, *, scratch: Path) -> None:
        self._connection = connection
        self._name = connection.table_name(table, "source.table")
        self._scratch = scratch
        self.place = str(self._name)

    def columns(self) -> tuple[tuple[str, str], ...] | None:
        """Name and kind of each column; None when there is no such table.

        Raises:
            WarehouseError: it cannot be looked up.
        """
        from google.api_core.exceptions import NotFound

        with self._connection.explaining(self.place, "looking up the campaign table"):
            try:
                table = self._connection.client.get_table(self.place, **self._patience)
            except NotFound:
                return None
        kinds = ((str(field.name), str(field.field_type)) for field in table.schema)
        return tuple((name, "number" if name == ROW_OF_KEY else _KINDS.get(kind, kind)) for name, kind in kinds)

    def merge(self, plan: LandingPlan, rows: pa.RecordBatchReader, *, channel: str) -> MergeCounts:
        """Load the rows into a table beside, and merge from there by one statement.

        Raises:
            WarehouseError: a job failed; the table is as it was, and what is beside it is gone.
        """
        import pyarrow.parquet as pq

        staging = self._name.dataset_name.table(f"{self._name.table}__incoming_{uuid.uuid4().hex[:12]}")
        target, beside = self._name.quoted, staging.quoted
        made = False
        self._scratch.mkdir(parents=True, exist_ok=True)
        try:
            with scratch_folder("staging", self._scratch) as folder:
                file = folder / "rows.parquet"
                with pq.ParquetWriter(file, rows.schema) as writer:
                    for batch in rows:
                        writer.write_batch(batch)
                self._create(str(staging), plan, expires=dt.datetime.now(dt.UTC) + _STAGING_LIVES)
                self._connection.load(file, staging, _schema(plan), doing="staging the new rows")
            if self.columns() is None:
                self._create(self.place, plan, channel=channel)
                made = True
            query = plan.counts(BIGQUERY, target, beside)
            about, run = self.place, self._connection
            counts = run.query(query, plan.parameters, about=about, doing="counting rows that are known").to_pylist()[0]
            merge = plan.merge(BIGQUERY, target, beside)
            job = run.execute(merge, plan.parameters, about=about, doing="merging the new rows", estimate=True)
        except BaseException:
            if made:
                self._delete(self.place)
            raise
        finally:
            self._delete(str(staging))
        affected = int(job.num_dml_affected_rows or 0)
        return MergeCounts(counts["staged"], counts["known"], max(affected - counts["staged"], 0))

    def take_jobs(self) -> tuple[WarehouseJob, ...]:
        return self._connection.take_jobs()

    @property
    def _patience(self) -> dict[str, Any]:
        return {"retry": self._connection.retry, "timeout": self._connection.request_seconds}

    def _create(
        self, name: str, plan: LandingPlan, *, expires: dt.datetime | None = None, channel: str | None = None
    ) -> None:
        from google.cloud import bigquery

        table = bigquery.Table(name, schema=_schema(plan))
        table.expires = expires
        if channel is not None:
            table.time_partitioning = bigquery.TimePartitioning(field=plan.date)
            table.clustering_fields = [channel]
            table.description = f"Campaign rows, merged by `mmm load`; a row is identified by {', '.join(plan.key)}."
        with self._connection.explaining(name, "making the table"):
            self._connection.client.create_table(table, **self._patience)

    def _delete(self, name: str) -> None:
        """Best effort: a staging table that stays, say because the network is gone, expires by itself."""
        from google.api_core.exceptions import GoogleAPIError

        try:
            self._connection.client.delete_table(
                name, not_found_ok=True, retry=self._connection.retry.with_timeout(10), timeout=10
            )
        except (GoogleAPIError, OSError):
            return


def campaign_table(settings: Settings, *, scratch: Path) -> CampaignTable:
    """The table that is the campaign source.

    Raises:
        SettingsError: the source is no table.
    """
    source = settings.source
    if source.kind == "duckdb":
        assert source.path is not None
        assert source.table is not None
        return DuckDBCampaignTable(source.path, source.table)
    if source.kind == "bigquery":
        from mmm_pipeline.storage.warehouse.bigquery.client import BigQuery

        assert source.table is not None
        return BigQueryCampaignTable(BigQuery(settings.bigquery), source.table, scratch=scratch)
    kind = "not given" if source.kind is None else repr(source.kind)
    raise SettingsError(f"source.kind is {kind}: rows can be loaded into a duckdb or bigquery table only")


def _schema(plan: LandingPlan) -> list[bigquery.SchemaField]:
    from google.cloud import bigquery

    fields = [bigquery.SchemaField(column.name, BIGQUERY.types[column.kind]) for column in plan.columns]
    return [*fields, bigquery.SchemaField(ROW_OF_KEY, "INT64")]
