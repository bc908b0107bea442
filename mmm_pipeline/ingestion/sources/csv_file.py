"""CSV into staging. DuckDB reads plain files; what it could read differently is read record by record."""

from __future__ import annotations

import csv
import glob
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from mmm_pipeline.errors import CampaignDataError
from mmm_pipeline.ingestion.sources.file_format import FileFormat
from mmm_pipeline.ingestion.sources.headers import HEADER_ROWS, HeaderRow, WantedColumns, find_header
from mmm_pipeline.ingestion.sources.layout import Layout
from mmm_pipeline.ingestion.sources.staging import LONGEST_FIELD, RowBuffer, StagedTable, Staging
from mmm_pipeline.ingestion.sources.text_encoding import TextFile, as_utf8
from mmm_pipeline.ingestion.sources.text_scan import LONGEST_LINE, TextShape, scan_text

__all__ = ["CSV", "stage_csv"]

_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
# Each broken quote may make the reader run on for a field's maximal length before it gives up.
_MOST_BROKEN_QUOTES = 10_000
# Blank lines included.
_HEADER_WITHIN_LINES = 1_000
# Characters read again after broken quotes, in all.
_MOST_READ_AGAIN = 1 << 31


def stage_csv(staging: Staging, path: Path, wanted: WantedColumns) -> StagedTable:
    """Stage the records of a CSV file; lines that are not records of the header's width are refused, none is lost.

    `line_number` is the physical line on which a record begins. Lines above the header are no part of the table.

    Args:
        staging: where the rows go.
        path: text, in UTF-8 or in what `as_utf8` knows; comma, semicolon, tab or bar between fields, `"` around them.
        wanted: the columns to look for; header and delimiter are those that show most of them.

    Raises:
        CampaignDataError: the file is not text, is empty, has a line of unreasonable length, or its header cannot
            be read or lacks columns.
    """
    text = as_utf8(path, staging.folder)
    shape = scan_text(text)
    header = _read_header(text, wanted)
    row = header.row
    where = f"{path}" if row.above == 0 else f"{path}, line {row.number}"
    layout = Layout.of(row.names, wanted, where)
    staging.create(layout)
    can_be_fast = shape.is_plain and header.lines == 1 and not layout.is_wide
    if not (can_be_fast and _read_at_once(staging, text, header, shape)):
        staging.create(layout)
        _read_by_record(staging, text, header, layout, skip_spaces=shape.has_spaced_quotes)
    return StagedTable(layout, where, (*((text.note,) if text.note else ()), *_notes(row)))


@dataclass(frozen=True)
class _Header:
    """The header, and how its file is written.

    Attributes:
        row: its fields.
        delimiter: what stands between them.
        lines: physical lines that it spans.
    """

    row: HeaderRow
    delimiter: str
    lines: int


def _notes(row: HeaderRow) -> tuple[str, ...]:
    if not row.above:
        return ()
    lines = "line" if row.above == 1 else "lines"
    return (f"the header is line {row.number}; {row.above} {lines} of text above it not read",)


def _read_header(text: TextFile, wanted: WantedColumns) -> _Header:
    """The header, split by the delimiter that shows most of the wanted columns.

    Raises:
        CampaignDataError: no delimiter gives a header, or the file has only blank lines.
    """
    best: tuple[tuple[int, int, int], _Header] | None = None
    # Of each delimiter: a closing quote before a comma is a broken one only where commas do not delimit.
    broken: dict[str, tuple[int, str]] = {}
    for delimiter in _DELIMITERS:
        lines: dict[int, int] = {}
        rows = []
        for record in takewhile(lambda it: it.line <= _HEADER_WITHIN_LINES, _records(text, delimiter, True)):
            if isinstance(record.fields, str):
                broken.setdefault(delimiter, (record.line, record.fields))
                continue
            lines[record.line] = record.lines
            if any(map(str.strip, record.fields)):
                rows.append((record.line, record.fields))
            if len(rows) > HEADER_ROWS:
                break
        found = find_header(rows, wanted)
        if found is None:
            continue
        score = (wanted.found_in(found.names), len(found.names), -found.number)
        if best is None or score > best[0]:
            best = score, _Header(found, delimiter, lines[found.number])
    if best is None and broken:
        raise CampaignDataError(_unreadable_header(text, *next(iter(broken.values()))))
    if best is not None and best[1].delimiter in broken and not best[1].row.is_complete:
        raise CampaignDataError(_unreadable_header(text, *broken[best[1].delimiter]))
    if best is None:
        raise CampaignDataError(f"{text}: has only blank lines: expected a header line and rows")
    return best[1]


def _unreadable_header(file: TextFile, line: int, text: str) -> str:
    if '"' in text:
        return f'{file}: the header line has a quote (") that does not close: line {line}: remove or double it'
    return (
        f"{file}: line {line} has a field of more than {LONGEST_FIELD:,} characters, where the header is looked for: "
        "is it a CSV file, with a header of short names?"
    )


