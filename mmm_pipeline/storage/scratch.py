"""Temporary files and folders that the next run removes when their process was killed.

Each is locked by its process for as long as it is in use. The system lets go of the lock when the process ends, however
it ends, so what is not locked any more is left over.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["held", "in_use", "remove_abandoned", "scratch_folder"]

_JUST_MADE_SECONDS = 5.0
"""A file so young may not have been locked yet."""
_NO_LOCKS_SECONDS = 24 * 3600.0
"""Where a file system knows no locks, only what is older is taken for left over."""


@contextmanager
def scratch_folder(what: str, parent: Path | None = None) -> Iterator[Path]:
    """A private folder `mmm-<what>-...`, gone when the block ends; those of killed processes go first.

    Args:
        what: what it is for, e.g. `check`.
        parent: where; default: the system's folder for temporary files.
    """
    root = parent or Path(tempfile.gettempdir())
    prefix = f"mmm-{what}-"
    remove_abandoned(root, f"{prefix}*")
    with tempfile.TemporaryDirectory(prefix=prefix, dir=root, ignore_cleanup_errors=True) as name, held(Path(name)):
        yield Path(name)


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Lock a file or folder until the block ends; where the file system knows no locks, nothing happens."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def remove_abandoned(folder: Path, pattern: str) -> list[Path]:
    """Remove the files and folders of this name, and of this user, that no process is using; returns them."""
    removed = []
    for path in folder.glob(pattern):
        try:
            found = path.lstat()
            if found.st_uid != os.geteuid() or in_use(path):
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        except OSError:  # gone meanwhile, or not ours to remove
            continue
        removed.append(path)
    return removed


def in_use(path: Path) -> bool:
    """Whether a process may still be using the file or folder.

    Raises:
        OSError: it is gone.
    """
    found = path.lstat()
    age = time.time() - found.st_mtime
    if path.is_symlink():
        return age < _JUST_MADE_SECONDS
    if 0 <= age < _JUST_MADE_SECONDS:
        return True
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # no locks here
        return age < _NO_LOCKS_SECONDS
    finally:
        os.close(descriptor)
    return False
