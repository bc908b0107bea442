"""The tables of the pipeline in a BigQuery dataset of the user's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from mmm_pipeline.errors import StoredResultError
from mmm_pipeline.storage.scratch import scratch_folder
from mmm_pipeline.storage.warehouse.bigquery.client import BigQuery, Parameter
from mmm_pipeline.storage.warehouse.bigquery.names import DatasetName, TableName, dataset_name
from mmm_pipeline.storage.warehouse.contract_sql import broken_rows
from mmm_pipeline.storage.warehouse.contract_types import as_arrow, require_table_name, typed
from mmm_pipeline.storage.warehouse.dialect import BIGQUERY, Dialect
from mmm_pipeline.storage.warehouse.jobs import WarehouseJob
from mmm_pipeline.tables.catalog import CONTRACTS, violations

if TYPE_CHECKING:
    import pyarrow as pa
    from google.cloud import bigquery

    from mmm_pipeline.settings.pipeline import Settings

__all__ = ["ORDER_COLUMN", "BigQueryWarehouse"]

ORDER_COLUMN = "row_order"
"""Column of tables written from here: a BigQuery table has no order of its own, and some of ours do (best first)."""


class BigQueryWarehouse:
    """Tables in one dataset, each replaced by one job: readers see the old rows or the new ones.

    Several tables are replaced one after the other, not in one transaction.

    Args:
        connection: runs the jobs.
        dataset: `[project.]dataset`; it must exist.
        scratch: local folder for files on their way.
        partition: key such as `2025-03-24`; its tables end in `_20250324`, as BigQuery's date-sharded tables do.
    """

    def __init__(self, connection: BigQuery, dataset: str, *, scratch: Path, partition: str | None = None) -> None:
        dataset_name(dataset, setting="warehouse.dataset")
        self.connection = connection
        self.scratch = scratch
        self.place = dataset
        self._dataset = dataset
        self._shard = f"_{partition.replace('-', '')}" if partition else ""

    @classmethod
    def from_settings(cls, settings: Settings, *, scratch: Path, partition: str | None = None) -> BigQueryWarehouse:
        """The warehouse of `warehouse.dataset`.

        Raises:
            SettingsError: that cannot name a dataset.
        """
        assert settings.warehouse.dataset is not None
        return cls(BigQuery(settings.bigquery), settings.warehouse.dataset, scratch=scratch, partition=partition)

    def __repr__(self) -> str:
        return f"BigQueryWarehouse({self.place!r})"

    @property
    def dialect(self) -> Dialect:
        return BIGQUERY

    @property
    def dataset(self) -> DatasetName:
        """The dataset, with its project."""
        return self.connection.dataset_name(self._dataset, "warehouse.dataset")

    def take_jobs(self) -> tuple[WarehouseJob, ...]:
        return self.connection.take_jobs()

    def identifier(self, name: str) -> str:
        return self._name(name).quoted

    def query(self, sql: str, parameters: Mapping[str, Parameter] | None = None) -> pa.Table:
        """The result of a query; values enter as `@name` only."""
        return self.connection.query(sql, parameters, about=str(self.dataset), doing="querying the tables")

    def write_table(self, name: str, rows: pd.DataFrame | pa.RecordBatchReader) -> None:
        """Replace a table by one load job.

        Raises:
            WarehouseError: the job failed; the table is as it was.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        table = self._name(name)
        arrow = as_arrow(name, rows)
        batches = arrow.to_batches() if isinstance(arrow, pa.Table) else arrow
        schema = pa.schema(
            [*(pa.field(it.name, _stored_type(it.type)) for it in arrow.schema), pa.field(ORDER_COLUMN, pa.int64())]
        )
        self.scratch.mkdir(parents=True, exist_ok=True)
        with scratch_folder("staging", self.scratch) as folder:
            file = folder / f"{name}.parquet"
            written = 0
            with pq.ParquetWriter(file, schema) as writer:
                for batch in batches:
                    order = pa.array(range(written, written + batch.num_rows), pa.int64())
                    columns = [*(pa.Table.from_batches([batch]).columns), order]
                    cast = [column.cast(field.type) for column, field in zip(columns, schema, strict=True)]
                    writer.write_table(pa.table(cast, schema=schema))
                    written += batch.num_rows
            self.connection.load(file, table, [_field(it) for it in schema], doing=f"writing {name}")

    def write_tables(self, tables: Mapping[str, pd.DataFrame | pa.RecordBatchReader]) -> None:
        for name, rows in tables.items():
            self.write_table(name, rows)

    def write_query(self, name: str, sql: str, parameters: Mapping[str, Parameter]) -> None:
        """Replace a table by the result of a query, inside BigQuery.

        Raises:
            WarehouseError: the job failed; the table is as it was.
        """
        table = self._name(name)
        self.connection.execute(
            f"CREATE OR REPLACE TABLE {table.quoted} AS {sql}", parameters, about=str(table), doing=f"making {name}"
        )

    def read_table(self, name: str, *, limit: int | None = None, coerce: bool = True) -> pd.DataFrame:
        """The rows of a table, in the order in which they were written; rows made inside BigQuery in any order.

        Raises:
            StoredResultError: there is no such table.
            WarehouseError: it cannot be read.
        """
        table = self._require(name)
        ordered = any(field.name == ORDER_COLUMN for field in table.schema)
        if limit is not None and ordered:
            order = BIGQUERY.identifier(ORDER_COLUMN)
            sql = f"SELECT * FROM {self.identifier(name)} ORDER BY {order} LIMIT {limit:d}"
            rows = self.connection.query(sql, about=str(self._name(name)), doing=f"reading {name}")
        else:
            with self.connection.explaining(str(self._name(name)), f"reading {name}"):
                # Listing rows is not a query and costs nothing.
                listed = self.connection.client.list_rows(
                    table,
                    max_results=limit,
                    retry=self.connection.retry,
                    timeout=self.connection.request_seconds,
                )
                rows = listed.to_arrow(create_bqstorage_client=False)
        frame: pd.DataFrame = rows.to_pandas(date_as_object=False)
        if ordered:
            frame = frame.sort_values(ORDER_COLUMN, kind="stable").drop(columns=ORDER_COLUMN).reset_index(drop=True)
        if coerce:
            return typed(name, frame)
        # What the database changed in passing is not a breach of the contract.
        days = {column: "datetime64[ns]" for column, kind in frame.dtypes.items() if str(kind).startswith("datetime64")}
        return frame.astype(days)

    def contract_violations(self, name: str, *, limit: int = 20) -> pd.DataFrame:
        """Rows that break the contract, found by SQL; the first row is always looked at, for its columns and types.

        Raises:
            StoredResultError: there is no such table.
            WarehouseError: it cannot be read.
        """
        stored = {field.name for field in self._require(name).schema}
        rows = pd.DataFrame()
        if stored >= set(CONTRACTS[name].columns):
            sql = f"{broken_rows(name, BIGQUERY, self.identifier(name))} LIMIT {limit:d}"
            found = self.connection.query(sql, about=str(self._name(name)), doing=f"checking the contract of {name}")
            rows = found.to_pandas(date_as_object=False).drop(columns=[ORDER_COLUMN], errors="ignore")
        if rows.empty:
            rows = self.read_table(name, limit=1)
        return violations(name, typed(name, rows), limit)

    def tables(self) -> tuple[str, ...]:
        """Names of all tables of the partition.

        Raises:
            WarehouseError: there is no such dataset.
        """
        dataset = self.dataset
        with self.connection.explaining(str(dataset), "listing the tables of warehouse.dataset"):
            listed = self.connection.client.list_tables(
                str(dataset), retry=self.connection.retry, timeout=self.connection.request_seconds
            )
            names = (str(item.table_id) for item in listed)
            return tuple(sorted(name.removesuffix(self._shard) for name in names if name.endswith(self._shard)))

    def has_table(self, name: str) -> bool:
        """Whether the table exists, with or without rows."""
        return self._find(name) is not None

    def row_count(self, name: str) -> int:
        """Number of rows.

        Raises:
            StoredResultError: there is no such table.
        """
        return int(self._require(name).num_rows or 0)

    def drop_table(self, name: str) -> None:
        """Remove a table if it is there."""
        table = self._name(name)
        with self.connection.explaining(str(table), f"removing {name}"):
            self.connection.client.delete_table(
                str(table), not_found_ok=True, retry=self.connection.retry, timeout=self.connection.request_seconds
            )

    def _name(self, name: str) -> TableName:
        require_table_name(name)
        return self.dataset.table(name + self._shard)

    def _find(self, name: str) -> bigquery.Table | None:
        from google.api_core.exceptions import NotFound

        table = self._name(name)
        with self.connection.explaining(str(table), f"looking up {name}"):
            try:
                return self.connection.client.get_table(
                    str(table), retry=self.connection.retry, timeout=self.connection.request_seconds
                )
            except NotFound as error:
                if "dataset" in str(error).lower() and "table" not in str(error).lower():
                    raise
                return None

    def _require(self, name: str) -> bigquery.Table:
        table = self._find(name)
        if table is None:
            raise StoredResultError(
                f"{self._name(name)}: there is no such table yet: run `mmm run`, or materialize the asset {name!r} "
                "and what is above it"
            )
        return table


def _stored_type(kind: pa.DataType) -> pa.DataType:
    """The type in BigQuery: days are dates."""
    import pyarrow as pa

    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return pa.date32()
    return pa.string() if pa.types.is_null(kind) or pa.types.is_large_string(kind) else kind


def _field(field: pa.Field) -> bigquery.SchemaField:
    import pyarrow as pa
    from google.cloud import bigquery

    kinds = (
        (pa.types.is_date, "DATE"),
        (pa.types.is_boolean, "BOOLEAN"),
        (pa.types.is_integer, "INTEGER"),
        (pa.types.is_floating, "FLOAT"),
    )
    kind = next((name for matches, name in kinds if matches(field.type)), "STRING")
    return bigquery.SchemaField(field.name, kind)
