"""CSV into staging. DuckDB reads plain files; what it could read differently is read record by record."""

from __future__ import annotations

import codecs
import csv
import glob
from collections import deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from mmm_pipeline.errors import CampaignDataError
from mmm_pipeline.ingestion.sources.headers import normalised
from mmm_pipeline.ingestion.sources.staging import Staging

__all__ = ["stage_csv"]

_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_CHUNK_BYTES = 1 << 22
_BATCH_ROWS = 50_000
# Each broken quote may make the reader run on for a field's maximal length before it gives up.
_MOST_BROKEN_QUOTES = 10_000


def stage_csv(staging: Staging, path: Path, wanted: Collection[str]) -> tuple[str, ...]:
    """Stage the records of a CSV file; lines that are not records of the header's width are refused, none is lost.

    `line_number` is the physical line on which a record begins.

    Args:
        staging: where the rows go.
        path: UTF-8 text, with or without byte order mark; comma, semicolon, tab or bar between fields, `"` around them.
        wanted: normalised headers; the delimiter is the one that shows most of them.

    Returns:
        The headers.

    Raises:
        CampaignDataError: the file is not UTF-8 text, is empty, or its header cannot be read.
    """
    shape = _scan(path)
    header = _read_header(path, wanted)
    staging.create(header.names)
    if not (shape.is_plain and header.is_first_line and _read_at_once(staging, path, header, shape)):
        staging.create(header.names)
        _read_by_record(staging, path, header, skip_spaces=shape.has_spaced_quotes)
    return header.names


@dataclass(frozen=True)
class _Shape:
    """What a look at the bytes tells.

    Attributes:
        lines: physical lines.
        is_plain: one kind of line end, and no quote beside a space: there DuckDB and the csv module agree.
        has_spaced_quotes: a quote stands beside a space, so that `1, "a, b"` may be meant as two fields.
    """

    lines: int
    is_plain: bool
    has_spaced_quotes: bool


@dataclass(frozen=True)
class _Header:
    names: tuple[str, ...]
    delimiter: str
    is_first_line: bool


def _scan(path: Path) -> _Shape:
    """Look at every byte once.

    Raises:
        CampaignDataError: the file is empty or not UTF-8 text.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    lines = returns = pairs = spaced_quotes = 0
    last = b""
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            if not last and (encoding := _byte_order_mark(chunk)):
                raise CampaignDataError(f"{path}: is {encoding} text: save it as UTF-8 ('CSV UTF-8' in Excel)")
            try:
                is_text = b"\0" not in chunk and decoder.decode(chunk) is not None
            except UnicodeDecodeError:
                is_text = False
            if not is_text:
                raise _not_text(path)
            seam = last + chunk
            lines += chunk.count(b"\n")
            returns += chunk.count(b"\r")
            pairs += seam.count(b"\r\n")
            spaced_quotes += seam.count(b'" ') + seam.count(b' "')
            last = chunk[-1:]
    if decoder.getstate()[0]:
        raise _not_text(path)
    if not last:
        raise CampaignDataError(f"{path}: is empty: expected a header line and rows")
    uniform = returns == pairs and pairs in (0, lines)
    return _Shape(lines + (last != b"\n"), uniform and not spaced_quotes, bool(spaced_quotes))


def _byte_order_mark(start: bytes) -> str | None:
    # UTF-32's little-endian mark begins with that of UTF-16.
    marks = (
        (codecs.BOM_UTF32_LE, "UTF-32"),
        (codecs.BOM_UTF32_BE, "UTF-32"),
        (codecs.BOM_UTF16_LE, "UTF-16"),
        (codecs.BOM_UTF16_BE, "UTF-16"),
    )
    return next((encoding for mark, encoding in marks if start.startswith(mark)), None)


def _not_text(path: Path) -> CampaignDataError:
    """Why the file is not UTF-8 text, and where that shows first."""
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if b"\0" in line:
                if line.count(b"\0") > len(line) // 3:
                    return CampaignDataError(f"{path}: looks like UTF-16 text: save it as UTF-8 ('CSV UTF-8' in Excel)")
                return CampaignDataError(
                    f"{path}: is not text: line {number} holds a zero byte. Accepted are CSV, XLSX and Parquet files"
                )
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                return CampaignDataError(
                    f"{path}: is not UTF-8 text: line {number} holds the byte 0x{line[error.start]:02X}. "
                    f"It looks like {_likely_encoding(line)}: save it as UTF-8 ('CSV UTF-8' in Excel)"
                )
    return CampaignDataError(f"{path}: changed while it was read: try again")


def _likely_encoding(line: bytes) -> str:
    try:
        korean = line.decode("cp949")
    except UnicodeDecodeError:
        return "Windows-1252 or Latin-1"
    return "CP949 (Korean)" if any("가" <= sign <= "힣" for sign in korean) else "Windows-1252 or Latin-1"


def _read_header(path: Path, wanted: Collection[str]) -> _Header:
    """The first record that is not blank, split by the delimiter that shows most of the wanted headers.

    Raises:
        CampaignDataError: no delimiter gives a header, or the file has only blank lines.
    """
    best: tuple[tuple[int, int], _Header] | None = None
    for delimiter in _DELIMITERS:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, delimiter=delimiter, strict=True, skipinitialspace=True)
            try:
                names = next((tuple(record) for record in reader if any(record)), None)
            except csv.Error:
                continue
        if names is None:
            raise CampaignDataError(f"{path}: has only blank lines: expected a header line and rows")
        score = (len({normalised(name) for name in names} & set(wanted)), len(names))
        if best is None or score > best[0]:
            best = score, _Header(names, delimiter, reader.line_num == 1)
    if best is None:
        raise CampaignDataError(f'{path}: the header line has a quote (") that does not close: remove or double it')
    return best[1]


def _read_at_once(staging: Staging, path: Path, header: _Header, shape: _Shape) -> bool:
    """Let DuckDB read the file; False when it cannot, or when its records are not the file's lines one by one."""
    import duckdb

    columns = ", ".join(f"'{column}': 'VARCHAR'" for column in staging.columns)
    # Insertion order is kept, so that the row number is the line number.
    query = f"""
        INSERT INTO source
        SELECT row_number() OVER () + 1, * FROM read_csv($path, columns = {{{columns}}}, delim = '{header.delimiter}',
            quote = '"', escape = '"', auto_detect = false, header = false, skip = 1, strict_mode = true,
            null_padding = false, ignore_errors = false,
            compression = 'none', hive_partitioning = false)"""
    try:
        staging.connection.execute(query, {"path": glob.escape(str(path))})
    except (duckdb.InvalidInputException, duckdb.IOException):
        return False
    [(records,)] = staging.connection.execute("SELECT COUNT(*) FROM source").fetchall()
    return bool(records == shape.lines - 1)


