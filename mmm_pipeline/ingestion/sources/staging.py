"""Where the rows of a source lie as text while they are judged: a DuckDB database in memory that spills to disk."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mmm_pipeline.errors import CampaignDataError, StoredResultError
from mmm_pipeline.ingestion.sources.headers import Roles
from mmm_pipeline.ingestion.sources.layout import Layout
from mmm_pipeline.storage.scratch import scratch_folder
from mmm_pipeline.storage.warehouse.dialect import DUCKDB

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from mmm_pipeline.ingestion.sources.wide import Melt

__all__ = [
    "LONGEST_FIELD",
    "SHEET_STRIDE",
    "NumberCell",
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
_BATCH_ROWS = 10_000
_LONGEST_SHOWN = 20_000
_BUFFERED_ROWS = 50_000
_BUFFERED_CHARACTERS = 1 << 24


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
    with scratch_folder("staging", folder) as spill:
        config: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": MEMORY_LIMIT,
            "temp_directory": str(spill),
            "autoinstall_known_extensions": False,
            "TimeZone": "UTC",
        }
        with duckdb.connect(":memory:", config=config) as connection:
            staging = Staging(connection, spill)
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


class NumberCell(str):
    """Text of a cell that holds a number, not text: its decimal mark is a point, whatever the column's texts have."""

    __slots__ = ()


