"""Atomic writes: a reader never sees half a file, and a killed run leaves the last good one."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from mmm_pipeline.storage.scratch import held, remove_abandoned

__all__ = ["remove_unfinished", "write_bytes", "write_text", "write_with"]

_SUFFIX = ".part"


def write_with(path: Path, fill: Callable[[Path], object]) -> Path:
    """Let `fill` write a temporary file beside `path`, then rename it into place; missing folders are made.

    Raises:
        OSError: the folder cannot be written, or the disk is full; it names the file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=_SUFFIX)
    os.close(handle)
    temporary = Path(name)
    try:
        with held(temporary):
            fill(temporary)
            with temporary.open("rb+") as stream:
                os.fsync(stream.fileno())
            temporary.chmod(0o666 & ~_umask())
            temporary.replace(path)
    except OSError as error:
        if error.errno and error.filename is None:  # of a full disk, the system says no name
            error.filename = str(path)
        raise
    finally:
        temporary.unlink(missing_ok=True)
    return path


def remove_unfinished(folder: Path) -> None:
    """Remove what killed processes left of `write_with`, in the folder and below it."""
    for place in (folder, *(path for path in folder.rglob("*") if path.is_dir() and not path.is_symlink())):
        remove_abandoned(place, f".*{_SUFFIX}")


def write_bytes(path: Path, content: bytes | memoryview) -> Path:
    """`write_with` these bytes."""
    return write_with(path, lambda temporary: temporary.write_bytes(content))


def write_text(path: Path, content: str) -> Path:
    """`write_bytes` of UTF-8 text with `\\n` line ends."""
    return write_bytes(path, content.encode("utf-8"))


def _umask() -> int:
    """The process's file mode mask; mkstemp ignores it and always makes private files."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
