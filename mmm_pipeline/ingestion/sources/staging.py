"""Where the rows of a source lie as text while they are judged: a DuckDB database in memory that spills to disk."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mmm_pipeline.errors import CampaignDataError, StoredResultError

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

__all__ = ["NumberCell", "Staging", "require_none_refused", "staging_area"]

MEMORY_LIMIT = "2GB"
_PREFIX = "staging-"
_BATCH_ROWS = 10_000
_ABANDONED_AFTER = 24 * 3600.0


@contextmanager
def staging_area(folder: Path) -> Iterator[Staging]:
    """A database of its own that spills below `folder`; nothing of it is left at the end."""
    import duckdb

    folder.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(folder)
    with tempfile.TemporaryDirectory(prefix=_PREFIX, dir=folder, ignore_cleanup_errors=True) as spill:
        config: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": MEMORY_LIMIT,
            "temp_directory": spill,
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


class NumberCell(str):
    """Text of a cell that holds a number, not text: its decimal mark is a point, whatever the column's texts have."""

    __slots__ = ()


class Staging:
    """The tables `source` (rows as text) and `refused` (rows broken before they had columns).

    Attributes:
        connection: to the database.
        number_columns: positions of columns that were numbers in the source; what they look like as text is ours.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        self.number_columns: frozenset[int] = frozenset()
        self._typed_cells = False
        self._rows = 0
        self._width = 0
        self._names: tuple[str, ...] = ()
        self._refused: list[tuple[int, str, str, str]] = []

    @property
    def columns(self) -> list[str]:
        """Names of the text columns, by position."""
        return [f"c{position}" for position in range(self._width)]

    @property
    def number_texts(self) -> str:
        """What stands after FROM to see only cells that were text in the source: `line_number`, `c0`, `c1`, ..."""
        if not self._typed_cells:
            return "source"
        cells = [f"CASE WHEN position = {at} THEN value END AS {column}" for at, column in enumerate(self.columns)]
        return f"(SELECT line_number, {', '.join(cells)} FROM text_cells) AS texts"

    def create(self, headers: Sequence[str], *, number_columns: Iterable[int] = (), typed_cells: bool = False) -> None:
        """Empty tables for a source with these headers.

        Args:
            headers: of every column.
            number_columns: positions of columns that are numbers in the source.
            typed_cells: every cell has a type of its own; `append` gets numbers as `NumberCell`.
        """
        self._refused.clear()
        self.number_columns = frozenset(number_columns)
        self._typed_cells = typed_cells
        self._rows = 0
        self._width = len(headers)
        self._names = tuple(header.strip() or f"column {number}" for number, header in enumerate(headers, 1))
        columns = ", ".join(f"{column} VARCHAR" for column in self.columns)
        self.connection.execute(f"CREATE OR REPLACE TABLE source (line_number BIGINT, {columns})")
        self.connection.execute(
            'CREATE OR REPLACE TABLE refused (line_number BIGINT, reason VARCHAR, value VARCHAR, "row" VARCHAR)'
        )
        self.connection.execute(
            "CREATE OR REPLACE TABLE text_cells "
            "(row_number BIGINT, line_number BIGINT, position INTEGER, value VARCHAR)"
        )

    def append(self, lines: Sequence[int], rows: Sequence[Sequence[str | None]]) -> None:
        """Add rows, each as wide as the header; '' counts as no value."""
        import pyarrow as pa

        if rows:
            texts = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
            batch = pa.table([pa.array(lines, pa.int64()), *texts], names=["line_number", *self.columns])
            blanked = ", ".join(f"NULLIF({column}, '')" for column in self.columns)
            self._insert(f"INSERT INTO source SELECT line_number, {blanked} FROM batch", batch)
            if self._typed_cells:
                self._note_texts(lines, rows)
            self._rows += len(rows)

    def _note_texts(self, lines: Sequence[int], rows: Sequence[Sequence[str | None]]) -> None:
        """Keep the cells of text that may be numbers with a mark."""
        import pyarrow as pa

        found = [
            (self._rows + at, line, position, cell)
            for at, (line, row) in enumerate(zip(lines, rows, strict=True))
            for position, cell in enumerate(row)
            if type(cell) is str and ("." in cell or "," in cell)
        ]
        if found:
            names = ["row_number", "line_number", "position", "value"]
            kinds = [pa.int64(), pa.int64(), pa.int32(), pa.string()]
            cells = [pa.array(cell, kind) for cell, kind in zip(zip(*found, strict=True), kinds, strict=True)]
            self._insert("INSERT INTO text_cells SELECT * FROM batch", pa.table(cells, names=names))

    def write_numbers_with_comma(self, position: int) -> None:
        """Give the cells of a column that hold numbers a decimal comma, as its texts have; nothing without such cells.

        Only a source whose cells have types of their own has columns of both.
        """
        if self._typed_cells:
            self.connection.execute(
                f"""UPDATE source SET c{position} = REPLACE(c{position}, '.', ',')
                WHERE rowid NOT IN (SELECT row_number FROM text_cells WHERE position = {position})"""
            )

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


def _remove_abandoned(folder: Path) -> None:
    """Spilled data of runs that were killed."""
    for left in folder.glob(f"{_PREFIX}*"):
        try:
            newest = max(path.stat().st_mtime for path in (left, *left.iterdir()))
        except OSError:
            continue
        if time.time() - newest > _ABANDONED_AFTER:
            shutil.rmtree(left, ignore_errors=True)


def require_none_refused(staging: Staging, path: Path, what: str) -> None:
    """Raise for the first row of a file that was broken before it had columns.

    Raises:
        CampaignDataError: there is one.
    """
    query = "SELECT line_number, reason, value FROM refused ORDER BY line_number LIMIT 1"
    for line, reason, value in staging.connection.execute(query).fetchall():
        raise CampaignDataError(f"{path}: line {line} is no row of {what}: {reason} ({value})")
