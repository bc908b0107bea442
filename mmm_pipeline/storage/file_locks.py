"""Locks between processes. The system releases them when their holder ends, however it ends."""

from __future__ import annotations

import fcntl
import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from mmm_pipeline.errors import StoredResultError

__all__ = ["held_here", "holder_of", "take_lock", "waiting_lock"]

_POLL_SECONDS = 0.5
_TAKEN: dict[Path, IO[str]] = {}
"""The file last locked by this process, under each path; closed when it let go of it."""


def take_lock(path: Path) -> IO[str] | None:
    """The open file, locked for as long as it stays open, or None when another holds it; folders are made.

    Raises:
        StoredResultError: the file is not one of ours: a link, or something that is no plain file.
        OSError: the file cannot be opened, or its file system knows no locks.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = _opened(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, "a+")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        handle.close()
        return None
    except OSError:
        handle.close()
        raise
    try:
        handle.truncate(0)
        handle.write(str(os.getpid()))
        handle.flush()
    except OSError as error:
        error.filename = str(path)  # of a full disk, the system says no name
        with suppress(OSError):
            handle.close()
        raise
    _TAKEN[path] = handle
    return handle


def held_here(path: Path) -> bool:
    """Whether this process holds the lock."""
    return path in _TAKEN and not _TAKEN[path].closed


def holder_of(path: Path) -> str | None:
    """Who holds the lock: the number of a process, or `unknown`; None when nobody does.

    Raises:
        FileNotFoundError: there is no such file, so that nobody ever held it.
        StoredResultError: the file is not one of ours.
        OSError: the file cannot be read, or its file system knows no locks.
    """
    with _opened(path, os.O_RDONLY, "r") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return handle.read().strip() or "unknown"
    return None


@contextmanager
def waiting_lock(path: Path, told: Callable[[str], object]) -> Iterator[bool]:
    """Hold the lock, having waited for it if need be; `told` is called once, with the process that is waited for.

    Yields:
        Whether there was something to wait for.

    Raises:
        StoredResultError: the file is not one of ours.
        OSError: the file cannot be opened, or its file system knows no locks.
    """
    handle, waited = take_lock(path), False
    while handle is None:
        if not waited:
            waited = True
            told(holder_of(path) or "unknown")
        # A call that blocks could not be interrupted when the run is cancelled.
        time.sleep(_POLL_SECONDS)
        handle = take_lock(path)
    with handle:
        yield waited


def _opened(path: Path, flags: int, mode: str) -> IO[str]:
    """Open the lock file itself, never what a link points at: that may be any file of this user."""
    if path.is_symlink():
        raise _foreign(path, "a link")
    descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, 0o666)
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
        os.close(descriptor)
        raise _foreign(path, "a second name of another file" if found.st_nlink > 1 else "no plain file")
    return os.fdopen(descriptor, mode, encoding="utf-8")


def _foreign(path: Path, what: str) -> StoredResultError:
    return StoredResultError(f"{path}: is {what}, and a lock is a plain file that mmm makes: remove it and run again")
