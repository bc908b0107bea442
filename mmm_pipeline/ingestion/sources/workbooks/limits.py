"""A look at the parts of a workbook before it is opened: what they unpack to, and whether formulas have values.

A workbook is a ZIP file of XML. A few megabytes can unpack to gigabytes, and one element can hold millions of others,
all of which a reader would hold in memory. The sizes that the archive declares bound what can be read of it: Python's
zipfile reads no byte more.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from pathlib import Path

from mmm_pipeline.errors import CampaignDataError

__all__ = ["LAST_ROW", "look_at_workbook"]

LAST_ROW = 1_048_576
"""Rows of a sheet, in every spreadsheet program."""

_CHUNK_BYTES = 1 << 20
_HEAD_BYTES = 4_096
_MOST_PARTS = 10_000
_MEBIBYTE = 1 << 20
_LARGEST_SHEET = 1024 * _MEBIBYTE
_LARGEST_STRINGS = 64 * _MEBIBYTE
_LARGEST_OTHER = 32 * _MEBIBYTE
_LARGEST_ROW = 4 * _MEBIBYTE
# Sheets shrink ten- to thirtyfold; nothing that anybody typed or exported shrinks more than this.
_HIGHEST_RATIO = 200
_RATIO_COUNTS_FROM = 8 * _MEBIBYTE
# Other tags begin like that of a row.
_MOST_ROWS = LAST_ROW + 1_000
# Never read here, and often large.
_UNREAD = (
    *("xl/media/", "xl/pivotCache/", "xl/externalLinks/", "xl/drawings/", "xl/charts/", "xl/embeddings/"),
    *("xl/model/", "xl/printerSettings/", "customXml/", "xl/vbaProject"),
)
_WORKSHEET = re.compile(rb"<(\w+:)?worksheet[\s>]")
_STRINGS = re.compile(rb"<(\w+:)?sst[\s>/]")
_UTF16 = (b"\xff\xfe", b"\xfe\xff", b"<\0", b"\0<")
_ADVICE = "Save it again in a spreadsheet program with the needed sheets only, or export the sheet as CSV"


def look_at_workbook(path: Path) -> bool:
    """Whether some formula was saved without its value; the workbook may be opened.

    Raises:
        CampaignDataError: the file is no ZIP archive of reasonable size; a sheet has more rows than any spreadsheet
            program writes, or a row of unreasonable size.
    """
    lacks_values = False
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
            if len(parts) > _MOST_PARTS:
                raise CampaignDataError(
                    f"{path}: has {len(parts):,} parts, at most {_MOST_PARTS:,} are read. {_ADVICE}"
                )
            for part in parts:
                lacks_values |= _look_at_part(path, archive, part)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, zlib.error) as error:
        raise CampaignDataError(
            f"{path}: is not a readable XLSX workbook ({error}): it may be truncated, damaged or encrypted; open it in "
            "a spreadsheet program and save it again, or export it as CSV"
        ) from error
    return lacks_values


def _look_at_part(path: Path, archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> bool:
    if part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise zipfile.BadZipFile(f"{part.filename} is packed in a way that no spreadsheet program uses")
    if part.is_dir() or not part.file_size:
        return False
    with archive.open(part) as file:
        head = file.read(_HEAD_BYTES)
    sheet, strings = _WORKSHEET.search(head), _STRINGS.search(head)
    if head.startswith(_UTF16) and not part.filename.startswith(_UNREAD):
        raise zipfile.BadZipFile(f"{part.filename} is UTF-16 text")
    if not (sheet or strings) and part.filename.startswith(_UNREAD):
        return False
    limit = _LARGEST_SHEET if sheet else _LARGEST_STRINGS if strings else _LARGEST_OTHER
    ratio = part.file_size / max(part.compress_size, 1)
    if part.file_size > limit or (part.file_size > _RATIO_COUNTS_FROM and ratio > _HIGHEST_RATIO):
        what = "a sheet" if sheet else "the texts of its cells" if strings else part.filename
        raise CampaignDataError(
            f"{path}: {what} would unpack from {_size(part.compress_size)} to {_size(part.file_size)}; accepted are up "
            f"to {_size(limit)}, and at most {_HIGHEST_RATIO} times the packed size. {_ADVICE}"
        )
    return _look_at_sheet(path, archive, part, sheet[1] or b"") if sheet else False


def _look_at_sheet(path: Path, archive: zipfile.ZipFile, part: zipfile.ZipInfo, prefix: bytes) -> bool:
    """Bound rows and the size of each, so that one row fits into memory; whether a formula lacks its value."""
    row, end = b"<" + prefix + b"row", b"</" + prefix + b"sheetData"
    p = re.escape(prefix)
    # Behind a formula stands its value, unless nothing calculated it.
    no_value = re.compile(
        rb"(?:</%bf>|<%bf(?:\s[^>]*)?/>)\s*(?:<%bv\s*/>|<%bv>\s*</%bv>)?\s*</%bc>" % (p, p, p, p, p, p)
    )
    rows, lacks_values, is_over = 0, False, False
    chunk = b""
    with archive.open(part) as file:
        while piece := file.read(_CHUNK_BYTES):
            chunk += piece
            if b"<!" in piece:
                raise zipfile.BadZipFile(f"{part.filename} holds XML that no spreadsheet program writes")
            is_over = is_over or end in chunk
            begun = chunk.rfind(row)
            if begun > 0 or is_over:
                rows += chunk.count(row, 0, begun)
                lacks_values = lacks_values or no_value.search(chunk) is not None
                chunk = chunk[begun:] if begun > 0 else chunk
            if rows > _MOST_ROWS:
                raise CampaignDataError(
                    f"{path}: {part.filename}: the sheet has more than {LAST_ROW:,} rows, which no spreadsheet program "
                    f"writes. {_ADVICE}"
                )
            if len(chunk) > (_LARGEST_OTHER if is_over else _LARGEST_ROW):
                raise CampaignDataError(
                    f"{path}: {part.filename}: what follows the start of row {rows + 1:,} takes more than "
                    f"{_size(_LARGEST_OTHER if is_over else _LARGEST_ROW)}, which no row of a table does. {_ADVICE}"
                )
    return lacks_values or no_value.search(chunk) is not None


def _size(count: int) -> str:
    return f"{count / _MEBIBYTE:,.0f} MiB" if count >= _MEBIBYTE else f"{count / 1024:,.0f} KiB"