class Staging:
    """The tables `source` (rows as text) and `refused` (rows broken before they had columns).

    The SQL functions `row_of`, `sheet_of` and `place_of` tell what a `line_number` stands for: the row, its sheet (NULL
    unless the source is a workbook), and both in words.

    Attributes:
        connection: to the database.
        folder: for files that live as long as the staging area.
        source: what is being read, for messages.
        number_columns: positions of columns that were numbers in the source; what they look like as text is ours.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
        self.connection = connection
        self.folder = folder
        self.source = ""
        self._sheets: tuple[str, ...] = ()
        self.number_columns: frozenset[int] = frozenset()
        self._typed_cells = False
        self._rows = 0
        self._width = 0
        self._names: tuple[str, ...] = ()
        self._melt: Melt | None = None
        self._refused: list[tuple[int, str, str, str]] = []

    @property
    def columns(self) -> list[str]:
        """Names of the text columns, by position."""
        return [f"c{position}" for position in range(self._width)]

    @property
    def number_texts(self) -> str:
        """What stands after FROM to see only cells that were text in the source: `line_number`, `c0`, `c1`, ..."""
        if self._melt is not None:
            return "melted_texts"
        return "source" if not self._typed_cells else self._text_cells()

    def _text_cells(self) -> str:
        cells = [f"CASE WHEN position = {at} THEN value END AS {column}" for at, column in enumerate(self.columns)]
        return f"(SELECT line_number, {', '.join(cells)} FROM text_cells) AS texts"

    def create(
        self,
        layout: Layout,
        sheets: Sequence[str] = (),
        *,
        number_columns: Iterable[int] = (),
        typed_cells: bool = False,
    ) -> None:
        """Empty tables for a source.

        Args:
            layout: its columns.
            sheets: those of a workbook that are read, in order.
            number_columns: positions, in the source, of columns that are numbers there.
            typed_cells: every cell has a type of its own; `append` gets numbers as `NumberCell`.
        """
        self._refused.clear()
        self._sheets = tuple(sheets)
        numbers = frozenset(number_columns)
        self.number_columns = frozenset(at for at, position in enumerate(layout.kept) if position in numbers)
        self._typed_cells = typed_cells
        self._rows = 0
        self._melt = None
        self._width = len(layout.roles.names)
        self._names = tuple(header.strip() or f"column {number}" for number, header in enumerate(layout.headers, 1))
        columns = ", ".join(f"{column} VARCHAR" for column in self.columns)
        self.connection.execute(f"CREATE OR REPLACE TABLE source (line_number BIGINT, {columns})")
        self.connection.execute(
            'CREATE OR REPLACE TABLE refused (line_number BIGINT, reason VARCHAR, value VARCHAR, "row" VARCHAR)'
        )
        self.connection.execute(
            "CREATE OR REPLACE TABLE text_cells "
            "(row_number BIGINT, line_number BIGINT, position INTEGER, value VARCHAR)"
        )
        self._create_places()

    def _create_places(self) -> None:
        listed = ", ".join(map(_quoted, self._sheets))
        line = "line" if self._parts == 1 else f"(line // {self._parts})"
        row, sheet, place = line, "CAST(NULL AS VARCHAR)", f"CONCAT('line ', {line})"
        if self._sheets:
            row, sheet = f"({line} % {SHEET_STRIDE})", f"([{listed}])[{line} // {SHEET_STRIDE} + 1]"
            place = f"CONCAT('row ', {row}, ' of sheet ', chr(39), {sheet}, chr(39))"
        for name, meaning in (("row_of", row), ("sheet_of", sheet), ("place_of", place)):
            self.connection.execute(f"CREATE OR REPLACE MACRO {name}(line) AS {meaning}")

    @property
    def sheet_stride(self) -> int:
        """How far the line numbers of two sheets are apart."""
        return SHEET_STRIDE * self._parts

    @property
    def _parts(self) -> int:
        """Rows that a row of the source became."""
        return 1 if self._melt is None else len(self._melt.channels)

    def melt(self, melt: Melt) -> None:
        """Make one row per channel of each row of a wide table; nothing is copied.

        A `line_number` then also says which channel it is of; the functions that tell places know.
        """
        self.flush()
        run = self.connection.execute
        run("ALTER TABLE source RENAME TO wide_source")
        texts = self._text_cells() if self._typed_cells else "wide_source"
        numbers = self.number_columns
        views = {
            "source": ("wide_source", "c{}".format),
            "melted_texts": (texts, lambda at: "CAST(NULL AS VARCHAR)" if at in numbers else f"c{at}"),
        }
        for name, (rows, cell) in views.items():
            run(f"CREATE VIEW {name} AS {melt.select(rows, DUCKDB, _quoted, encode_lines=True, cell=cell)}")
        run(f"UPDATE refused SET line_number = line_number * {len(melt.channels)}")
        self._melt, self._width = melt, len(melt.roles.names)
        self.number_columns = frozenset(
            at for at in range(self._width) if (own := melt.sources(at)) and numbers.issuperset(own)
        )
        self._wide_numbers = numbers
        self._create_places()

    def place(self, line: int) -> str:
        """A `line_number` in words: `line 5`, or `row 5 of sheet 'May'`."""
        line //= self._parts
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

        Only a source whose cells have types of their own has columns of both, or one made of several columns.
        """
        if self._melt is not None:
            for at in self._melt.sources(position):
                texts = f"SELECT row_number FROM text_cells WHERE position = {at}"
                if at in self._wide_numbers or self._typed_cells:
                    self.connection.execute(
                        f"""UPDATE wide_source SET c{at} = REPLACE(c{at}, '.', ',') WHERE rowid NOT IN ({texts})"""
                    )
        elif self._typed_cells:
            self.connection.execute(
                f"""UPDATE source SET c{position} = REPLACE(c{position}, '.', ',')
                WHERE rowid NOT IN (SELECT row_number FROM text_cells WHERE position = {position})"""
            )

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
        self.connection.execute(f"DELETE FROM text_cells WHERE {condition}")

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


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]


def require_none_refused(staging: Staging, where: str, what: str) -> None:
    """Raise for the first row of a file that was broken before it had columns.

    Raises:
        CampaignDataError: there is one.
    """
    query = "SELECT line_number, reason, value FROM refused ORDER BY line_number LIMIT 1"
    for line, reason, value in staging.connection.execute(query).fetchall():
        raise CampaignDataError(f"{where}: {staging.place(line)} is no row of {what}: {reason} ({value})")
