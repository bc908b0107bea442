"""The tables of the pipeline in one DuckDB file that several processes and threads may use at once."""

from __future__ import annotations

import re
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_delay, wait_exponential

from mmm_pipeline.errors import StorageUnavailable, StoredResultError
from mmm_pipeline.storage.file_errors import file_error, is_writable
from mmm_pipeline.storage.warehouse.contract_types import as_arrow, require_table_name, typed
from mmm_pipeline.storage.warehouse.dialect import DUCKDB, Dialect
from mmm_pipeline.storage.warehouse.jobs import WarehouseJob
from mmm_pipeline.tables.catalog import empty_table, violations

if TYPE_CHECKING:
    import datetime as dt

    import duckdb
    import pyarrow as pa

__all__ = ["SCHEMA", "DuckDBWarehouse", "open_database", "table_identifier"]

SCHEMA = "mmm"
MEMORY_LIMIT = "2GB"
_BATCH_ROWS = 200_000

_HOLDER = re.compile(r"\(PID (\d+)\)")
_FULL = re.compile("no space left|file too large|quota exceeded", re.IGNORECASE)
_DENIED = re.compile("permission denied|read-only", re.IGNORECASE)
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.01, 0.5  # seconds
_TOLD_AFTER_SECONDS = 3.0
# DuckDB serialises writers of different processes; these serialise the threads of this one.
_WRITERS: defaultdict[Path, threading.RLock] = defaultdict(threading.RLock)
# A second thread could otherwise be handed a database that the first is still setting up.
_OPENING = threading.Lock()


