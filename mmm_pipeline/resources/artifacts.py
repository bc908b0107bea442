"""Arrays and documents on disk: netCDF and JSON, written whole or not at all. No pickles."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmm_pipeline.atomic_files import write_bytes
from mmm_pipeline.errors import StorageUnavailable, StoredResultError

if TYPE_CHECKING:
    import xarray as xr

    from mmm_pipeline.mmm.fit import Fit
    from mmm_pipeline.mmm.panel_fit import PanelFit

__all__ = ["ArtifactStore"]

_SAFE = re.compile(r"(?!\.)[A-Za-z0-9_.|-]*\Z")


@dataclass(frozen=True)
class ArtifactStore:
    """Files below one folder, addressed by asset name and, for the grid, by spec key."""

    root: Path

    def path(self, name: str, key: str | None = None, suffix: str = ".nc") -> Path:
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

    def write_dataset(self, name: str, dataset: xr.Dataset) -> Path:
        return _stored(self.path(name), dataset.to_netcdf(engine="h5netcdf"))

    def read_dataset(self, name: str) -> xr.Dataset:
        """Raises StoredResultError when the file is missing or damaged."""
        import xarray as xr

        path = self._existing(self.path(name), name)
        try:
            return xr.load_dataset(path, engine="h5netcdf")
        except Exception as error:
            raise _damaged(path, name, error) from error

    def write_fit(self, name: str, fit: Fit | PanelFit, *, fingerprint: str, key: str | None = None) -> Path:
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

    def read_fit(self, name: str, key: str | None = None) -> tuple[Fit | PanelFit, str]:
        """The stored fit and its fingerprint; raises StoredResultError when it is missing or damaged."""
        import arviz as az

        from mmm_pipeline.mmm.panel_fit import restored_fit

        path = self._existing(self.path(name, key), name)
        try:
            inference = az.from_netcdf(str(path), engine="h5netcdf")
            inference.load()
            inference.close()
            return restored_fit(inference), str(inference.attrs["fingerprint"])
        except Exception as error:
            raise _damaged(path, name, error) from error

    def write_json(self, name: str, content: Any, key: str | None = None) -> Path:
        text = json.dumps(content, ensure_ascii=False, indent=2, allow_nan=False, default=str)
        return _stored(self.path(name, key, ".json"), f"{text}\n".encode())

    def read_json(self, name: str, key: str | None = None) -> Any:
        """Raises StoredResultError when the file is missing or damaged."""
        path = self._existing(self.path(name, key, ".json"), name)
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise _damaged(path, name, error) from error

    def write_text(self, name: str, text: str, suffix: str) -> Path:
        return _stored(self.path(name, suffix=suffix), text.encode())

    def read_text(self, name: str, suffix: str) -> str:
        """Raises StoredResultError when the file is missing."""
        return self._existing(self.path(name, suffix=suffix), name).read_text(encoding="utf-8")

    def remove(self, name: str, key: str | None = None, suffix: str = ".nc") -> None:
        self.path(name, key, suffix).unlink(missing_ok=True)

    def has(self, name: str, key: str | None = None, suffix: str = ".nc") -> bool:
        return self.path(name, key, suffix).is_file()

    def keys(self, name: str, spec_key: str) -> list[str]:
        """Keys below a spec's, `adstock|degrees|...`, that have a stored array, in order."""
        stem = spec_key.replace("|", "-") + "-"
        folder = self.root / name
        found = sorted(path.stem for path in folder.glob(f"{stem}*.nc")) if folder.is_dir() else []
        return [f"{spec_key}|{path.removeprefix(stem)}" for path in found]

    def _existing(self, path: Path, name: str) -> Path:
        if not path.is_file():
            raise StoredResultError(f"{path}: there is no stored {name} yet: materialize {name} first")
        return path


def _stored(path: Path, content: bytes | memoryview) -> Path:
    """Write atomically. netCDF is made in memory: HDF5 itself crashes the process when a disk is full.

    Raises:
        StorageUnavailable: the file cannot be written.
    """
    try:
        return write_bytes(path, content)
    except OSError as error:
        raise StorageUnavailable(
            f"{path}: cannot be written ({error.strerror or error}, {len(content):,} bytes): free space there or allow "
            "writing, and run again; what was stored before is intact"
        ) from error


def _damaged(path: Path, name: str, error: Exception) -> StoredResultError:
    return StoredResultError(
        f"{path}: the stored {name} cannot be read ({type(error).__name__}: {error}). "
        f"Delete the file and materialize {name} again"
    )
