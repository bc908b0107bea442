"""What `mmm` prints goes through here: it never ends a run, whatever the terminal, pipe or file can take."""

from __future__ import annotations

import codecs
import contextlib
import io
import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, TextIO

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from mmm_pipeline.text_safety.printable import printable, printable_json

__all__ = ["console", "display_console", "lasting_output", "print_json", "print_text"]

_PLAIN_SYMBOLS = "mmm_pipeline.plain_symbols"
_SYMBOLS = {
    "✓": "+", "✗": "x", "★": "*", "–": "-", "—": "-", "−": "-", "→": "->", "←": "<-", "×": "x", "…": "...", "·": "-",
    "•": "*", "│": "|", "─": "-", "┌": "+", "└": "+", "├": "+", "≥": ">=", "≤": "<=", "≈": "~", "‘": "'", "’": "'",
    "“": '"', "”": '"', "\u00a0": " ", "\u202f": " ", "━": "-", "╸": "-", "╺": "-",
}  # fmt: skip
_BRAILLE = range(0x2800, 0x2900)  # what spinners are made of


def console(*, stderr: bool = False) -> Console:
    """The only kind of console that commands print with."""
    return _Console(stderr=stderr)


def display_console(*, stderr: bool = False) -> Console:
    """A console for what a run shows while it runs, on a way of its own to the terminal.

    Dagster stores what a step prints to the standard streams, and shows it with a delay; progress belongs to neither.
    """
    stream = sys.stderr if stderr else sys.stdout
    try:
        descriptor = os.dup(stream.fileno())
    except (OSError, ValueError):  # a stand-in without a file, of a test or a notebook
        return console(stderr=stderr)
    lost = stream.lost if isinstance(stream, _LastingStream) else []
    return _Console(file=_LastingStream(os.fdopen(descriptor, "wb"), stream.encoding, lost))


def print_text(text: str, *, stderr: bool = False) -> None:
    """Print plain text, as it is but for characters that would steer the terminal."""
    stream = sys.stderr if stderr else sys.stdout
    stream.write(f"{printable(text)}\n")
    stream.flush()


def print_json(content: Any) -> None:
    """Print JSON; where the output cannot hold every letter, they are escaped, so that names stay what they are."""
    encoding = (getattr(sys.stdout, "encoding", None) or "ascii").lower()
    text = json.dumps(content, ensure_ascii=not encoding.startswith("utf"), indent=2)
    sys.stdout.write(f"{printable_json(text)}\n")
    sys.stdout.flush()


@contextmanager
def lasting_output() -> Iterator[list[str]]:
    """Until the block ends, output that cannot be written is dropped instead of raising in the middle of the work.

    A letter that the encoding lacks becomes its ASCII stand-in or `?`. After a closed pipe (`| head -1`) nothing more
    is printed, and the work goes on quietly.

    Yields:
        What was lost for another reason, such as a full disk; filled as it happens.
    """
    lost: list[str] = []
    before = sys.stdout, sys.stderr
    opened = [_lasting(stream, lost) for stream in before]
    sys.stdout, sys.stderr = opened
    try:
        yield lost
    finally:
        for stream in opened:
            with contextlib.suppress(ValueError):  # closed already
                stream.flush()
        sys.stdout, sys.stderr = before
        for stream in opened:
            if isinstance(stream, _LastingStream):
                with contextlib.suppress(ValueError):
                    stream.detach()  # its end must not close what it wrote to


def _lasting(stream: TextIO, lost: list[str]) -> TextIO:
    if not isinstance(stream, io.TextIOWrapper):
        return stream  # a stand-in of a test or of a notebook, which takes every text
    stream.flush()
    stream.reconfigure(errors=_PLAIN_SYMBOLS)  # also for what is printed after the block
    return _LastingStream(stream.buffer, stream.encoding, lost)


class _LastingStream(io.TextIOWrapper):
    """Writes text to a binary stream, and never raises for what that does not take; `lost` says what went wrong."""

    def __init__(self, stream: BinaryIO, encoding: str, lost: list[str]) -> None:
        super().__init__(stream, encoding=encoding, errors=_PLAIN_SYMBOLS, newline="\n", line_buffering=True)
        self.lost = lost

    def write(self, text: str) -> int:
        with self._dropping():
            return super().write(text)
        return len(text)

    def flush(self) -> None:
        with self._dropping():
            super().flush()

    @contextmanager
    def _dropping(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if not isinstance(error, BrokenPipeError):
                self.lost.append(error.strerror or str(error))
            self._go_nowhere()

    def _go_nowhere(self) -> None:
        """What is still in a buffer, and all that follows, is written to the null device."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, self.fileno())
        finally:
            os.close(nowhere)


class _Console(Console):
    """Prints names from data as visible text only, whatever they are part of: tables, progress, messages."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            text, style, control = segment
            clean = text if control else printable(text)
            yield segment if clean == text else Segment(clean, style)


def _stand_ins(error: UnicodeError) -> tuple[str, int]:
    """Handler of the codecs: ASCII for the symbols that the commands print, `?` for other letters."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letters = error.object[error.start : error.end]
    return "".join("*" if ord(c) in _BRAILLE else _SYMBOLS.get(c, "?") for c in letters), error.end


codecs.register_error(_PLAIN_SYMBOLS, _stand_ins)
