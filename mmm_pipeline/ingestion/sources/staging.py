"""Where the rows of a source lie as text while they are judged: a DuckDB database in memory that spills to disk."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mmm_pipeline.errors import CampaignDataError, StoredResultError
from mmm_pipeline.ingestion.sources.headers import Roles
from mmm_pipeline.ingestion.sources.layout import Layout

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

__all__ = [
    "LONGEST_FIELD",
    "SHEET_STRIDE",
    "RowBuffer",
    "StagedTable",
    "Staging",
    "require_none_refused",
    "staging_area",
]

LONGEST_FIELD = 131_072
"""Characters; a row with a longer field is refused. The csv module's own limit, four times that of a spreadsheet."""

SHEET_STRIDE = 1 << 24
"""Line numbers of a workbook in staging: the row, and this for every sheet read before. No sheet has so many rows."""

MEMORY_LIMIT = "2GB"
_PREFIX = "staging-"
_BATCH_ROWS = 10_000
_LONGEST_SHOWN = 20_000
_BUFFERED_ROWS = 50_000
_BUFFERED_CHARACTERS = 1 << 24
_ABANDONED_AFTER = 24 * 3600.0


@dataclass(frozen=True)
class StagedTable:
    """What was brought into staging.

    Attributes:
        layout: its columns.
        where: the file, or the file and its sheet, for messages.
        notes: how it was read, where that could have been otherwise: one sentence each.
        sheets: those of a workbook that were read.
        chose_sheets: they were found, not named by the settings.
    """

    layout: Layout
    where: str
    notes: tuple[str, ...] = ()
    sheets: tuple[str, ...] = ()
    chose_sheets: bool = False

    @property
    def roles(self) -> Roles:
        """Which column in staging plays which role."""
        return self.layout.roles


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
            staging = Staging(connection)
            try:
                yield staging
            except duckdb.OutOfMemoryException as error:
                raise StoredResultError(
                    f"{staging.source or folder}: its rows need more than the {MEMORY_LIMIT} of memory that reading "
                    f"may take, and the rest could not be put aside in {folder}: free disk space there, or export "
                    "fewer columns and rows"
                ) from error
            except duckdb.IOException as error:
                raise StoredResultError(
                    f"{staging.source or folder}: its rows could not be put aside in {folder}: {_first_line(error)}. "
                    "Free disk space there, and try again"
                ) from error


