"""The results folder: one folder per run, and `latest`, which always points at a complete one."""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from mmm_pipeline.errors import StorageUnavailable, StoredResultError
from mmm_pipeline.storage import places
from mmm_pipeline.storage.file_errors import file_error, is_denied
from mmm_pipeline.storage.places import Place
from mmm_pipeline.storage.scratch import held, remove_abandoned

__all__ = ["KEPT_RUNS", "POINTER", "copy_results", "publish"]

KEPT_RUNS = 12
"""Earlier results folders that stay; older ones are removed."""

POINTER = "latest.json"
"""In a copy, the file that names the last complete folder."""

logger = logging.getLogger(__name__)

_STAMP = "%Y%m%dT%H%M%S%fZ"
_RUN_FOLDER = re.compile(r"\d{8}T\d{6}\d{6}Z\Z")


def publish(results: Path, fill: Callable[[Path], None]) -> Path:
    """Fill a new folder and let `latest` point at it; returns `latest`.

    The link is switched by one rename after the folder is complete, so that a run killed at any moment leaves the last
    good results. What a killed run left unfinished is removed. Where `latest` is a folder, as in a home that was copied
    without its links, it is kept beside under another name.

    Raises:
        StorageUnavailable: the disk is full; the message names the file.
        StoredResultError: the folder cannot be written.
    """
    folder = results / datetime.now(UTC).strftime(_STAMP)
    unfinished = results / f".{folder.name}.unfinished"
    link, new_link = results / "latest", results / f".latest.{os.getpid()}"
    try:
        results.mkdir(parents=True, exist_ok=True)
        for pattern in (".*.unfinished", ".latest.*"):
            remove_abandoned(results, pattern)
        unfinished.mkdir()
        with held(unfinished):
            fill(unfinished)
            unfinished.rename(folder)
        new_link.unlink(missing_ok=True)
        new_link.symlink_to(folder.name, target_is_directory=True)
        _switch(link, new_link)
    except OSError as error:
        kind = StoredResultError if is_denied(error) else StorageUnavailable
        place = error.filename or _written_last(unfinished)
        raise kind(f"the results cannot be written: {file_error(error, place)}") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    _remove_old(results, folder)
    return link


def _written_last(folder: Path) -> Path:
    """The newest file below a folder, which a full disk cut short; the folder itself when there is none."""
    with suppress(OSError):
        files = [path for path in folder.rglob("*") if path.is_file()]
        return max(files, key=lambda path: path.stat().st_mtime_ns, default=folder)
    return folder


def _switch(link: Path, new_link: Path) -> None:
    """Put the new link in place of what is there; a folder cannot be replaced in one step, so it is renamed first."""
    if link.is_dir() and not link.is_symlink():
        aside = link.with_name(f"latest-copied-{datetime.now(UTC).strftime(_STAMP)}")
        link.rename(aside)
        try:
            new_link.replace(link)
        except BaseException:
            aside.rename(link)
            raise
        logger.warning("%s was a folder and not a link, as after copying a home; it is kept as %s", link, aside.name)
        return
    new_link.replace(link)


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
