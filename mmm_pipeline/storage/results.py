"""The results folder: one folder per run, and `latest`, which always points at a complete one."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from mmm_pipeline.storage import places
from mmm_pipeline.storage.places import Place

__all__ = ["KEPT_RUNS", "POINTER", "copy_results", "publish"]

KEPT_RUNS = 12
"""Earlier results folders that stay; older ones are removed."""

POINTER = "latest.json"
"""In a copy, the file that names the last complete folder."""

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


def copy_results(latest: Path, target: Place) -> Place:
    """Copy the published folder to another place, then let `latest.json` there name it; returns the copy.

    A bucket has no links and no renames, but one upload is whole or not at all: a copy cut short is in no pointer.

    Args:
        latest: the link that `publish` returned.
        target: folder or prefix of all copies.

    Raises:
        StorageUnavailable: the place cannot be written.
    """
    folder = latest.resolve()
    copy = target / folder.name
    places.write_folder(copy, folder)
    places.write(target / POINTER, json.dumps({"folder": folder.name}).encode() + b"\n")
    runs = [name for name in places.subfolders(target) if _RUN_FOLDER.match(name) and name != folder.name]
    for name in runs[: -KEPT_RUNS or None]:
        places.remove_folder(target / name)
    return copy
