"""Without the rights of root, for which every file can be read and written."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

__all__ = ["needs_root", "other_user"]

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
_NOBODY = 65534


@contextmanager
def other_user(folder: Path) -> Iterator[None]:
    """Be another user until the block ends, who may enter `folder` and has a place for temporary files there."""
    temporary = folder / "temporary"
    temporary.mkdir()
    os.chown(temporary, _NOBODY, _NOBODY)
    for parent in temporary.parents:
        if not parent.stat().st_mode & 0o001:
            parent.chmod(parent.stat().st_mode | 0o011)
    before, tempfile.tempdir = tempfile.tempdir, str(temporary)
    os.seteuid(_NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        tempfile.tempdir = before
