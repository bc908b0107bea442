"""Where the pipeline's tables lie: what every warehouse can do, and which one the settings ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pandas as pd

from mmm_pipeline.storage.warehouse.dialect import Dialect
from mmm_pipeline.storage.warehouse.jobs import WarehouseJob

if TYPE_CHECKING:
    import datetime as dt

    import pyarrow as pa

    from mmm_pipeline.settings.pipeline import Settings
    from mmm_pipeline.storage.home import RefreshFolder

__all__ = ["SqlEngine", "Warehouse", "open_warehouse"]


class SqlEngine(Protocol):
    """Something that runs queries of one dialect."""

    @property
    def dialect(self) -> Dialect:
        """How it spells SQL."""

    def query(self, sql: str, parameters: Mapping[str, str | int | float | dt.date] | None = None) -> pa.Table:
        """The result of a query; values enter as named parameters only."""

    def take_jobs(self) -> tuple[WarehouseJob, ...]:
        """Remote jobs since the last call; none when everything runs in this process."""


class Warehouse(SqlEngine, Protocol):
    """Named tables, each replaced as a whole.

    Columns named in a table's contract are stored with the contract's type where the values allow it; whether they keep
    the contract is for the checks to say.

    Attributes:
        place: what to call it in messages.
        scratch: local folder that may be used while rows are sorted out.
    """

    place: str
    scratch: Path

    def identifier(self, name: str) -> str:
        """The table's quoted name, for SQL text.

        Raises:
            StoredResultError: the name cannot name a table.
        """

    def write_table(self, name: str, rows: pd.DataFrame | pa.RecordBatchReader) -> None:
        """Replace a table: readers see the old rows or the new ones, also when this process is killed."""

    def write_tables(self, tables: Mapping[str, pd.DataFrame | pa.RecordBatchReader]) -> None:
        """Replace several tables."""

    def read_table(self, name: str, *, limit: int | None = None, coerce: bool = True) -> pd.DataFrame:
        """The rows of a table, in the order in which they were written.

        Args:
            name: the table.
            limit: at most this many rows, the first ones; default: all.
            coerce: give columns the type of the table's contract where their values allow it.

        Raises:
            StoredResultError: there is no such table.
        """

    def contract_violations(self, name: str, *, limit: int = 20) -> pd.DataFrame:
        """Rows that break the table's contract, as `contracts.violations` gives them, without loading the table.

        A rule on the table as a whole (unique keys) is not seen here.

        Raises:
            StoredResultError: there is no such table.
        """

    def tables(self) -> tuple[str, ...]:
        """Names of all tables, in alphabetical order."""

    def has_table(self, name: str) -> bool:
        """Whether the table exists, with or without rows."""

    def row_count(self, name: str) -> int:
        """Number of rows.

        Raises:
            StoredResultError: there is no such table.
        """

    def drop_table(self, name: str) -> None:
        """Remove a table if it is there."""


def open_warehouse(settings: Settings, folder: RefreshFolder, told: Callable[[str], object] | None = None) -> Warehouse:
    """The warehouse of a partition, of the kind that `warehouse.kind` names; a remote one is connected at first use.

    Args:
        settings: of the pipeline.
        folder: where a local one is.
        told: who is told that another process has to be waited for, as a run does, `runs.warehouse_wait_minutes` long;
            None: a person waits, who would rather hear of it after a minute.
    """
    if settings.warehouse.kind == "bigquery":
        from mmm_pipeline.storage.warehouse.bigquery.warehouse import BigQueryWarehouse

        return BigQueryWarehouse.from_settings(settings, scratch=folder.root, partition=folder.key)
    from mmm_pipeline.storage.warehouse.duckdb import DuckDBWarehouse

    if told is None:
        return DuckDBWarehouse(folder.warehouse_file)
    return DuckDBWarehouse(folder.warehouse_file, wait_seconds=60 * settings.runs.warehouse_wait_minutes, told=told)
