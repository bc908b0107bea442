"""The drift asset and its check, on stored champions."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import dagster as dg
import pandas as pd
import pytest

from mmm_pipeline.mmm.fit.fit import Fit
from mmm_pipeline.orchestration.assets.results.drift import drift
from mmm_pipeline.orchestration.checks.contracts import advice_is_steady
from mmm_pipeline.orchestration.resources.io_managers import TableIOManager
from mmm_pipeline.orchestration.resources.workspace import RunWorkspace
from mmm_pipeline.tables.catalog import violations
from mmm_pipeline_tests.mmm.synthetic_fits import synthetic_fit

_WEEKS = ("2026-01-05", "2026-01-12")


@pytest.fixture
def workspace(tmp_path: Path) -> RunWorkspace:
    return RunWorkspace(root=str(tmp_path), config=None, partition=_WEEKS[1])


def _crown(workspace: RunWorkspace, fit: Fit, week: int) -> None:
    then = dataclasses.replace(workspace, partition=_WEEKS[week])
    then.artifacts().write_fit("champion_model", fit, fingerprint=f"{week:032x}")


def _materialize(workspace: RunWorkspace) -> dg.ExecuteInProcessResult:
    resources = {"workspace": workspace, "tables": TableIOManager(workspace=workspace)}
    upstream = dg.AssetSpec("champion_model")
    return dg.materialize([upstream, drift, advice_is_steady], resources=resources, selection="drift")


def _compared_with(result: dg.ExecuteInProcessResult) -> str:
    [materialization] = result.asset_materializations_for_node("drift")
    return str(materialization.metadata["compared_with"].value)


def test_the_first_champion_has_nothing_to_be_compared_with_and_says_so(workspace: RunWorkspace) -> None:
    _crown(workspace, synthetic_fit(draws=20), 1)

    result = _materialize(workspace)

    table = workspace.warehouse().read_table("drift")
    assert table.empty
    assert violations("drift", table).empty
    assert "no partition before this one has another champion" in _compared_with(result)
    [check] = result.get_asset_check_evaluations()
    assert check.passed


def test_the_next_champion_is_compared_with_the_one_before(workspace: RunWorkspace) -> None:
    _crown(workspace, synthetic_fit(draws=20), 0)
    _crown(workspace, synthetic_fit(draws=20, seed=1), 1)

    result = _materialize(workspace)

    table = workspace.warehouse().read_table("drift", coerce=False)
    assert violations("drift", table).empty
    assert table["channel"].tolist() == ["channel 0", "channel 1", "channel 2"]
    assert "of partition 2026-01-05" in _compared_with(result)


def test_an_earlier_champion_that_cannot_be_read_is_told_and_stops_nothing(workspace: RunWorkspace) -> None:
    _crown(workspace, synthetic_fit(draws=20), 0)
    _crown(workspace, synthetic_fit(draws=20, seed=1), 1)
    before = dataclasses.replace(workspace, partition=_WEEKS[0])
    before.artifacts().path("champion_model").write_bytes(b"not netCDF")

    result = _materialize(workspace)

    assert workspace.warehouse().read_table("drift").empty
    assert _WEEKS[0] in _compared_with(result)


def test_a_flip_without_support_warns_and_names_the_channel(workspace: RunWorkspace) -> None:
    _crown(workspace, synthetic_fit(draws=20), 0)
    _crown(workspace, synthetic_fit(draws=20, seed=1), 1)
    _materialize(workspace)
    table = workspace.warehouse().read_table("drift")
    flipped = {"direction_before": "increase", "direction_now": "decrease", "recommendation": "flip_unsupported"}
    table.loc[table["channel"] == "channel 1", list(flipped)] = list(flipped.values())
    workspace.warehouse().write_table("drift", pd.DataFrame(table))

    verdict = advice_is_steady(workspace=workspace)

    assert isinstance(verdict, dg.AssetCheckResult)
    assert not verdict.passed
    assert verdict.severity == dg.AssetCheckSeverity.WARN
    assert "channel 1 (increase before, decrease now)" in str(verdict.description)