def _read_at_once(staging: Staging, text: TextFile, header: _Header, shape: TextShape) -> bool:
    """Let DuckDB read the file; False when it cannot, or when its records are not the file's lines one by one."""
    import duckdb

    columns = ", ".join(f"'{column}': 'VARCHAR'" for column in staging.columns)
    above = header.row.number
    # Insertion order is kept, so that the row number is the line number.
    query = f"""
        INSERT INTO source
        SELECT row_number() OVER () + {above}, * FROM read_csv($path, columns = {{{columns}}},
            delim = '{header.delimiter}', quote = '"', escape = '"', auto_detect = false, header = false,
            skip = {above}, strict_mode = true, null_padding = false, ignore_errors = false,
            compression = 'none', hive_partitioning = false)"""
    try:
        staging.connection.execute(query, {"path": glob.escape(str(text.path))})
    except (duckdb.InvalidInputException, duckdb.IOException, duckdb.OutOfMemoryException):
        return False
    [(records,)] = staging.connection.execute("SELECT COUNT(*) FROM source").fetchall()
    return bool(records == shape.lines - above)


def _read_by_record(staging: Staging, text: TextFile, header: _Header, layout: Layout, *, skip_spaces: bool) -> None:
    """Read with the csv module: slower by a few times, exact about lines, and able to go on after a broken one."""
    width = len(layout.headers)
    rows = RowBuffer(staging, layout)
    broken = 0
    for record in _records(text, header.delimiter, skip_spaces):
        number, fields = record.line, record.fields
        if number <= header.row.number:
            continue
        if isinstance(fields, str):
            if '"' not in fields:
                staging.refuse(number, "field_too_long", f"{len(fields):,} characters in the line", [fields])
                continue
            broken += 1
            if broken > _MOST_BROKEN_QUOTES:
                raise _too_many_broken(text, f"more than {_MOST_BROKEN_QUOTES:,}", number)
            staging.refuse(number, "malformed_quotes", fields, [fields])
            continue
        if len(fields) > width and not any(fields[width:]):
            fields = fields[:width]
        if len(fields) < width and not any(map(str.strip, fields)):
            fields = [""] * width
        if len(fields) == width:
            rows.add(number, fields)
        else:
            reason = "too_few_fields" if len(fields) < width else "too_many_fields"
            staging.refuse(number, reason, f"{len(fields)} fields, the header has {width}", fields)
    rows.flush()
    staging.flush()


def _too_many_broken(text: TextFile, count: str, line: int) -> CampaignDataError:
    return CampaignDataError(
        f"{text}: {count} lines have quotes that do not close, the last one line {line}: is another quote character in "
        "use?"
    )


@dataclass(frozen=True)
class _Record:
    """A record, or a line that is none.

    Attributes:
        line: on which it begins.
        lines: that it spans.
        fields: its fields; the line itself, if its quotes are broken or a field has no end.
    """

    line: int
    lines: int
    fields: list[str] | str


def _records(text: TextFile, delimiter: str, skip_spaces: bool) -> Iterator[_Record]:
    """Every record of the file.

    A record with broken quotes gives up its first line only: the lines after it are read again as records.
    """
    with text.path.open(encoding="utf-8-sig", newline="") as file:
        source = _Rereadable(file)
        reader = csv.reader(source, delimiter=delimiter, strict=True, skipinitialspace=skip_spaces)
        number = 1
        while True:
            fields: list[str] | str
            try:
                fields = next(reader)
            except StopIteration:
                return
            except csv.Error:
                source.put_back_after_first()
                if source.read_again > _MOST_READ_AGAIN:
                    raise _too_many_broken(text, "too many", number) from None
                fields = source.taken[0].rstrip("\r\n")
            yield _Record(number, len(source.taken), fields)
            number += len(source.taken)
            source.clear()


class _Rereadable:
    """Physical lines; those of the record being read can be put back. A record has a longest length, as a line has."""

    def __init__(self, lines: Iterator[str]) -> None:
        self.taken: list[str] = []
        self.read_again = 0
        self._characters = 0
        self._lines = lines
        self._again: deque[str] = deque()

    def __iter__(self) -> _Rereadable:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._lines)
        self.taken.append(line)
        self._characters += len(line)
        if self._characters > LONGEST_LINE and len(self.taken) > 1:
            raise csv.Error("record too long")
        return line

    def put_back_after_first(self) -> None:
        self.read_again += self._characters
        self._again.extendleft(reversed(self.taken[1:]))
        del self.taken[1:]

    def clear(self) -> None:
        """Begin with the next record."""
        self.taken.clear()
        self._characters = 0


CSV = FileFormat("CSV", (".csv", ".tsv", ".txt"), None, stage_csv)
