"""Arrays and documents, on disk or in a bucket: netCDF and JSON, written whole or not at all. No pickles."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmm_pipeline.errors import StoredResultError
from mmm_pipeline.mmm.data.time_grid import TimeGrid
from mmm_pipeline.storage import places
from mmm_pipeline.storage.file_errors import told_of
from mmm_pipeline.storage.places import Place
from mmm_pipeline.storage.scratch import scratch_folder

if TYPE_CHECKING:
    import numpy as np
    import xarray as xr

    from mmm_pipeline.mmm.fit.fit import Fit
    from mmm_pipeline.mmm.specs import ModelSpec
    from mmm_pipeline.settings.pipeline import Settings
    from mmm_pipeline.storage.home import RefreshFolder

__all__ = ["ArtifactStore", "artifact_store"]

_SAFE = re.compile(r"(?!\.)[A-Za-z0-9_.|-]*\Z")


@dataclass(frozen=True)
class ArtifactStore:
    """Files below one folder, or one prefix of a bucket, addressed by asset name and, for the grid, by spec key."""

    root: Place

    def path(self, name: str, key: str | None = None, suffix: str = ".nc") -> Place:
        """`<root>/<name>.nc`, or `<root>/<name>/<adstock>-<degrees>.nc` for a spec key `adstock|degrees`.

        Raises:
            StoredResultError: name or key, which may come from a run's tags, would lead elsewhere.
        """
        for part in (name, key or ""):
            if not _SAFE.match(part):
                raise StoredResultError(
                    f"{part[:100]!r} cannot name an artifact: accepted are letters, digits, `_`, `-`, `.` and `|`, "
                    "and no `.` in front"
                )
        return self.root / f"{name}{suffix}" if key is None else self.root / name / f"{key.replace('|', '-')}{suffix}"

    def write_dataset(self, name: str, dataset: xr.Dataset) -> Place:
        return _stored(self.path(name), dataset.to_netcdf(engine="h5netcdf"))

    def read_dataset(self, name: str) -> xr.Dataset:
        """Raises StoredResultError when the file is missing or damaged."""
        import xarray as xr

        path = self.path(name)
        try:
            with self._on_this_machine(path, name) as file:
                return xr.load_dataset(file, engine="h5netcdf")
        except StoredResultError:
            raise
        except Exception as error:
            raise _damaged(path, name, error) from error

    def write_fit(self, name: str, fit: Fit, *, fingerprint: str, key: str | None = None) -> Place:
        """Store a posterior together with the fingerprint of what it was fitted on."""
        inference = fit.to_inference_data()
        inference.attrs["fingerprint"] = fingerprint
        groups = inference.to_datatree()
        numbers = {
            group.path: {
                name: {"zlib": True} for name, values in group.variables.items() if values.dtype.kind in "biuf"
            }
            for group in groups.subtree
        }
        return _stored(self.path(name, key), groups.to_netcdf(engine="h5netcdf", encoding=numbers))

    def read_fit(self, name: str, key: str | None = None) -> tuple[Fit, str]:
        """The stored fit and its fingerprint; raises StoredResultError when it is missing or damaged."""
        import arviz as az

        from mmm_pipeline.mmm.fit.fit import Fit

        path = self.path(name, key)
        try:
            with self._on_this_machine(path, name) as file:
                inference = az.from_netcdf(str(file), engine="h5netcdf")
                inference.load()
                inference.close()
            return Fit.from_inference_data(inference), str(inference.attrs["fingerprint"])
        except StoredResultError:
            raise
        except Exception as error:
            raise _damaged(path, name, error) from error

    def fit_fingerprint(self, name: str, key: str | None = None) -> str | None:
        """What a stored fit was fitted on, without reading its draws; None when the file is damaged.

        Raises:
            StoredResultError: there is no such fit.
        """
        import h5netcdf

        path = self.path(name, key)
        with self._on_this_machine(path, name) as file:
            try:
                with h5netcdf.File(str(file), "r") as content:
                    return str(content.attrs["fingerprint"])
            except (OSError, KeyError, ValueError, RuntimeError):
                return None

    def read_fit_spend(self, name: str) -> tuple[tuple[str, ...], np.ndarray, TimeGrid]:
        """Channels of a stored fit, their (T, C) spend over all markets, and T periods, without reading its draws.

        Raises:
            StoredResultError: the file is missing or damaged.
        """
        window = self._fitted_window(name)
        try:
            spend = window["spend"]
            spend = (spend.sum("market") if "market" in spend.dims else spend).transpose("time", "channel")
            channels = tuple(str(channel) for channel in spend["channel"].to_numpy())
            return channels, spend.to_numpy(), TimeGrid.of_dates(spend["time"].to_numpy())
        except Exception as error:
            raise _damaged(self.path(name), name, error) from error

    def read_fit_spec(self, name: str) -> ModelSpec:
        """The model of a stored fit, without reading its draws.

        Raises:
            StoredResultError: the file is missing or damaged.
        """
        from mmm_pipeline.mmm.fit.storage import stored_spec

        return stored_spec(self._fitted_window(name))

    def _fitted_window(self, name: str) -> xr.Dataset:
        import xarray as xr

        path = self.path(name)
        try:
            with self._on_this_machine(path, name) as file:
                return xr.load_dataset(file, engine="h5netcdf", group="constant_data")
        except StoredResultError:
            raise
        except Exception as error:
            raise _damaged(path, name, error) from error

    def write_json(self, name: str, content: Any, key: str | None = None) -> Place:
        text = json.dumps(content, ensure_ascii=False, indent=2, allow_nan=False, default=str)
        return _stored(self.path(name, key, ".json"), f"{text}\n".encode())

    def read_json(self, name: str, key: str | None = None) -> Any:
        """Raises StoredResultError when the file is missing or damaged."""
        path = self.path(name, key, ".json")
        try:
            return json.loads(self._read(path, name).decode())
        except (OSError, ValueError) as error:
            raise _damaged(path, name, error) from error

    def write_text(self, name: str, text: str, suffix: str) -> Place:
        return _stored(self.path(name, suffix=suffix), text.encode())

    def read_text(self, name: str, suffix: str) -> str:
        """Raises StoredResultError when the file is missing."""
        return self._read(self.path(name, suffix=suffix), name).decode()

    def write_pictures(self, folder: str, source: Path) -> None:
        """Make `folder` hold the pictures of a folder of this machine, and no others."""
        places.write_folder(self.root / folder, source)

    def read_picture(self, folder: str, name: str) -> bytes:
        """Raises StoredResultError when there is no such picture."""
        return self._read(self.root / folder / f"{name}.png", "charts")

    def take_pictures(self, folder: str, target: Path) -> None:
        """Copy a folder of pictures, and those in it, to this machine."""
        places.take_folder(self.root / folder, target)

    def take_fit(self, name: str, key: str | None, source: ArtifactStore) -> None:
        """Store the fit of another partition as this one's."""
        _stored(self.path(name, key), source._read(source.path(name, key), name))

    def promote(self, name: str, key: str, target: str) -> None:
        """Make the array `key` of `name` the array `target`."""
        _stored(self.path(target), self._read(self.path(name, key), name))
        self.remove(name, key)

    def remove(self, name: str, key: str | None = None, suffix: str = ".nc") -> None:
        places.remove(self.path(name, key, suffix))

    def has(self, name: str, key: str | None = None, suffix: str = ".nc") -> bool:
        """Raises StorageUnavailable when a bucket cannot be asked."""
        return places.exists(self.path(name, key, suffix))

    def stems(self, name: str) -> list[str]:
        """What the arrays below `name` are called, without `.nc`, in order."""
        return [file.removesuffix(".nc") for file in places.names(self.root / name) if file.endswith(".nc")]

    def keys(self, name: str, spec_key: str) -> list[str]:
        """Keys below a spec's, `adstock|degrees|...`, that have a stored array, in order."""
        stem = spec_key.replace("|", "-") + "-"
        found = [file for file in self.stems(name) if file.startswith(stem)]
        return [f"{spec_key}|{file.removeprefix(stem)}" for file in found]

    def _read(self, path: Place, name: str) -> bytes:
        try:
            return places.read(path)
        except FileNotFoundError as error:
            raise StoredResultError(f"{path}: there is no stored {name} yet: materialize {name} first") from error
        except OSError as error:
            raise _damaged(path, name, error) from error

    @contextmanager
    def _on_this_machine(self, path: Place, name: str) -> Iterator[Path]:
        """HDF5 reads local files; what is in a bucket is fetched for as long as it is read."""
        if isinstance(path, Path):
            if not path.is_file():
                raise StoredResultError(f"{path}: there is no stored {name} yet: materialize {name} first")
            path.open("rb").close()  # HDF5's own words for a missing right are those for a damaged file
            yield path
            return
        with scratch_folder("artifact") as folder:
            local = folder / path.name
            local.write_bytes(self._read(path, name))
            yield local


def artifact_store(settings: Settings, folder: RefreshFolder) -> ArtifactStore:
    """The artifacts of a partition, where `storage.artifacts` puts them.

    Raises:
        SettingsError: the library for that kind of place is not installed.
    """
    location = settings.storage.artifacts
    return ArtifactStore(places.place_of(location) / folder.key if location else folder.artifacts)


def _stored(path: Place, content: bytes | memoryview) -> Place:
    """Write atomically. netCDF is made in memory: HDF5 itself crashes the process when a disk is full."""
    places.write(path, content)
    return path


def _damaged(path: Place, name: str, error: Exception) -> StoredResultError:
    # Only what is damaged may be deleted: a file that this user must not read, or a failing disk, is neither.
    if isinstance(error, OSError) and (told := told_of(error, path)):
        return StoredResultError(f"the stored {name} cannot be read: {told}")
    return StoredResultError(
        f"{path}: the stored {name} cannot be read ({type(error).__name__}: {error}). "
        f"Delete the file and materialize {name} again"
    )
