"""Artifacts are written whole or not at all, and a damaged one is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from mmm_pipeline.errors import StoredResultError
from mmm_pipeline.storage.artifacts import ArtifactStore
from mmm_pipeline_tests.other_user import needs_root, other_user


def dataset(value: float) -> xr.Dataset:
    return xr.Dataset({"kpi": ("time", np.full(3, value))}, attrs={"holdout_start": "2026-01-03"})


def test_a_dataset_survives_the_round_trip(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path)
    store.write_dataset("model_inputs", dataset(1.5))
    xr.testing.assert_identical(store.read_dataset("model_inputs"), dataset(1.5))


def test_a_missing_artifact_says_what_to_materialize(tmp_path: Path) -> None:
    with pytest.raises(StoredResultError, match="materialize model_inputs first"):
        ArtifactStore(tmp_path).read_dataset("model_inputs")


@pytest.mark.parametrize("content", [b"", b"\x80\x04K\x01.", b"\x89HDF\r\n\x1a\n" + b"\0" * 64])
def test_a_damaged_artifact_is_named_and_nothing_in_it_runs(tmp_path: Path, content: bytes) -> None:
    store = ArtifactStore(tmp_path)
    store.path("model_inputs").write_bytes(content)
    with pytest.raises(StoredResultError, match=r"model_inputs\.nc: the stored model_inputs cannot be read"):
        store.read_dataset("model_inputs")


def test_a_damaged_fit_is_named(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path)
    path = store.path("fitted_model", "carryover|2")
    path.parent.mkdir(parents=True)
    path.write_bytes(b"not netCDF")
    with pytest.raises(StoredResultError, match=r"carryover-2\.nc"):
        store.read_fit("fitted_model", "carryover|2")


def test_json_refuses_numbers_that_json_does_not_have(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        ArtifactStore(tmp_path).write_json("eda_profile", {"a": float("nan")})
    assert not ArtifactStore(tmp_path).has("eda_profile", suffix=".json")


@needs_root
def test_a_file_that_must_not_be_read_is_not_called_damaged(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path)
    store.write_dataset("model_inputs", dataset(1.5))
    store.write_json("eda_profile", {})
    store.path("model_inputs").chmod(0o600)
    store.path("eda_profile", suffix=".json").chmod(0o600)
    for read in (lambda: store.read_dataset("model_inputs"), lambda: store.read_json("eda_profile")):
        with other_user(tmp_path), pytest.raises(StoredResultError, match="Permission denied: let this user") as told:
            read()
        assert "delete" not in str(told.value).lower()
        (tmp_path / "temporary").rmdir()


@needs_root
def test_a_folder_that_must_not_be_written_is_not_tried_again_later(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with other_user(tmp_path), pytest.raises(StoredResultError, match=r"a\.json: Permission denied: let") as told:
        ArtifactStore(tmp_path).write_json("a", {})
    assert not told.value.passing
