"""The results folder: one folder per run, and `latest`, which always points at a complete one."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

__all__ = ["KEPT_RUNS", "publish"]

KEPT_RUNS = 12
"""Earlier results folders that stay; older ones are removed."""

_RUN_FOLDER = re.compile(r"\d{8}T\d{6}\d{6}Z\Z")


def publish(results: Path, fill: Callable[[Path], None]) -> Path:
    """Fill a new folder and let `latest` point at it; returns `latest`.

    The link is switched by one rename after the folder is complete, so that a run killed at any moment leaves the last
    good results.
    """
    results.mkdir(parents=True, exist_ok=True)
    folder = results / datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
    unfinished = results / f".{folder.name}.unfinished"
    unfinished.mkdir()
    try:
        fill(unfinished)
        unfinished.rename(folder)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    link = results / "latest"
    new_link = results / f".latest.{os.getpid()}"
    new_link.unlink(missing_ok=True)
    new_link.symlink_to(folder.name, target_is_directory=True)
    new_link.replace(link)
    _remove_old(results, folder)
    return link


def _remove_old(results: Path, current: Path) -> None:
    runs = sorted(path for path in results.iterdir() if path.is_dir() and _RUN_FOLDER.match(path.name))
    for path in [run for run in runs if run != current][: -KEPT_RUNS or None]:
        shutil.rmtree(path, ignore_errors=True)
