"""The tables of the pipeline in one DuckDB file that several processes and threads may use at once."""

from __future__ import annotations

import re
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from mmm_pipeline.contracts import CONTRACTS, empty_table, violations
from mmm_pipeline.errors import StoredResultError

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

__all__ = ["SCHEMA", "Warehouse", "open_database", "table_identifier"]

SCHEMA = "mmm"
MEMORY_LIMIT = "2GB"
_BATCH_ROWS = 200_000

_TABLE_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}\Z")
_HOLDER = re.compile(r"\(PID (\d+)\)")
_LONGEST_PAUSE = 0.5
# DuckDB serialises writers of different processes; these serialise the threads of this one.
_WRITERS: defaultdict[Path, threading.RLock] = defaultdict(threading.RLock)
# A second thread could otherwise be handed a database that the first is still setting up.
_OPENING = threading.Lock()


class Warehouse:
    """Named tables in the schema `mmm` of one DuckDB file.

    DuckDB lets one process at a time open a file, so a connection is held only for the length of one operation and an
    operation waits for its turn.

    Args:
        path: the database file; it and its folder are created at the first write. Its name must not be that of the
            schema (`mmm.duckdb`), which DuckDB could not tell apart.
        wait_seconds: how long to wait for another process to close the file.

    Raises:
        StoredResultError: the file's name is that of the schema.
    """

    def __init__(self, path: Path, *, wait_seconds: float = 60.0) -> None:
        if path.stem == SCHEMA:
            raise StoredResultError(f"{path}: the warehouse file must not be named like its schema {SCHEMA!r}")
        self.path = path
        self.wait_seconds = wait_seconds

    def __repr__(self) -> str:
        return f"Warehouse({str(self.path)!r})"

    @contextmanager
    def connect(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection of its own, closed at the end; SQL run on it cannot read or write other files.

        Raises:
            StoredResultError: another process keeps the file open for longer than `wait_seconds`, or the file cannot be
                opened, read or written.
        """
        import duckdb

        connection = self._open()
        try:
            yield connection
        except (duckdb.IOException, duckdb.FatalException, duckdb.InternalException) as error:
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
        arrow = {name: _arrow(name, rows) for name, rows in tables.items()}
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
        return _typed(name, frame) if coerce else frame

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

    def breakdown(self) -> pd.DataFrame:
        """Totals of the accepted campaign rows by brand and by marketplace.

        Returns:
            Columns `dimension`, `value` (missing where a row has none), `rows`, `spend`, `media_units` and `kpi`; a
            dimension that the source does not have is left out.

        Raises:
            StoredResultError: no campaign rows are stored.
        """
        totals = "COUNT(*) AS rows, SUM(spend) AS spend, SUM(media_units) AS media_units, SUM(kpi) AS kpi"
        table = table_identifier("raw_campaigns")
        query = " UNION ALL ".join(
            f"""SELECT '{dimension}' AS dimension, "{dimension}" AS value, {totals} FROM {table}
            GROUP BY 2 HAVING (SELECT COUNT("{dimension}") FROM {table}) > 0"""
            for dimension in ("brand", "marketplace")
        )
        with self.connect() as connection:
            self._require(connection, "raw_campaigns")
            rows: pd.DataFrame = connection.sql(f"{query} ORDER BY 1, 4 DESC, 2").to_arrow_table().to_pandas()
        return rows

    def rejection_reasons(self) -> dict[str, int]:
        """Reason -> number of refused campaign rows, most frequent first.

        Raises:
            StoredResultError: no campaign rows are stored.
        """
        query = f"SELECT reason, COUNT(*) FROM {table_identifier('rejected_rows')} GROUP BY 1 ORDER BY 2 DESC, 1"
        with self.connect() as connection:
            self._require(connection, "rejected_rows")
            return {str(reason): int(count) for reason, count in connection.execute(query).fetchall()}

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
            raise StoredResultError(f"{self.path.parent}: this folder cannot be created: {error}") from error
        try:
            return open_database(self.path, wait_seconds=self.wait_seconds)
        except duckdb.Error as error:
            raise self._unusable(error) from error

    def _unusable(self, error: Exception) -> StoredResultError:
        reason = str(error).strip().splitlines()[0]
        return StoredResultError(
            f"{self.path}: the warehouse cannot be used: {reason}. If the file is damaged, delete it together with "
            f"{self.path.name}.wal and run again: every table in it is computed from the source"
        )


def open_database(path: Path, *, wait_seconds: float = 60.0, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """Open a DuckDB file, waiting for its turn; SQL on the connection cannot reach other files.

    Raises:
        StoredResultError: another process keeps the file open for longer than `wait_seconds`.
        duckdb.Error: the file cannot be opened.
    """
    import duckdb

    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": MEMORY_LIMIT,
        "autoinstall_known_extensions": False,
    }
    deadline = time.monotonic() + wait_seconds
    pause = 0.01
    while True:
        try:
            with _OPENING:
                connection = duckdb.connect(str(path), read_only=read_only, config=config)
            # Not in `config`: there it is applied too early, and locks the folder that large queries spill to.
            connection.execute("SET enable_external_access = false")
            return connection
        except duckdb.IOException as error:
            if "lock" not in str(error).lower():
                raise
            if time.monotonic() >= deadline:
                holder = _HOLDER.search(str(error))
                who = f"process {holder.group(1)}" if holder else "another process"
                raise StoredResultError(
                    f"{path}: {who} has held the database open for more than {wait_seconds:g} s: "
                    "wait for that run to end, or stop it, and try again"
                ) from error
        time.sleep(pause)
        pause = min(pause * 1.5, _LONGEST_PAUSE)


def table_identifier(name: str) -> str:
    """`"mmm"."name"`, for SQL text.

    Raises:
        StoredResultError: the name is not made of lower-case letters, digits and `_`.
    """
    if not _TABLE_NAME.match(name):
        raise StoredResultError(
            f"{name!r} cannot name a table: accepted are up to 63 lower-case letters, digits and _, a letter first"
        )
    return f'"{SCHEMA}"."{name}"'


def _exists(connection: duckdb.DuckDBPyConnection, name: str) -> bool:
    query = "SELECT COUNT(*) FROM duckdb_tables() WHERE schema_name = $schema AND table_name = $name"
    [(count,)] = connection.execute(query, {"schema": SCHEMA, "name": name}).fetchall()
    return bool(count)


def _arrow(name: str, rows: pd.DataFrame | pa.RecordBatchReader) -> pa.Table | pa.RecordBatchReader:
    import pyarrow as pa

    if not isinstance(rows, pd.DataFrame):
        return rows
    # Arrow, not DuckDB, decides the types: DuckDB guesses those of object columns from a sample.
    columns = {}
    for column, values in _typed(name, rows).items():
        is_text = values.dtype == object and _contract_type(name, str(column)) == "str"
        columns[str(column)] = pa.Array.from_pandas(values, type=pa.string() if is_text else None)
    return pa.table(columns)


def _typed(name: str, rows: pd.DataFrame) -> pd.DataFrame:
    """`rows` with the contract's types; a column that cannot have it keeps its own, for the checks to report."""
    return pd.DataFrame({column: _cast(values, _contract_type(name, str(column))) for column, values in rows.items()})


def _cast(values: pd.Series, dtype: str | None) -> pd.Series:
    if dtype is None:
        return values
    if dtype == "str":
        present = values.notna()
        return values.astype(object).where(present, None).map(lambda value: None if value is None else str(value))
    try:
        return values.astype(dtype)  # type: ignore[call-overload]
    except (TypeError, ValueError):
        return values


def _contract_type(name: str, column: str) -> str | None:
    schema = CONTRACTS.get(name)
    field = schema.columns.get(column) if schema is not None else None
    return str(field.dtype) if field is not None else None
