"""What the system says when a file cannot be used, as one sentence that names the file and says what to do."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path
from typing import Any

__all__ = ["file_error", "is_denied", "is_writable", "told_of"]

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_DENIED = {errno.EACCES, errno.EPERM}
_ADVICE = {
    **dict.fromkeys(_FULL, "free space there and run again; what was stored before is intact"),
    **dict.fromkeys(_DENIED, "let this user read and write it, or use another folder; nothing is damaged"),
    errno.EROFS: "make it writable (it is mounted read-only), or use another folder; nothing is damaged",
    errno.EIO: "the disk or the connection to it is failing: look at the machine's log",
    errno.EMFILE: "this process may open no more files: raise the limit (`ulimit -n`)",
    errno.ELOOP: "a link is not followed here: replace it by what it points at",
    errno.ENAMETOOLONG: "choose a shorter path",
    errno.EISDIR: "there is a folder where a file belongs: move it away",
    errno.ENOTDIR: "there is a file where a folder belongs: move it away",
    errno.ESTALE: "the network file system has lost it: mount it again",
}


def told_of(error: OSError, place: Any = None) -> str | None:
    """One sentence; None for an error that tells of a mistake in the program rather than of the machine.

    Args:
        error: what the system said.
        place: the file or folder, where the error itself does not name it.
    """
    if error.errno not in _ADVICE:
        return None
    return file_error(error, place)


def file_error(error: OSError, place: Any = None) -> str:
    """One sentence for any error: the file, what the system says of it, and what to do where that is known."""
    named = place if place is not None else error.filename
    if named is None:
        named = f"a file in the home or in {tempfile.gettempdir()}"
    if isinstance(named, bytes):
        named = named.decode(errors="replace")
    advice = _ADVICE.get(error.errno or 0)
    return f"{named}: {error.strerror or error}" + (f": {advice}" if advice else "")


def is_denied(error: BaseException) -> bool:
    """Whether it is a right that is missing, which stays so until somebody grants it; unlike a disk that is full."""
    return isinstance(error, OSError) and error.errno in {*_DENIED, errno.EROFS}


def is_writable(path: Path) -> bool:
    """Whether this process may write the file, or make files in the folder; False for what is not there."""
    return os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids)
