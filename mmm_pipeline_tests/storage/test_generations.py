"""Results of different data are never put together, and what does not belong together is named."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import xarray as xr

from mmm_pipeline.errors import StoredResultError
from mmm_pipeline.settings.pipeline import Settings
from mmm_pipeline.storage.artifacts import artifact_store
from mmm_pipeline.storage.generations import mixed, record, require_one_generation, version_of
from mmm_pipeline.storage.home import Home, RefreshFolder

_CHAIN = {"matrix": (), "inputs": ("matrix",), "champion": ("inputs",), "attribution": ("champion", "matrix")}


@pytest.fixture
def folder(tmp_path: Path) -> RefreshFolder:
    there = Home(tmp_path).refresh("2025-03-24")
    for name in _CHAIN:
        _make(there, name, "old")
    return there


def _make(folder: RefreshFolder, name: str, data: str) -> None:
    record(artifact_store(Settings(), folder), name, version_of([name, data]), _CHAIN[name])


def _mixed(folder: RefreshFolder, *names: str) -> set[tuple[str, str]]:
    return set(mixed(artifact_store(Settings(), folder), names))


def test_what_was_made_in_one_go_belongs_together(folder: RefreshFolder) -> None:
    assert _mixed(folder, "matrix", "attribution") == set()


def test_a_new_matrix_below_an_old_attribution_is_found_and_named(folder: RefreshFolder) -> None:
    _make(folder, "matrix", "new")
    assert _mixed(folder, "matrix", "attribution") == {("attribution", "matrix"), ("inputs", "matrix")}
    with pytest.raises(StoredResultError, match=r"2025-03-24.*attribution \(made from an earlier matrix\)"):
        require_one_generation(folder, Settings(), ["attribution"])


def test_what_lies_between_is_found_though_the_direct_sources_look_unchanged(folder: RefreshFolder) -> None:
    _make(folder, "matrix", "new")
    _make(folder, "attribution", "new")  # from the new matrix and the champion of the old one
    assert _mixed(folder, "attribution") == {("inputs", "matrix")}


def test_a_matrix_made_again_from_unchanged_data_makes_nothing_stale(folder: RefreshFolder) -> None:
    _make(folder, "matrix", "old")
    assert _mixed(folder, "attribution") == set()


def test_after_everything_below_was_made_again_all_belongs_together(folder: RefreshFolder) -> None:
    for name in _CHAIN:
        _make(folder, name, "new")
    assert _mixed(folder, "attribution") == set()


def test_a_version_changes_with_any_value_name_or_type_and_with_nothing_else() -> None:
    table = pd.DataFrame({"channel": ["a", None], "spend": [1.0, 2.0]})
    others = [table.rename(columns={"spend": "cost"}), table.astype({"spend": "float32"}), table.iloc[::-1]]
    others.append(table.assign(spend=[1.0, 2.5]))
    assert version_of(table) == version_of(table.copy())
    assert len({version_of(other) for other in (table, *others)}) == 5
    arrays = xr.Dataset({"kpi": ("time", [1.0, 2.0])}, {"time": [0, 1]})
    assert version_of(arrays) == version_of(arrays.copy(deep=True))
    assert version_of(arrays) != version_of(arrays.assign_attrs(holdout_start="2025-01-01"))