class Staging:
    """The tables `source` (rows as text) and `refused` (rows broken before they had columns).

    The SQL functions `row_of`, `sheet_of` and `place_of` tell what a `line_number` stands for: the row, its sheet (NULL
    unless the source is a workbook), and both in words.

    Attributes:
        connection: of the database.
        source: what is being read, for messages.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        self.source = ""
        self._sheets: tuple[str, ...] = ()
        self._width = 0
        self._names: tuple[str, ...] = ()
        self._refused: list[tuple[int, str, str, str]] = []

    @property
    def columns(self) -> list[str]:
        """Names of the text columns, by position."""
        return [f"c{position}" for position in range(self._width)]

    def create(self, layout: Layout, sheets: Sequence[str] = ()) -> None:
        """Empty tables for a source of this layout; `sheets`: those of a workbook that are read, in order."""
        self._refused.clear()
        self._sheets = tuple(sheets)
        self._width = len(layout.roles.names)
        self._names = tuple(header.strip() or f"column {number}" for number, header in enumerate(layout.headers, 1))
        columns = ", ".join(f"{column} VARCHAR" for column in self.columns)
        self.connection.execute(f"CREATE OR REPLACE TABLE source (line_number BIGINT, {columns})")
        self.connection.execute(
            'CREATE OR REPLACE TABLE refused (line_number BIGINT, reason VARCHAR, value VARCHAR, "row" VARCHAR)'
        )
        self._create_places()

    def _create_places(self) -> None:
        listed = ", ".join("'" + sheet.replace("'", "''") + "'" for sheet in self._sheets)
        row, sheet, place = "line", "CAST(NULL AS VARCHAR)", "CONCAT('line ', line)"
        if self._sheets:
            row, sheet = f"(line % {SHEET_STRIDE})", f"([{listed}])[line // {SHEET_STRIDE} + 1]"
            place = f"CONCAT('row ', {row}, ' of sheet ', chr(39), {sheet}, chr(39))"
        for name, meaning in (("row_of", row), ("sheet_of", sheet), ("place_of", place)):
            self.connection.execute(f"CREATE OR REPLACE MACRO {name}(line) AS {meaning}")

    def place(self, line: int) -> str:
        """A `line_number` in words: `line 5`, or `row 5 of sheet 'May'`."""
        if not self._sheets:
            return f"line {line}"
        return f"row {line % SHEET_STRIDE} of sheet '{self._sheets[line // SHEET_STRIDE]}'"

    def append(self, lines: Sequence[int], rows: Sequence[Sequence[str | None]]) -> None:
        """Add rows, each as wide as the header; '' counts as no value."""
        import pyarrow as pa

        if rows:
            texts = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
            batch = pa.table([pa.array(lines, pa.int64()), *texts], names=["line_number", *self.columns])
            blanked = ", ".join(f"NULLIF({column}, '')" for column in self.columns)
            self._insert(f"INSERT INTO source SELECT line_number, {blanked} FROM batch", batch)

    def refuse(self, line: int, reason: str, value: str, fields: Sequence[str]) -> None:
        """Note a row that has no columns; its fields are kept under the headers as far as they go, long ones cut."""
        names = [*self._names, *(f"field {number}" for number in range(len(self._names) + 1, len(fields) + 1))]
        row = json.dumps(dict(zip(names, _shortened(fields), strict=False)), ensure_ascii=False)
        self._refused.append((line, reason, value[:_LONGEST_SHOWN], row))
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

    def drop(self, condition: str) -> None:
        """Take rows out again."""
        self.flush()
        self.connection.execute(f"DELETE FROM source WHERE {condition}")
        self.connection.execute(f"DELETE FROM refused WHERE {condition}")

    def close_to_files(self) -> None:
        """From here on no SQL can read or write a file."""
        self.connection.execute("SET enable_external_access = false")


class RowBuffer:
    """Rows on their way into staging: appended in batches of bounded size.

    Args:
        staging: where they go.
        layout: what of a row is staged.

    Attributes:
        characters: of all rows taken.
    """

    def __init__(self, staging: Staging, layout: Layout) -> None:
        self._staging = staging
        self._layout = layout
        self._lines: list[int] = []
        self._rows: list[list[str | None]] = []
        self._characters = 0
        self.characters = 0

    def add(self, line: int, fields: Sequence[str | None]) -> None:
        """Take a row as wide as the header."""
        row = self._layout.row(fields)
        self._lines.append(line)
        self._rows.append(row)
        size = sum(map(len, filter(None, row)))
        self._characters += size
        self.characters += size
        if len(self._rows) >= _BUFFERED_ROWS or self._characters >= _BUFFERED_CHARACTERS:
            self.flush()

    def flush(self) -> None:
        """Bring all rows into staging."""
        self._staging.append(self._lines, self._rows)
        self._lines, self._rows, self._characters = [], [], 0


def _shortened(fields: Sequence[str]) -> Iterator[str]:
    """The fields up to a total length."""
    left = _LONGEST_SHOWN
    for text in fields:
        if left <= 0:
            return
        yield text[:left]
        left -= len(text) + 1


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]


def _remove_abandoned(folder: Path) -> None:
    """Spilled data of runs that were killed."""
    for left in folder.glob(f"{_PREFIX}*"):
        try:
            newest = max(path.stat().st_mtime for path in (left, *left.iterdir()))
        except OSError:
            continue
        if time.time() - newest > _ABANDONED_AFTER:
            shutil.rmtree(left, ignore_errors=True)


def require_none_refused(staging: Staging, where: str, what: str) -> None:
    """Raise for the first row of a file that was broken before it had columns.

    Raises:
        CampaignDataError: there is one.
    """
    query = "SELECT line_number, reason, value FROM refused ORDER BY line_number LIMIT 1"
    for line, reason, value in staging.connection.execute(query).fetchall():
        raise CampaignDataError(f"{where}: {staging.place(line)} is no row of {what}: {reason} ({value})")
