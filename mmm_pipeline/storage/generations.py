"""What each stored thing of a partition was made from, so that results of different data are never put together."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from mmm_pipeline.errors import StoredResultError
from mmm_pipeline.storage.artifacts import ArtifactStore, artifact_store

if TYPE_CHECKING:
    import xarray as xr

    from mmm_pipeline.settings.pipeline import Settings
    from mmm_pipeline.storage.home import RefreshFolder

__all__ = ["Record", "mixed", "record", "require_one_generation", "sources", "told", "version_of"]

_FOLDER = "made_from"
_LENGTH = 32


@dataclass(frozen=True)
class Record:
    """What is known of one stored thing.

    Attributes:
        version: equal for equal content.
        made_from: what it was made from, with the versions of then.
    """

    version: str
    made_from: Mapping[str, str]


def version_of(content: Any) -> str:
    """A fingerprint of a table, a dataset, or of plain values (text, numbers, lists, dictionaries)."""
    digest = hashlib.sha256()
    if isinstance(content, pd.DataFrame):
        digest.update(repr([(str(name), str(kind)) for name, kind in content.dtypes.items()]).encode())
        digest.update(pd.util.hash_pandas_object(content, index=False).to_numpy().tobytes())
    elif hasattr(content, "data_vars"):
        _add_dataset(digest, content)
    else:
        digest.update(json.dumps(content, sort_keys=True, default=str, ensure_ascii=False).encode())
    return digest.hexdigest()[:_LENGTH]


def _add_dataset(digest: hashlib._Hash, dataset: xr.Dataset) -> None:
    digest.update(json.dumps(dict(dataset.attrs), sort_keys=True, default=str).encode())
    for name in sorted(map(str, dataset.variables)):
        values = dataset[name].to_numpy()
        digest.update(repr((name, dataset[name].dims, values.shape)).encode())
        is_plain = values.dtype.kind in "biufM"
        digest.update(values.tobytes() if is_plain else repr(values.astype(str).tolist()).encode())


def record(artifacts: ArtifactStore, name: str, version: str, upstream: Sequence[str]) -> None:
    """Note what a thing was made from, once it is stored. What is not recorded itself plays no part.

    Args:
        artifacts: of its partition.
        name: of the asset, `fitted_model/carryover_2`.
        version: fingerprint of its content.
        upstream: names of the assets it was made from.
    """
    artifacts.write_json(_FOLDER, {"version": version, "made_from": sources(artifacts, upstream)}, _key(name))


def sources(artifacts: ArtifactStore, upstream: Sequence[str]) -> dict[str, str]:
    """The present versions of some assets, of those that are recorded."""
    known = {name: _read(artifacts, name) for name in upstream}
    return {name: found.version for name, found in known.items() if found is not None}


def mixed(artifacts: ArtifactStore, names: Sequence[str]) -> list[tuple[str, str]]:
    """Pairs (made, from): things below which something changed since they were made, and what changed.

    Args:
        artifacts: of their partition.
        names: assets that are to be used together; what they were made from is looked at, too.
    """
    records: dict[str, Record | None] = {}
    found: list[tuple[str, str]] = []
    left = list(dict.fromkeys(names))
    while left:
        name = left.pop(0)
        if name in records:
            continue
        records[name] = _known(artifacts, name, records)
        if (one := records[name]) is None:
            continue
        for other, version in one.made_from.items():
            present = _known(artifacts, other, records)
            if present is not None and present.version != version:
                found.append((name, other))
            if other not in records:
                left.append(other)
    return found


def require_one_generation(folder: RefreshFolder, settings: Settings, names: Sequence[str]) -> None:
    """Refuse to put together what was made from different data.

    Raises:
        StoredResultError: something changed since one of them, or what it was made from, was made; the message names
            both.
    """
    pairs = mixed(artifact_store(settings, folder), names)
    if pairs:
        raise StoredResultError(told(folder.key, pairs))


def told(key: str, pairs: Sequence[tuple[str, str]]) -> str:
    """The sentence about results that do not belong together."""
    shown = ", ".join(f"{made} (made from an earlier {source})" for made, source in pairs[:5])
    more = f" and {len(pairs) - 5} more" if len(pairs) > 5 else ""
    return (
        f"partition {key}: its results come from different data: {shown}{more}. Materialize these and what is below "
        "them again, or refresh the partition"
    )


def _known(artifacts: ArtifactStore, name: str, records: Mapping[str, Record | None]) -> Record | None:
    return records[name] if name in records else _read(artifacts, name)


def _read(artifacts: ArtifactStore, name: str) -> Record | None:
    if not artifacts.has(_FOLDER, _key(name), ".json"):
        return None
    content = artifacts.read_json(_FOLDER, _key(name))
    return Record(str(content["version"]), {str(k): str(v) for k, v in content["made_from"].items()})


def _key(name: str) -> str:
    return name.replace("/", ".")
