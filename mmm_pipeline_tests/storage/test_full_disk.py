"""No room left: what was stored stays, the message says what to do, and with room the next attempt succeeds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from mmm_pipeline.errors import StorageUnavailable
from mmm_pipeline.storage.artifacts import ArtifactStore
from mmm_pipeline.storage.warehouse.duckdb import DuckDBWarehouse
from mmm_pipeline_tests.mmm.synthetic_fits import synthetic_fit
from mmm_pipeline_tests.storage.small_disk import room_for


def _dataset(store: ArtifactStore, days: int) -> Path:
    return store.write_dataset("model_inputs", xr.Dataset({"kpi": ("time", np.random.default_rng(0).random(days))}))


def _fit(store: ArtifactStore, draws: int) -> Path:
    return store.write_fit("fitted_model", synthetic_fit(draws=draws), fingerprint=str(draws), key="carryover|2")


def _document(store: ArtifactStore, days: int) -> Path:
    return store.write_json("eda_profile", {"days": list(range(days))})


def _text(store: ArtifactStore, words: int) -> Path:
    return store.write_text("eda_report.ko", "보고서" * words, ".md")


@pytest.mark.parametrize(
    ("write", "small", "large"), [(_dataset, 10, 50_000), (_fit, 2, 500), (_document, 10, 50_000), (_text, 10, 50_000)]
)
def test_an_artifact_that_finds_no_room_leaves_the_earlier_one(
    tmp_path: Path, write: Callable[[ArtifactStore, int], Path], small: int, large: int
) -> None:
    store = ArtifactStore(tmp_path)
    path = write(store, small)
    stored = path.read_bytes()

    with (
        room_for(len(stored) + 10_000),
        pytest.raises(StorageUnavailable, match=rf"{path.name}: File too large: free space there"),
    ):
        write(store, large)
    assert path.read_bytes() == stored
    assert [file.name for file in path.parent.iterdir()] == [path.name]

    write(store, large)
    assert path.stat().st_size > len(stored) + 10_000


def test_a_table_that_finds_no_room_leaves_the_earlier_one(tmp_path: Path) -> None:
    warehouse = DuckDBWarehouse(tmp_path / "warehouse.duckdb")
    warehouse.write_table("numbers", pd.DataFrame({"number": range(10)}))
    large = pd.DataFrame({"number": np.random.default_rng(0).random(300_000)})

    with (
        room_for(warehouse.path.stat().st_size + 100_000),
        pytest.raises(StorageUnavailable, match=r"warehouse\.duckdb: .*File too large.*Free space"),
    ):
        warehouse.write_table("numbers", large)
    assert warehouse.read_table("numbers")["number"].tolist() == list(range(10))

    warehouse.write_table("numbers", large)
    assert warehouse.row_count("numbers") == 300_000
