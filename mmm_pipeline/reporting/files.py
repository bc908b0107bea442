"""Atomic writes: a reader never sees half a file, and a killed run leaves the last good one."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

__all__ = ["write_bytes", "write_text"]


def write_bytes(path: Path, content: bytes) -> Path:
    """Write `content` beside `path`, then rename it into place; missing folders are made.

    Raises:
        OSError: the folder cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).chmod(0o666 & ~_umask())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return path


def write_text(path: Path, content: str) -> Path:
    """`write_bytes` of UTF-8 text with `\\n` line ends."""
    return write_bytes(path, content.encode("utf-8"))


def _umask() -> int:
    """The process's file mode mask; mkstemp ignores it and always makes private files."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
