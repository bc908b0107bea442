"""Text files in other encodings than UTF-8: found out from the bytes, rewritten as UTF-8 to be read, and said."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from pathlib import Path

from mmm_pipeline.errors import CampaignDataError

__all__ = ["TextFile", "as_utf8"]

_CHUNK = 1 << 22
# UTF-32's little-endian mark begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF32_BE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
)
_CONTROL = re.compile(
    rb"[\x00-\x06\x08\x0e-\x1a\x1c-\x1f]"
)  # bell and escape occur in names; output shows them harmless
_MOST_HANGUL = 0.8
"""Share of Hangul among the letters that are not ASCII from which text is Korean: other text decodes to odd signs."""


@dataclass(frozen=True)
class TextFile:
    """A text file to read.

    Attributes:
        path: of UTF-8 text.
        name: of the file that the user knows, for messages.
        note: what was assumed of its encoding; empty: it is UTF-8.
    """

    path: Path
    name: Path
    note: str = ""

    def __str__(self) -> str:
        return f"{self.name}"


def as_utf8(path: Path, folder: Path) -> TextFile:
    """The file itself where it is UTF-8, else a copy in UTF-8.

    UTF-16 and UTF-32 are known by their byte order mark, UTF-16 without one by its zero bytes. What is left is taken
    for CP949 where that makes Korean of it, and for Windows-1252 otherwise. Digits are the same in all code pages, so
    that a wrong guess can spoil letters only.

    Args:
        path: the file.
        folder: where the copy goes.

    Raises:
        CampaignDataError: it is no text in any of these.
    """
    with path.open("rb") as file:
        start = file.read(_CHUNK)
    marked = next(((codec, name) for mark, codec, name in _MARKS if start.startswith(mark)), None)
    if marked is not None:
        return _copied(path, folder, marked[0], f"read as {marked[1]} text, as its byte order mark says")
    if b"\0" in start:
        codec = _utf_16_of(start)
        if codec is None:
            raise _no_text(path, start, start.index(0))
        return _copied(path, folder, codec, "read as UTF-16 text, because every other byte is zero")
    control = _CONTROL.search(start)
    if control is not None:
        raise _no_text(path, start, control.start())
    if _decodes(path, "utf-8"):
        return TextFile(path, path)
    place, byte = _first_other_byte(path)
    if _is_damaged_utf_8(path):
        raise CampaignDataError(
            f"{path}: is UTF-8 text with a damaged letter: {place} holds the byte 0x{byte:02X}. It may be truncated: "
            "export it again"
        )
    if _decodes(path, "cp949") and _is_korean(path):
        return _copied(path, folder, "cp949", f"read as CP949 (Korean): it is not UTF-8 (byte 0x{byte:02X} in {place})")
    if _decodes(path, "cp1252"):
        said = (
            f"read as Windows-1252: it is not UTF-8 (byte 0x{byte:02X} in {place}). If names look odd, save it as UTF-8"
        )
        return _copied(path, folder, "cp1252", said)
    raise CampaignDataError(
        f"{path}: is not text: {place} holds the byte 0x{byte:02X}, which is no UTF-8, CP949 or Windows-1252. Save it "
        "as UTF-8 ('CSV UTF-8' in Excel)"
    )


def _no_text(path: Path, start: bytes, at: int) -> CampaignDataError:
    line = start.count(b"\n", 0, at) + 1
    return CampaignDataError(
        f"{path}: is not text: line {line} holds the byte 0x{start[at]:02X}. Accepted are CSV, XLSX, Parquet and Arrow "
        "files"
    )


def _copied(path: Path, folder: Path, codec: str, note: str) -> TextFile:
    """A copy in UTF-8; line ends stay as they are."""
    copy = folder / "utf8.csv"
    try:
        with path.open(encoding=codec, newline="") as source, copy.open("w", encoding="utf-8", newline="") as target:
            while text := source.read(_CHUNK):
                target.write(text)
    except UnicodeError as error:
        raise CampaignDataError(
            f"{path}: was taken for {codec.upper()} text, which it is not all through ({error.reason}): save it as "
            "UTF-8 ('CSV UTF-8' in Excel)"
            if isinstance(error, UnicodeDecodeError)
            else f"{path}: is not text: {error}"
        ) from error
    return TextFile(copy, path, note)


def _utf_16_of(start: bytes) -> str | None:
    """Which half of the byte pairs is zero in text that is mostly ASCII."""
    high, low = start[0::2].count(0), start[1::2].count(0)
    half = len(start) / 2
    if low > 0.6 * half and high < 0.1 * half:
        return "utf-16-le"
    return "utf-16-be" if high > 0.6 * half and low < 0.1 * half else None


def _decodes(path: Path, codec: str) -> bool:
    decoder = codecs.getincrementaldecoder(codec)()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _is_damaged_utf_8(path: Path) -> bool:
    """Whether most letters that are not ASCII are UTF-8, or the file ends within one: in a code page they are not."""
    whole = broken = 0
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        while text := file.read(_CHUNK):
            broken += text.count("\ufffd")
            whole += sum(ord(sign) > 127 for sign in text)
            last = text[-1]
    return 2 * broken < whole or (broken == 1 and last == "\ufffd")


def _is_korean(path: Path) -> bool:
    hangul = others = 0
    with path.open(encoding="cp949", newline="") as file:
        while text := file.read(_CHUNK):
            letters = [sign for sign in text if ord(sign) > 127]
            hangul += sum("가" <= sign <= "힣" for sign in letters)
            others += len(letters)
    return hangul > _MOST_HANGUL * others


def _first_other_byte(path: Path) -> tuple[str, int]:
    """Where the file stops being UTF-8, and with which byte."""
    with path.open("rb") as file:
        number = 1
        while line := file.readline(_CHUNK):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                return f"line {number}", line[error.start]
            number += 1
    raise CampaignDataError(f"{path}: changed while it was read: try again")
