"""The results folder: one link per partition, and `latest`, which always points at complete results of the newest."""

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
from typing import TYPE_CHECKING

from mmm_pipeline.errors import StorageUnavailable, StoredResultError
from mmm_pipeline.storage import places
from mmm_pipeline.storage.file_errors import file_error, is_denied
from mmm_pipeline.storage.home import Home
from mmm_pipeline.storage.places import Place, place_of, remove_folder
from mmm_pipeline.storage.scratch import held, remove_abandoned
from mmm_pipeline.storage.warehouses import open_warehouse
from mmm_pipeline.storage.workspace import stored_refreshes

if TYPE_CHECKING:
    from mmm_pipeline.settings.pipeline import Settings

__all__ = ["POINTER", "copy_results", "forget_old", "publish", "published", "remove_copy", "remove_results"]

POINTER = "latest.json"
"""In a copy, the file that names the last complete folder."""

logger = logging.getLogger(__name__)

_STAMP = "%Y%m%dT%H%M%S%fZ"
_RUN_FOLDER = re.compile(r"\d{8}T\d{6}\d{6}Z\Z")
_PARTITION = re.compile(r"\d{4}-\d{2}-\d{2}\Z")


def publish(results: Path, partition: str, fill: Callable[[Path], None], *, today: str) -> Path:
    """Fill a new folder and let the partition's link point at it, and `latest` where there is no newer partition.

    A link is switched by one rename after the folder is complete, so that a run killed at any moment leaves the last
    good results. What a killed run left unfinished is removed. Where a link is a folder, as in a home that was copied
    without its links, it is kept beside under another name.

    Args:
        results: folder of all results.
        partition: key of the partition, `2025-03-24`.
        fill: writes the results into the folder it is given.
        today: a partition named by a later day, made while a clock was wrong, is not newer.

    Returns:
        The partition's link.

    Raises:
        StorageUnavailable: the disk is full; the message names the file.
        StoredResultError: the folder cannot be written.
    """
    folder = results / datetime.now(UTC).strftime(_STAMP)
    unfinished = results / f".{folder.name}.unfinished"
    try:
        results.mkdir(parents=True, exist_ok=True)
        for pattern in (".*.unfinished", ".latest.*"):
            remove_abandoned(results, pattern)
        unfinished.mkdir()
        with held(unfinished):
            fill(unfinished)
            unfinished.rename(folder)
        newer = [key for key in published(results) if partition < key <= today]
        for name in (partition, *([] if newer else ["latest"])):
            new_link = results / f".latest.{os.getpid()}"
            new_link.unlink(missing_ok=True)
            new_link.symlink_to(folder.name, target_is_directory=True)
            _switch(results / name, new_link)
    except OSError as error:
        kind = StoredResultError if is_denied(error) else StorageUnavailable
        place = error.filename or _written_last(unfinished)
        raise kind(f"the results cannot be written: {file_error(error, place)}") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    _remove_replaced(results)
    return results / partition


def published(results: Path) -> list[str]:
    """Keys of the partitions that have results, oldest first."""
    return sorted(path.name for path in results.glob("*") if _PARTITION.match(path.name) and path.is_dir())


def remove_results(results: Path, partition: str) -> None:
    """Remove the results of a partition; those of the newest stay what `latest` points at."""
    link = results / partition
    if link.is_symlink():
        link.unlink(missing_ok=True)
    else:
        shutil.rmtree(link, ignore_errors=True)
    _remove_replaced(results)


def _written_last(folder: Path) -> Path:
    """The newest file below a folder, which a full disk cut short; the folder itself when there is none."""
    with suppress(OSError):
        files = [path for path in folder.rglob("*") if path.is_file()]
        return max(files, key=lambda path: path.stat().st_mtime_ns, default=folder)
    return folder


def _switch(link: Path, new_link: Path) -> None:
    """Put the new link in place of what is there; a folder cannot be replaced in one step, so it is renamed first."""
    if link.is_dir() and not link.is_symlink():
        aside = link.with_name(f"{link.name}-copied-{datetime.now(UTC).strftime(_STAMP)}")
        link.rename(aside)
        try:
            new_link.replace(link)
        except BaseException:
            aside.rename(link)
            raise
        logger.warning("%s was a folder and not a link, as after copying a home; it is kept as %s", link, aside.name)
        return
    new_link.replace(link)


def _remove_replaced(results: Path) -> None:
    """Remove the folders that no link points at any more."""
    if not results.is_dir():
        return
    used = {path.resolve().name for path in results.iterdir() if path.is_symlink()}
    for path in results.iterdir():
        if path.is_dir() and not path.is_symlink() and _RUN_FOLDER.match(path.name) and path.name not in used:
            shutil.rmtree(path, ignore_errors=True)


def copy_results(published: Path, target: Place, *, is_latest: bool) -> Place:
    """Copy the published folder to another place, then let a file there name it; returns the copy.

    The file is `2025-03-24.json`, by the partition, and `latest.json`. A bucket has no links and no renames, but one
    upload is whole or not at all: a copy cut short is in no such file.

    Args:
        published: the link that `publish` returned.
        target: folder or prefix of all copies.
        is_latest: whether there is no newer partition.

    Raises:
        StorageUnavailable: the place cannot be written.
    """
    folder = published.resolve()
    copy = target / folder.name
    places.write_folder(copy, folder)
    pointers = [f"{published.name}.json", *([POINTER] if is_latest else [])]
    for pointer in pointers:
        places.write(target / pointer, json.dumps({"folder": folder.name}).encode() + b"\n")
    _remove_unnamed(target)
    return copy


def forget_old(home: Home, settings: Settings) -> list[str]:
    """Remove all but the newest `refreshes.keep` partitions: tables, fits, pictures, texts, results.

    Returns:
        Keys of those that went.
    """
    old = stored_refreshes(home, settings)[: -settings.refreshes.keep]
    for folder in old:
        if settings.warehouse.kind != "duckdb":
            warehouse = open_warehouse(settings, folder)
            for name in warehouse.tables():
                warehouse.drop_table(name)
        if settings.storage.artifacts:
            remove_folder(place_of(settings.storage.artifacts) / folder.key)
        if settings.storage.results:
            remove_copy(place_of(settings.storage.results), folder.key)
        remove_results(home.results, folder.key)
        shutil.rmtree(folder.root, ignore_errors=True)
    return [folder.key for folder in old]


def remove_copy(target: Place, partition: str) -> None:
    """Remove the copy of a partition's results."""
    places.remove(target / f"{partition}.json")
    _remove_unnamed(target)


def _remove_unnamed(target: Place) -> None:
    """Remove the copies that no file names any more."""
    named = {
        str(json.loads(places.read(target / name)).get("folder"))
        for name in places.names(target)
        if name == POINTER or _PARTITION.match(name.removesuffix(".json"))
    }
    for name in places.subfolders(target):
        if _RUN_FOLDER.match(name) and name not in named:
            places.remove_folder(target / name)
