"""Files on this machine or in a bucket, by the same few operations. Credentials come from the environment only.

A write is whole or not at all: a temporary file and a rename here, one upload there, which object stores show to
readers only when it is complete.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from mmm_pipeline.errors import SettingsError, StorageUnavailable, StoredResultError
from mmm_pipeline.storage.atomic_files import write_bytes
from mmm_pipeline.storage.file_errors import file_error, is_denied

if TYPE_CHECKING:
    from upath import UPath

__all__ = [
    "Place",
    "exists",
    "names",
    "place_of",
    "read",
    "remove",
    "remove_folder",
    "subfolders",
    "take_folder",
    "write",
    "write_folder",
]

Place: TypeAlias = "Path | UPath"
"""A file or folder on this machine, or an object or prefix in a bucket."""

_EXTRAS = {"gs": "pip install -e '.[gcs]'", "s3": "pip install s3fs"}
# Listings kept from a minute ago would hide what another pod has written since.
_OPTIONS: dict[str, dict[str, Any]] = {
    "gs": {
        "token": "google_default",  # those of the environment, never a browser or a file of gcsfs's own
        "access": "read_write",
        "consistency": "md5",  # of every upload, as the server reports it
        "requests_timeout": 60,
        "use_listings_cache": False,
    },
    "s3": {"use_listings_cache": False},
    "memory": {},
}


def place_of(location: str | Path) -> Place:
    """The place that a setting names: a path, or a URL such as `gs://bucket/folder`.

    Raises:
        SettingsError: the library for this kind of URL is not installed.
        StorageUnavailable: the environment has no credentials for it.
    """
    protocol, mark, _ = str(location).partition("://")
    if not mark:
        return Path(location)
    from upath import UPath

    try:
        if protocol == "gs":
            _leave_out_experiments()
        place = UPath(str(location), **_OPTIONS[protocol])
        with _asking(place, "reached"):
            _ = place.fs
        return place
    except ImportError as error:
        raise SettingsError(
            f"{location}: the library for {protocol}:// is not installed: {_EXTRAS.get(protocol, protocol)}"
        ) from error


def _leave_out_experiments() -> None:
    """Have `gs://` mean gcsfs's plain file system.

    By default an experiment of gcsfs takes its place and asks a second service of every bucket, with a permission of
    its own, for as long as that does not answer. The variable is read when gcsfs is imported, which anybody may have
    done before; hence the registration.
    """
    os.environ.setdefault("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
    import fsspec
    from gcsfs.core import GCSFileSystem

    for protocol in ("gs", "gcs"):
        fsspec.register_implementation(protocol, GCSFileSystem, clobber=True)


def exists(file: Place) -> bool:
    """Whether there is such a file.

    Raises:
        StorageUnavailable: the bucket cannot be asked, which is not the same as no.
    """
    if isinstance(file, Path):
        return file.is_file()
    try:
        with _asking(file, "looked for"):
            return bool(file.fs.info(file.path)["type"] == "file")
    except FileNotFoundError:
        return False


def read(file: Place) -> bytes:
    """The content.

    Raises:
        FileNotFoundError: there is no such file.
        StorageUnavailable: the bucket cannot be read.
    """
    if isinstance(file, Path):
        return file.read_bytes()
    with _asking(file, "read"):
        return bytes(file.fs.cat_file(file.path))


def write(file: Place, content: bytes | memoryview) -> None:
    """Replace the file: readers see the old content or the new.

    Raises:
        StorageUnavailable: it cannot be written now.
        StoredResultError: this user must not write it.
    """
    if not isinstance(file, Path):
        with _asking(file, "written", missing="there is no such bucket"):
            file.fs.pipe_file(file.path, bytes(content))
        return
    try:
        write_bytes(file, content)
    except OSError as error:
        kind = StoredResultError if is_denied(error) else StorageUnavailable
        raise kind(f"{len(content):,} bytes cannot be written: {file_error(error, file)}") from error


def remove(file: Place) -> None:
    """Remove the file if it is there.

    Raises:
        StorageUnavailable: the bucket cannot be written.
    """
    if isinstance(file, Path):
        file.unlink(missing_ok=True)
    elif exists(file):
        with _asking(file, "removed"):
            file.fs.rm_file(file.path)


def names(folder: Place) -> list[str]:
    """Names of the files in a folder, in alphabetical order; none when there is no folder.

    Raises:
        StorageUnavailable: the bucket cannot be asked.
    """
    if isinstance(folder, Path):
        return sorted(path.name for path in folder.iterdir() if path.is_file()) if folder.is_dir() else []
    return sorted(_last(entry) for entry in _listed(folder) if entry["type"] == "file")


def subfolders(folder: Place) -> list[str]:
    """Names of the folders in a folder, in alphabetical order; none when there is no folder.

    Raises:
        StorageUnavailable: the bucket cannot be asked.
    """
    if isinstance(folder, Path):
        return sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    return sorted(_last(entry) for entry in _listed(folder) if entry["type"] == "directory")


def remove_folder(folder: Place) -> None:
    """Remove a folder and all in it, if it is there."""
    if isinstance(folder, Path):
        shutil.rmtree(folder, ignore_errors=True)
        return
    for name in subfolders(folder):
        remove_folder(folder / name)
    for name in names(folder):
        remove(folder / name)


def write_folder(folder: Place, source: Path) -> None:
    """Make `folder` hold what `source`, a folder of this machine, holds: file by file, then what is left over goes."""
    for path in sorted(source.iterdir()):
        if path.is_dir():
            write_folder(folder / path.name, path)
        else:
            write(folder / path.name, path.read_bytes())
    kept = {path.name for path in source.iterdir()}
    for name in set(names(folder)) - kept:
        remove(folder / name)
    for name in set(subfolders(folder)) - kept:
        remove_folder(folder / name)


def take_folder(folder: Place, target: Path) -> None:
    """Copy a folder and all in it to this machine."""
    target.mkdir(parents=True, exist_ok=True)
    for name in names(folder):
        (target / name).write_bytes(read(folder / name))
    for name in subfolders(folder):
        take_folder(folder / name, target / name)


def _listed(folder: UPath) -> list[dict[str, Any]]:
    try:
        with _asking(folder, "listed"):
            return [entry for entry in folder.fs.ls(folder.path, detail=True) if _last(entry)]
    except FileNotFoundError:
        return []


def _last(entry: dict[str, Any]) -> str:
    """The name of a listed entry; empty for the marker object that some tools put in place of a folder."""
    return str(entry["name"]).rpartition("/")[2]


@contextmanager
def _asking(place: UPath, what: str, *, missing: str | None = None) -> Iterator[None]:
    """Whatever a client library raises becomes one error with one line; of its text no more, which may be a page.

    Args:
        place: the file or folder.
        what: participle of the operation.
        missing: what is wrong when the place is missing; None: the caller knows, and gets FileNotFoundError.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, ImportError) or (isinstance(error, FileNotFoundError) and missing is None):
            raise
        first = (str(error).strip().splitlines() or [""])[0][:200]
        reason = missing if missing and isinstance(error, FileNotFoundError) else f"{type(error).__name__}: {first}"
        raise StorageUnavailable(
            f"{place}: cannot be {what} ({reason}): check the bucket's name, the credentials in the environment and "
            "the network, and run again; what was stored before is intact"
        ) from error
