"""Locks between processes. The system releases them when their holder ends, however it ends."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

__all__ = ["held_here", "holder_of", "take_lock", "waiting_lock"]

_POLL_SECONDS = 0.5
_TAKEN: dict[Path, IO[str]] = {}
"""The file last locked by this process, under each path; closed when it let go of it."""


def take_lock(path: Path) -> IO[str] | None:
    """The open file, locked for as long as it stays open, or None when another holds it; folders are made.

    Raises:
        OSError: the file cannot be opened, or its file system knows no locks.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = path.open("a+", encoding="utf-8")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        handle.close()
        return None
    except OSError:
        handle.close()
        raise
    handle.truncate(0)
    handle.write(str(os.getpid()))
    handle.flush()
    _TAKEN[path] = handle
    return handle


def held_here(path: Path) -> bool:
    """Whether this process holds the lock."""
    return path in _TAKEN and not _TAKEN[path].closed


def holder_of(path: Path) -> str | None:
    """Who holds the lock: the number of a process, or `unknown`; None when nobody does.

    Raises:
        FileNotFoundError: there is no such file, so that nobody ever held it.
        OSError: the file cannot be read, or its file system knows no locks.
    """
    with path.open(encoding="utf-8") as handle:
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