class DuckDBWarehouse:
    """Named tables in the schema `mmm` of one DuckDB file.

    DuckDB lets one process at a time open a file, so a connection is held only for the length of one operation and an
    operation waits for its turn.

    Args:
        path: the database file; it and its folder are created at the first write. Its name must not be that of the
            schema (`mmm.duckdb`), which DuckDB could not tell apart.
        wait_seconds: how long to wait for another process to close the file.
        told: called once for every wait that takes seconds, with a sentence that names who is waited for.

    Raises:
        StoredResultError: the file's name is that of the schema.
    """

    def __init__(self, path: Path, *, wait_seconds: float = 60.0, told: Callable[[str], object] | None = None) -> None:
        if path.stem == SCHEMA:
            raise StoredResultError(f"{path}: the warehouse file must not be named like its schema {SCHEMA!r}")
        self.path = path
        self.place = str(path)
        self.scratch = path.parent
        self.wait_seconds = wait_seconds
        self._told = told

    def __repr__(self) -> str:
        return f"DuckDBWarehouse({str(self.path)!r})"

    @property
    def dialect(self) -> Dialect:
        return DUCKDB

    def take_jobs(self) -> tuple[WarehouseJob, ...]:
        """None: everything runs in this process."""
        return ()

    def identifier(self, name: str) -> str:
        return table_identifier(name)

    def query(self, sql: str, parameters: Mapping[str, str | int | float | dt.date] | None = None) -> pa.Table:
        """The result of a query; values enter as `$name` only."""
        with self.connect() as connection:
            table: pa.Table = connection.sql(sql, params=dict(parameters or {}) or None).to_arrow_table()
        return table

    @contextmanager
    def connect(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection of its own, closed at the end; SQL run on it cannot read or write other files.

        A file that must not be written, as in a home to look at, is opened to read.

        Raises:
            StorageUnavailable: another process keeps the file open for longer than `wait_seconds`, or the disk is full.
            StoredResultError: the file cannot be opened, read or written.
        """
        import duckdb

        connection = self._open()
        try:
            yield connection
        except (
            duckdb.IOException,
            duckdb.FatalException,
            duckdb.InternalException,
            duckdb.TransactionException,
        ) as error:
            raise self._unusable(error) from error
        except duckdb.InvalidInputException as error:
            if not _DENIED.search(str(error)):
                raise
            raise self._unusable(error) from error
        finally:
            connection.close()

    def write_table(self, name: str, rows: pd.DataFrame | pa.RecordBatchReader) -> None:
        """Replace a table as a whole: readers see the old rows or the new ones, also when this process is killed.

        Columns named in the table's contract are stored with the contract's type where the values allow it; whether
        they keep the contract is for the checks to say.
        """
        self.write_tables({name: rows})

    def write_tables(self, tables: Mapping[str, pd.DataFrame | pa.RecordBatchReader]) -> None:
        """Replace several tables in one transaction: all of them or none."""
        arrow = {name: as_arrow(name, rows) for name, rows in tables.items()}
        with self._transaction() as connection:
            for name, rows in arrow.items():
                connection.register("incoming", rows)
                connection.execute(f"CREATE OR REPLACE TABLE {table_identifier(name)} AS SELECT * FROM incoming")
                connection.unregister("incoming")

    def read_table(self, name: str, *, limit: int | None = None, coerce: bool = True) -> pd.DataFrame:
        """The rows of a table.

        Args:
            name: the table.
            limit: at most this many rows, the first that were written; default: all.
            coerce: give columns the type of the table's contract where their values allow it.

        Raises:
            StoredResultError: there is no such table.
        """
        query = f"SELECT * FROM {table_identifier(name)} LIMIT $limit"
        with self.connect() as connection:
            self._require(connection, name)
            rows = connection.sql(query, params={"limit": limit}).to_arrow_table()
        frame = rows.to_pandas(date_as_object=False)
        return typed(name, frame) if coerce else frame

    def contract_violations(self, name: str, *, limit: int = 20) -> pd.DataFrame:
        """Rows that break the table's contract, as `contracts.violations` gives them, without loading the table.

        The rows are checked in batches, so a rule on the table as a whole (unique keys) is not seen here.

        Raises:
            StoredResultError: there is no such table.
        """
        found: list[pd.DataFrame] = []
        with self.connect() as connection:
            self._require(connection, name)
            stream = connection.sql(f"SELECT * FROM {table_identifier(name)}").to_arrow_reader(_BATCH_ROWS)
            seen = 0
            for batch in stream:
                rows = batch.to_pandas(date_as_object=False)
                rows.index = rows.index + seen
                seen += len(rows)
                found.append(violations(name, rows, limit))
                limit -= len(found[-1])
                if limit <= 0:
                    break
        return pd.concat(found, ignore_index=True) if found else violations(name, empty_table(name))

    def tables(self) -> tuple[str, ...]:
        """Names of all tables."""
        with self.connect() as connection:
            query = "SELECT table_name FROM duckdb_tables() WHERE schema_name = $schema ORDER BY table_name"
            return tuple(str(row[0]) for row in connection.execute(query, {"schema": SCHEMA}).fetchall())

    def has_table(self, name: str) -> bool:
        """Whether the table exists, with or without rows."""
        table_identifier(name)
        if not self.path.exists():
            return False
        with self.connect() as connection:
            return _exists(connection, name)

    def row_count(self, name: str) -> int:
        """Number of rows.

        Raises:
            StoredResultError: there is no such table.
        """
        table = table_identifier(name)
        with self.connect() as connection:
            self._require(connection, name)
            [(count,)] = connection.execute(f"SELECT COUNT(*) FROM {table}").fetchall()
        return int(count)

    def drop_table(self, name: str) -> None:
        """Remove a table if it is there."""
        if self.has_table(name):
            with self._transaction() as connection:
                connection.execute(f"DROP TABLE IF EXISTS {table_identifier(name)}")

    def _require(self, connection: duckdb.DuckDBPyConnection, name: str) -> None:
        if not _exists(connection, name):
            raise StoredResultError(
                f"{self.path}: there is no table {name!r} yet: run `mmm run`, or materialize the asset {name!r} "
                "and what is above it"
            )

    @contextmanager
    def _transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with _WRITERS[self.path.absolute()], self.connect() as connection:
            connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{SCHEMA}"')
            connection.execute("BEGIN TRANSACTION")
            yield connection  # an exception closes the connection, which rolls back
            connection.execute("COMMIT")

    def _open(self) -> duckdb.DuckDBPyConnection:
        import duckdb

        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoredResultError(f"this folder cannot be created: {file_error(error, self.path.parent)}") from error
        try:
            read_only = self.path.is_file() and not is_writable(self.path)
            return open_database(self.path, wait_seconds=self.wait_seconds, read_only=read_only, told=self._told)
        except duckdb.Error as error:
            raise self._unusable(error) from error

    def _unusable(self, error: Exception) -> StoredResultError:
        reason = str(error).strip().splitlines()[0].rstrip("!.")
        if _FULL.search(reason):
            return StorageUnavailable(
                f"{self.path}: the warehouse cannot be written: {reason}. Free space there and run again; the tables "
                "are as they were"
            )
        if _DENIED.search(reason):
            return StoredResultError(
                f"{self.path}: the warehouse cannot be used: {reason}. Let this user read and write the file and its "
                "folder; nothing is damaged"
            )
        return StoredResultError(
            f"{self.path}: the warehouse cannot be used: {reason}. If the file is damaged, delete it together with "
            f"{self.path.name}.wal and run again: every table in it is computed from the source"
        )


def open_database(
    path: Path,
    *,
    wait_seconds: float = 60.0,
    read_only: bool = False,
    told: Callable[[str], object] | None = None,
) -> duckdb.DuckDBPyConnection:
    """Open a DuckDB file, waiting for its turn; SQL on the connection cannot reach other files.

    `told` is called once the wait takes seconds, with a sentence that names who is waited for.

    Raises:
        StorageUnavailable: another process keeps the file open for longer than `wait_seconds`.
        duckdb.Error: the file cannot be opened.
    """
    import duckdb

    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": MEMORY_LIMIT,
        "autoinstall_known_extensions": False,
    }

    def opened() -> duckdb.DuckDBPyConnection:
        with _OPENING:
            connection = duckdb.connect(str(path), read_only=read_only, config=config)
        # Not in `config`: there it is applied too early, and locks the folder that large queries spill to.
        connection.execute("SET enable_external_access = false")
        return connection

    def is_held(error: BaseException) -> bool:
        return isinstance(error, duckdb.IOException) and "lock" in str(error).lower()

    has_told = False

    def tell(state: RetryCallState) -> None:
        nonlocal has_told
        if told is None or has_told or state.outcome is None or (state.seconds_since_start or 0) < _TOLD_AFTER_SECONDS:
            return
        has_told = True
        told(
            f"{path}: {_holder(state.outcome.exception())} holds the database open: waiting for it, "
            f"{wait_seconds / 60:.3g} minutes at most"
        )

    turns = Retrying(
        retry=retry_if_exception(is_held),
        wait=wait_exponential(multiplier=_SHORTEST_PAUSE, exp_base=1.5, max=_LONGEST_PAUSE),
        stop=stop_after_delay(wait_seconds),
        before_sleep=tell,
        reraise=True,
    )
    try:
        return turns(opened)
    except duckdb.IOException as error:
        if not is_held(error):
            raise
        raise StorageUnavailable(
            f"{path}: {_holder(error)} has held the database open for more than {wait_seconds:g} s: "
            "wait for that run to end, or stop it, and try again"
        ) from error


def _holder(error: BaseException | None) -> str:
    found = _HOLDER.search(str(error))
    return f"process {found.group(1)}" if found else "another process"


def table_identifier(name: str) -> str:
    """`"mmm"."name"`, for SQL text.

    Raises:
        StoredResultError: the name is not made of lower-case letters, digits and `_`.
    """
    require_table_name(name)
    return f'"{SCHEMA}"."{name}"'


def _storage_failures() -> tuple[type[Exception], ...]:
    """Errors that come from the file and its disk, not from the SQL."""
    import duckdb

    return (duckdb.IOException, duckdb.FatalException, duckdb.InternalException, duckdb.TransactionException)


def _exists(connection: duckdb.DuckDBPyConnection, name: str) -> bool:
    query = "SELECT COUNT(*) FROM duckdb_tables() WHERE schema_name = $schema AND table_name = $name"
    [(count,)] = connection.execute(query, {"schema": SCHEMA, "name": name}).fetchall()
    return bool(count)
