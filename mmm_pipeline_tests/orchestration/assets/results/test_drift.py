"""The drift asset and its check, on stored champions."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pandas as pd
import pytest

from mmm_pipeline.mmm.fit.fit import Fit
from mmm_pipeline.orchestration.assets.results.drift import drift
from mmm_pipeline.orchestration.checks.contracts import advice_is_steady
from mmm_pipeline.orchestration.resources.io_managers import TableIOManager
from mmm_pipeline.storage.champions import ChampionHistory
from mmm_pipeline.storage.workspace import Workspace
from mmm_pipeline.tables.catalog import violations
from mmm_pipeline_tests.mmm.synthetic_fits import synthetic_fit


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(home=str(tmp_path), config=None)


def _crown(workspace: Workspace, fit: Fit, week: int) -> None:
    workspace.artifacts().write_fit("champion_model", fit, fingerprint=f"{week:032x}")
    history = ChampionHistory(workspace.artifacts())
    history.keep("champion_model", 12, quick=False, now=datetime(2026, 1, 5 + 7 * week, tzinfo=UTC))


def _materialize(workspace: Workspace) -> dg.ExecuteInProcessResult:
    resources = {"workspace": workspace, "tables": TableIOManager(workspace=workspace)}
    upstream = dg.AssetSpec("champion_model")
    return dg.materialize([upstream, drift, advice_is_steady], resources=resources, selection="drift")


def _compared_with(result: dg.ExecuteInProcessResult) -> str:
    [materialization] = result.asset_materializations_for_node("drift")
    return str(materialization.metadata["compared_with"].value)


def test_the_first_champion_has_nothing_to_be_compared_with_and_says_so(workspace: Workspace) -> None:
    _crown(workspace, synthetic_fit(draws=20), 0)

    result = _materialize(workspace)

    table = workspace.warehouse().read_table("drift")
    assert table.empty
    assert violations("drift", table).empty
    assert "no earlier champion yet" in _compared_with(result)
    [check] = result.get_asset_check_evaluations()
    assert check.passed


def test_the_next_champion_is_compared_with_the_one_before(workspace: Workspace) -> None:
    _crown(workspace, synthetic_fit(draws=20), 0)
    _crown(workspace, synthetic_fit(draws=20, seed=1), 1)

    result = _materialize(workspace)

    table = workspace.warehouse().read_table("drift", coerce=False)
    assert violations("drift", table).empty
    assert table["channel"].tolist() == ["channel 0", "channel 1", "channel 2"]
    assert "kept on 2026-01-05" in _compared_with(result)


def test_an_earlier_champion_that_cannot_be_read_is_told_and_stops_nothing(workspace: Workspace) -> None:
    _crown(workspace, synthetic_fit(draws=20), 0)
    _crown(workspace, synthetic_fit(draws=20, seed=1), 1)
    damaged = ChampionHistory(workspace.artifacts()).entries()[0]
    workspace.artifacts().path("champions", damaged.key).write_bytes(b"not netCDF")

    result = _materialize(workspace)

    assert workspace.warehouse().read_table("drift").empty
    assert damaged.key in _compared_with(result)


def test_a_flip_without_support_warns_and_names_the_channel(workspace: Workspace) -> None:
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
