"""The champion turns overdue by itself, as Dagster's daemon judges it."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.freshness import FreshnessState
from dagster._core.definitions.freshness_evaluator import TimeWindowFreshnessPolicyEvaluator
from dagster._core.loader import LoadingContextForTest
from dagster._core.test_utils import freeze_time

from mmm_pipeline.orchestration.headless import build_definitions
from mmm_pipeline.storage.home import Home

_MONDAY = dt.datetime(2026, 1, 5, 6, tzinfo=dt.UTC)
_CHAMPION = dg.AssetKey("champion_model")


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


def _state(instance: dg.DagsterInstance, definitions: dg.Definitions, days_later: float) -> FreshnessState:
    node = definitions.resolve_asset_graph().get(_CHAMPION)
    with freeze_time(_MONDAY + dt.timedelta(days=days_later)):
        judged = TimeWindowFreshnessPolicyEvaluator().evaluate_freshness(LoadingContextForTest(instance), node)
        return asyncio.run(judged)


def _refresh_on_monday(instance: dg.DagsterInstance) -> None:
    with freeze_time(_MONDAY):
        instance.report_runless_asset_event(dg.AssetMaterialization(_CHAMPION))


def test_a_champion_is_overdue_after_eight_days(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    definitions = build_definitions(Home(tmp_path), None)
    _refresh_on_monday(instance)

    assert _state(instance, definitions, 7.9) == FreshnessState.PASS
    assert _state(instance, definitions, 8.1) == FreshnessState.FAIL


def test_the_number_of_days_is_a_setting(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    config = tmp_path / "pipeline.yaml"
    config.write_text("schedule: {freshness_days: 2}", encoding="utf-8")
    definitions = build_definitions(Home(tmp_path), config)
    _refresh_on_monday(instance)

    assert _state(instance, definitions, 1.9) == FreshnessState.PASS
    assert _state(instance, definitions, 2.1) == FreshnessState.FAIL


def test_a_champion_that_never_was_is_not_called_fresh(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    assert _state(instance, build_definitions(Home(tmp_path), None), 0) == FreshnessState.UNKNOWN


def test_watching_leaves_the_pool_of_the_champion_s_fit_as_it_is(tmp_path: Path) -> None:
    champion = build_definitions(Home(tmp_path), None).resolve_assets_def(_CHAMPION)
    assert champion.op.pool == "fits"
