"""Where the rows of a source lie as text while they are judged: a DuckDB database in memory that spills to disk."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mmm_pipeline.errors import CampaignDataError, StoredResultError
from mmm_pipeline.storage.scratch import scratch_folder

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

__all__ = ["Staging", "require_none_refused", "staging_area"]

MEMORY_LIMIT = "2GB"
_BATCH_ROWS = 10_000


@contextmanager
def staging_area(folder: Path) -> Iterator[Staging]:
    """A database of its own that spills below `folder`; nothing of it is left at the end."""
    import duckdb

    folder.mkdir(parents=True, exist_ok=True)
    with scratch_folder("staging", folder) as spill:
        config: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": MEMORY_LIMIT,
            "temp_directory": str(spill),
            "autoinstall_known_extensions": False,
            "TimeZone": "UTC",
        }
        with duckdb.connect(":memory:", config=config) as connection:
            try:
                yield Staging(connection)
            except (duckdb.OutOfMemoryException, duckdb.IOException) as error:
                raise StoredResultError(
                    f"{folder}: the campaign rows could not be sorted out for want of memory or disk space: {error}"
                ) from error


class Staging:
    """The tables `source` (rows as text) and `refused` (rows broken before they had columns)."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        self._width = 0
        self._names: tuple[str, ...] = ()
        self._refused: list[tuple[int, str, str, str]] = []

    @property
    def columns(self) -> list[str]:
        """Names of the text columns, by position."""
        return [f"c{position}" for position in range(self._width)]

    def create(self, headers: Sequence[str]) -> None:
        """Empty tables for a source with these headers."""
        self._refused.clear()
        self._width = len(headers)
        self._names = tuple(header.strip() or f"column {number}" for number, header in enumerate(headers, 1))
        columns = ", ".join(f"{column} VARCHAR" for column in self.columns)
        self.connection.execute(f"CREATE OR REPLACE TABLE source (line_number BIGINT, {columns})")
        self.connection.execute(
            'CREATE OR REPLACE TABLE refused (line_number BIGINT, reason VARCHAR, value VARCHAR, "row" VARCHAR)'
        )

    def append(self, lines: Sequence[int], rows: Sequence[Sequence[str | None]]) -> None:
        """Add rows, each as wide as the header; '' counts as no value."""
        import pyarrow as pa

        if rows:
            texts = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
            batch = pa.table([pa.array(lines, pa.int64()), *texts], names=["line_number", *self.columns])
            blanked = ", ".join(f"NULLIF({column}, '')" for column in self.columns)
            self._insert(f"INSERT INTO source SELECT line_number, {blanked} FROM batch", batch)

    def refuse(self, line: int, reason: str, value: str, fields: Sequence[str]) -> None:
        """Note a row that has no columns; its fields are kept under the headers as far as they go."""
        names = [*self._names, *(f"field {number}" for number in range(len(self._names) + 1, len(fields) + 1))]
        row = json.dumps(dict(zip(names, fields, strict=False)), ensure_ascii=False)
        self._refused.append((line, reason, value, row))
        if len(self._refused) >= _BATCH_ROWS:
            self.flush()

    def flush(self) -> None:
        """Bring rows noted by `refuse` into their table."""
        import pyarrow as pa

        if self._refused:
            lines, *texts = zip(*self._refused, strict=True)
            columns = [pa.array(lines, pa.int64()), *(pa.array(column, pa.string()) for column in texts)]
            batch = pa.table(columns, names=["line_number", "reason", "value", "row"])
            self._insert("INSERT INTO refused SELECT * FROM batch", batch)
            self._refused.clear()

    def _insert(self, statement: str, batch: pa.Table) -> None:
        self.connection.register("batch", batch)
        self.connection.execute(statement)
        self.connection.unregister("batch")

    def close_to_files(self) -> None:
        """From here on no SQL can read or write a file."""
        self.connection.execute("SET enable_external_access = false")


def require_none_refused(staging: Staging, path: Path, what: str) -> None:
    """Raise for the first row of a file that was broken before it had columns.

    Raises:
        CampaignDataError: there is one.
    """
    query = "SELECT line_number, reason, value FROM refused ORDER BY line_number LIMIT 1"
    for line, reason, value in staging.connection.execute(query).fetchall():
        raise CampaignDataError(f"{path}: line {line} is no row of {what}: {reason} ({value})")
