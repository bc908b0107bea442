"""Temporary folders that do not outlive their process, however it ends."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from mmm_pipeline.storage.file_locks import take_lock

__all__ = ["temporary_folder"]

_PREFIX = "mmm-"
_LOCK = ".lock"
_SIGNALS = (signal.SIGTERM, signal.SIGHUP)
# A folder without a lock may be one that is being made.
_ABANDONED_AFTER = 3600.0


@contextmanager
def temporary_folder(purpose: str) -> Iterator[Path]:
    """A folder that is removed at the end, also on SIGTERM and SIGHUP; what killed processes left is removed first.

    Args:
        purpose: a word for its name.

    Raises:
        OSError: there is no place for temporary files.
    """
    _remove_abandoned(Path(tempfile.gettempdir()))
    with (
        _ended_by_signals(),
        tempfile.TemporaryDirectory(prefix=f"{_PREFIX}{purpose}-", ignore_cleanup_errors=True) as name,
    ):
        folder = Path(name).resolve()
        lock = take_lock(folder / _LOCK)
        try:
            yield folder
        finally:
            if lock is not None:
                lock.close()


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let signals that would end the process at once end it by an exception, so that it tidies up."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    # A handler that somebody set, Dagster say, ends its process in order already.
    ours = [number for number, handler in before.items() if handler == signal.SIG_DFL]
    for number in ours:
        signal.signal(number, _end)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, before[number])


def _end(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _remove_abandoned(parent: Path) -> None:
    """Folders of ours whose process is gone."""
    for left in parent.glob(f"{_PREFIX}*-*"):
        try:
            if left.is_symlink() or not left.is_dir() or left.stat().st_uid != os.getuid():
                continue
            if not (left / _LOCK).is_file():
                if time.time() - left.stat().st_mtime < _ABANDONED_AFTER:
                    continue
            elif (lock := take_lock(left / _LOCK)) is None:
                continue
            else:
                lock.close()
        except OSError:
            continue
        shutil.rmtree(left, ignore_errors=True)
