"""A look at every byte of a text file, in bounded memory, before anything reads it by lines."""

from __future__ import annotations

from dataclasses import dataclass

from mmm_pipeline.errors import CampaignDataError
from mmm_pipeline.ingestion.sources.text_encoding import TextFile

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


def scan_text(text: TextFile) -> TextShape:
    """Look at every byte once.

    Raises:
        CampaignDataError: the file is empty, or has a line longer than `LONGEST_LINE`.
    """
    lines = returns = pairs = spaced_quotes = open_bytes = 0
    has_long_lines = False
    last = b""
    with text.path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            first_end, last_end = _line_ends(chunk)
            if open_bytes + first_end > LONGEST_LINE:
                raise CampaignDataError(
                    f"{text}: line {lines + returns - pairs + 1:,} is longer than {LONGEST_LINE // 2**20} MiB: no row "
                    "of a table is. Is it a CSV file, with a line for every row?"
                )
            if b"\0" in chunk:
                raise CampaignDataError(
                    f"{text}: is not text: it holds a zero byte after line {lines:,}. Accepted are CSV, XLSX, Parquet "
                    "and Arrow files"
                )
            has_long_lines = has_long_lines or _has_long_line(chunk)
            open_bytes = len(chunk) - last_end if last_end else open_bytes + len(chunk)
            seam = last + chunk
            lines += chunk.count(b"\n")
            returns += chunk.count(b"\r")
            pairs += seam.count(b"\r\n")
            spaced_quotes += seam.count(b'" ') + seam.count(b' "')
            last = chunk[-1:]
    if not last:
        raise CampaignDataError(f"{text}: is empty: expected a header line and rows")
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