def _read_by_record(staging: Staging, path: Path, header: _Header, *, skip_spaces: bool) -> None:
    """Read with the csv module: slower by a few times, exact about lines, and able to go on after a broken one."""
    width = len(header.names)
    lines: list[int] = []
    rows: list[list[str]] = []
    broken = 0
    for number, fields in _records(path, header.delimiter, skip_spaces):
        if isinstance(fields, str):
            broken += 1
            if broken > _MOST_BROKEN_QUOTES:
                raise CampaignDataError(
                    f"{path}: more than {_MOST_BROKEN_QUOTES:,} lines have quotes that do not close, the last one "
                    f"line {number}: is another quote character in use?"
                )
            staging.refuse(number, "malformed_quotes", fields, [fields])
            continue
        if len(fields) > width and not any(fields[width:]):
            fields = fields[:width]
        if len(fields) < width and not any(map(str.strip, fields)):
            fields = [""] * width
        if len(fields) == width:
            lines.append(number)
            rows.append(fields)
        else:
            reason = "too_few_fields" if len(fields) < width else "too_many_fields"
            staging.refuse(number, reason, f"{len(fields)} fields, the header has {width}", fields)
        if len(rows) >= _BATCH_ROWS:
            staging.append(lines, rows)
            lines, rows = [], []
    staging.append(lines, rows)
    staging.flush()


def _records(path: Path, delimiter: str, skip_spaces: bool) -> Iterator[tuple[int, list[str] | str]]:
    """Each record after the header: the line it begins on and its fields, or the line itself if its quotes are broken.

    A record with broken quotes gives up its first line only: the lines after it are read again as records.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        source = _Rereadable(file)
        reader = csv.reader(source, delimiter=delimiter, strict=True, skipinitialspace=skip_spaces)
        number = 1
        seen_header = False
        while True:
            fields: list[str] | str
            try:
                fields = next(reader)
            except StopIteration:
                return
            except csv.Error:
                source.put_back_after_first()
                fields = source.taken[0].rstrip("\r\n")
            if seen_header:
                yield number, fields
            seen_header = seen_header or bool(fields and any(fields))
            number += len(source.taken)
            source.taken.clear()


class _Rereadable:
    """Physical lines; those of the record being read can be put back."""

    def __init__(self, lines: Iterator[str]) -> None:
        self.taken: list[str] = []
        self._lines = lines
        self._again: deque[str] = deque()

    def __iter__(self) -> _Rereadable:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._lines)
        self.taken.append(line)
        return line

    def put_back_after_first(self) -> None:
        self._again.extendleft(reversed(self.taken[1:]))
        del self.taken[1:]
