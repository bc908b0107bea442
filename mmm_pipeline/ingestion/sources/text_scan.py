"""A look at every byte of a text file, in bounded memory, before anything reads it by lines."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from pathlib import Path

from mmm_pipeline.errors import CampaignDataError

__all__ = ["LONGEST_LINE", "TextShape", "scan_text"]

LONGEST_LINE = 1 << 22
"""Bytes; a longer line is no row of a table. At least as long as a chunk, so that only seams of chunks need a look."""

_CHUNK_BYTES = 1 << 22
# A line that could hold a field too long holds one of these windows of a chunk.
_WINDOW_BYTES = 1 << 16


@dataclass(frozen=True)
class TextShape:
    """What a look at the bytes tells.

    Attributes:
        lines: physical lines.
        is_plain: one kind of line end, no quote beside a space and no very long line: there DuckDB and the csv module
            agree.
        has_spaced_quotes: a quote stands beside a space, so that `1, "a, b"` may be meant as two fields.
    """

    lines: int
    is_plain: bool
    has_spaced_quotes: bool


def scan_text(path: Path) -> TextShape:
    """Look at every byte once.

    Raises:
        CampaignDataError: the file is empty, is not UTF-8 text, or has a line longer than `LONGEST_LINE`.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    lines = returns = pairs = spaced_quotes = open_bytes = 0
    has_long_lines = False
    last = b""
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            if not last and (encoding := _byte_order_mark(chunk)):
                raise CampaignDataError(f"{path}: is {encoding} text: save it as UTF-8 ('CSV UTF-8' in Excel)")
            first_end, last_end = _line_ends(chunk)
            if open_bytes + first_end > LONGEST_LINE:
                raise CampaignDataError(
                    f"{path}: line {lines + returns - pairs + 1:,} is longer than {LONGEST_LINE // 2**20} MiB: no row "
                    "of a table is. Is it a CSV file, with a line for every row?"
                )
            try:
                is_text = b"\0" not in chunk and decoder.decode(chunk) is not None
            except UnicodeDecodeError:
                is_text = False
            if not is_text:
                raise _not_text(path)
            has_long_lines = has_long_lines or _has_long_line(chunk)
            open_bytes = len(chunk) - last_end if last_end else open_bytes + len(chunk)
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
    is_plain = uniform and not spaced_quotes and not has_long_lines
    return TextShape(lines + (last != b"\n"), is_plain, bool(spaced_quotes))


def _has_long_line(chunk: bytes) -> bool:
    """True if some line has twice `_WINDOW_BYTES`, False if none has more than `_WINDOW_BYTES`."""
    starts = range(0, len(chunk) - _WINDOW_BYTES + 1, _WINDOW_BYTES)
    return any(chunk.find(b"\n", start, start + _WINDOW_BYTES) < 0 for start in starts)


def _line_ends(chunk: bytes) -> tuple[int, int]:
    """Bytes up to the first line end (all, without one), and up to behind the last one (0, without one)."""
    found = [at for at in (chunk.find(b"\n"), chunk.find(b"\r")) if at >= 0]
    return min(found, default=len(chunk)), max(chunk.rfind(b"\n"), chunk.rfind(b"\r")) + 1


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
        number = 1
        # Pieces of a long line may part a character: those before the seam are text, or it shows in them.
        while line := file.readline(2 * LONGEST_LINE):
            if b"\0" in line:
                if len(line) / 3 < line.count(b"\0") < len(line) * 0.8:
                    return CampaignDataError(f"{path}: looks like UTF-16 text: save it as UTF-8 ('CSV UTF-8' in Excel)")
                return CampaignDataError(
                    f"{path}: is not text: line {number} holds a zero byte. Accepted are CSV, XLSX, "
                    "Parquet and Arrow files"
                )
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                return CampaignDataError(
                    f"{path}: is not UTF-8 text: line {number} holds the byte 0x{line[error.start]:02X}. "
                    f"It looks like {_likely_encoding(line)}: save it as UTF-8 ('CSV UTF-8' in Excel)"
                )
            number += 1
    return CampaignDataError(f"{path}: changed while it was read: try again")


def _likely_encoding(line: bytes) -> str:
    try:
        korean = line.decode("cp949")
    except UnicodeDecodeError:
        return "Windows-1252 or Latin-1"
    return "CP949 (Korean)" if any("가" <= sign <= "힣" for sign in korean) else "Windows-1252 or Latin-1"
