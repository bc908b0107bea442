"""Dagster's own databases in the home: errors of theirs that can be read, and a copy to look at where none can be
written.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mmm_pipeline.errors import StorageUnavailable, StoredResultError
from mmm_pipeline.storage.file_errors import file_error, is_writable
from mmm_pipeline.storage.home import Home

__all__ = ["copy_to_look_at", "readable_storage_errors"]

_SQLITE = b"SQLite format 3\0"
_FOLDERS = ("history", "schedules")


@contextmanager
def readable_storage_errors(home: Home) -> Iterator[None]:
    """An error of Dagster's storage or of its settings becomes one sentence that names the file.

    Raises:
        StorageUnavailable: the disk is full, or another process is in the way.
        StoredResultError: a file is damaged, or must not be written.
    """
    import dagster as dg
    import sqlalchemy as sa

    try:
        yield
    except sa.exc.SQLAlchemyError as error:
        raise _storage_error(home, error) from error
    except dg.DagsterInvalidConfigError as error:
        wrong = "; ".join(part.message.partition(" Expected:")[0][:300].rstrip(".") for part in error.errors)
        raise StoredResultError(
            f"{home.dagster_file}: Dagster does not take it: {wrong}. Correct it, or move it away to have it made anew"
        ) from error


def _storage_error(home: Home, error: Exception) -> StoredResultError:
    reason = _first_line(getattr(error, "orig", None) or error)
    for file in sorted(path for name in _FOLDERS for path in (home.root / name).rglob("*.db")):
        wrong = _wrong_with(file)
        if wrong:
            return StoredResultError(wrong)
    if "full" in reason or "disk I/O" in reason:
        full = OSError(errno.ENOSPC, f"the history of runs cannot be written ({reason})")
        return StorageUnavailable(file_error(full, home.root / "history"))
    if "locked" in reason:
        return StorageUnavailable(
            f"{home.root / 'history'}: another process keeps the history of runs locked ({reason}): wait for it, or "
            "stop it, and run again"
        )
    if not is_writable(home.root):
        return StoredResultError(_unwritable(home.root))
    return StoredResultError(
        f"Dagster's storage, as {home.dagster_file} names it, cannot be used: {reason}. Without a section `storage` "
        f"there it is {home.root / 'history'}"
    )


def _wrong_with(file: Path) -> str | None:
    """What keeps a database file from being used; None when it looks whole and can be written."""
    try:
        with file.open("rb") as stream:
            start = stream.read(len(_SQLITE))
    except OSError as error:
        return file_error(error, file)
    if start not in (b"", _SQLITE):
        return (
            f"{file}: is damaged: it is no SQLite database. Move it away and run again: it holds what the UI shows of "
            "earlier runs; tables, fits and results are elsewhere and intact"
        )
    return None if is_writable(file) and is_writable(file.parent) else _unwritable(file)


def _unwritable(path: Path) -> str:
    on_read_only = os.statvfs(path).f_flag & os.ST_RDONLY
    kind = errno.EROFS if on_read_only else errno.EACCES
    return file_error(OSError(kind, os.strerror(kind)), path)


def copy_to_look_at(home: Home, copy: Path) -> None:
    """Copy Dagster's databases of a home that cannot be written; SQLite opens no database that it could not write.

    Args:
        home: whose they are.
        copy: the folder to make, a DAGSTER_HOME then.

    Raises:
        StoredResultError: the home has no databases, or there is no room for the copy.
    """
    if not (home.root / "history" / "runs.db").is_file():
        raise StoredResultError(
            f"{_unwritable(home.root)}. There are no runs in it to look at; its results are in {home.results}"
        )
    try:
        copy.mkdir()
        for name in _FOLDERS:
            if (home.root / name).is_dir():
                shutil.copytree(home.root / name, copy / name)
        for file in (home.dagster_file, home.workspace_file):
            if file.is_file():
                shutil.copy(file, copy)
        for path in (copy, *copy.rglob("*")):
            path.chmod(path.stat().st_mode | (0o700 if path.is_dir() else 0o600))
        if (home.root / "storage").is_dir():
            (copy / "storage").symlink_to(home.root / "storage", target_is_directory=True)
    except (OSError, shutil.Error) as error:
        told = file_error(error, copy) if error.errno else _first_line(error)
        raise StoredResultError(f"{home.root} cannot be written, and its run history not be copied: {told}") from error


def _first_line(error: object) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
