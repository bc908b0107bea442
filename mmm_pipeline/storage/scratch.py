"""Temporary files and folders that do not outlive their process; the next run removes those of killed ones.

Each is locked by its process for as long as it is in use. The system lets go of the lock when the process ends, however
it ends, so what is not locked any more is left over.
"""

from __future__ import annotations

import contextlib
import fcntl
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

__all__ = ["RANDOM_END", "held", "in_use", "remove_abandoned", "scratch_folder"]

_JUST_MADE_SECONDS = 5.0
"""A file so young may not have been locked yet."""
_NO_LOCKS_SECONDS = 24 * 3600.0
"""Where a file system knows no locks, only what is older is taken for left over."""
RANDOM_END = "?" * 8
"""The end of a name that `tempfile` makes: a folder that somebody named himself does not match by chance."""
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def scratch_folder(what: str, parent: Path | None = None) -> Iterator[Path]:
    """A private folder `mmm-<what>-...`, gone when the block ends, also by SIGINT, SIGTERM and SIGHUP.

    Those of killed processes go first.

    Args:
        what: what it is for, e.g. `check`.
        parent: where; default: the system's folder for temporary files.

    Raises:
        OSError: nothing can be written there.
    """
    root = parent or Path(tempfile.gettempdir())
    prefix = f"mmm-{what}-"
    remove_abandoned(root, f"{prefix}{RANDOM_END}")
    with (
        _ended_by_signals(),
        tempfile.TemporaryDirectory(prefix=prefix, dir=root, ignore_cleanup_errors=True) as name,
    ):
        folder = Path(name).resolve()
        with held(folder):
            yield folder


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let signals end the block by an exception, so that it tidies up.

    Raises:
        KeyboardInterrupt: Ctrl-C, or what counts as such, also where a library made another error of it.
        SystemExit: another signal that would have ended the process at once; the status is 128 and its number.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # A handler that somebody else set, Dagster say, ends its process in order already.
    before = {
        number: handler
        for number in _SIGNALS
        if (handler := signal.getsignal(number)) in (signal.SIG_DFL, signal.default_int_handler)
    }
    received: list[int] = []

    def ending(number: int) -> BaseException:
        interrupts = before[signal.Signals(number)] is signal.default_int_handler
        return KeyboardInterrupt() if interrupts else SystemExit(128 + number)

    def end(number: int, frame: FrameType | None) -> None:
        received.append(number)
        raise ending(number)

    for number in before:
        signal.signal(number, end)
    try:
        yield
    except Exception as error:
        if received:
            raise ending(received[0]) from error
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


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
