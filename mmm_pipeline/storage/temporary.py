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
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# A folder without a lock may be one that is being made.
_ABANDONED_AFTER = 3600.0


@contextmanager
def temporary_folder(purpose: str) -> Iterator[Path]:
    """A folder that is removed at the end, also on SIGINT, SIGTERM and SIGHUP; what killed processes left goes first.

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
    """Let signals end the block by an exception, so that it tidies up.

    Raises:
        KeyboardInterrupt: Ctrl-C, also where a library made another error of it.
        SystemExit: another signal that would have ended the process at once; the status is 128 and its number.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    received: list[int] = []

    def end(number: int, frame: FrameType | None) -> None:
        received.append(number)
        raise _ending(number)

    # A handler that somebody else set, Dagster say, ends its process in order already.
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    ours = [number for number, handler in before.items() if handler in (signal.SIG_DFL, signal.default_int_handler)]
    for number in ours:
        signal.signal(number, end)
    try:
        yield
    except Exception as error:
        if received:
            raise _ending(received[0]) from error
        raise
    finally:
        for number in ours:
            signal.signal(number, before[number])


def _ending(number: int) -> BaseException:
    return KeyboardInterrupt() if number == signal.SIGINT else SystemExit(128 + number)


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
