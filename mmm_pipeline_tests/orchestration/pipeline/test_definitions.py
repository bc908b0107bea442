"""The code location, built as Dagster's server builds it."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from pathlib import Path

import dagster as dg
import pytest

from mmm_pipeline.orchestration.headless import build_definitions
from mmm_pipeline.storage.home import Home
from mmm_pipeline.tables.catalog import CONTRACTS

DESIGNED = {
    "media_rows", "rejected_rows", "media_matrix", "model_inputs", "fitted_model", "leaderboard", "champion_model",
    "attribution", "response_curves", "budget_plan", "charts", "eda_profile", "eda_report", "chart_report",
    "budget_report", "model_advice", "decision_report",
}  # fmt: skip


@pytest.fixture(scope="module")
def definitions(tmp_path_factory: pytest.TempPathFactory) -> dg.Definitions:
    return build_definitions(Home(tmp_path_factory.mktemp("home")), None)


def test_every_designed_asset_is_there(definitions: dg.Definitions) -> None:
    keys = {key.to_user_string() for key in definitions.resolve_asset_graph().get_all_asset_keys()}
    assert keys >= DESIGNED


def test_every_contract_is_a_blocking_check(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    blocking = {key.asset_key.to_user_string() for key in graph.asset_check_keys if graph.get(key).blocking}
    assert blocking == set(CONTRACTS)


def test_the_grid_is_three_by_three(definitions: dg.Definitions) -> None:
    partitions = definitions.resolve_asset_graph().get(dg.AssetKey("fitted_model")).partitions_def
    assert partitions is not None
    assert len(partitions.get_partition_keys()) == 9


def test_the_weekly_schedule_is_defined_and_off(definitions: dg.Definitions) -> None:
    schedule = definitions.resolve_schedule_def("weekly_refresh")
    assert schedule.default_status == dg.DefaultScheduleStatus.STOPPED
    assert schedule.cron_schedule == "0 6 * * 1"


def test_the_refresh_job_covers_everything_but_what_is_launched_by_hand(definitions: dg.Definitions) -> None:
    covered = {
        name: set(definitions.resolve_job_def(name).asset_layer.executable_asset_keys)
        for name in ("refresh", "scenario", "backtest")
    }
    assert covered["scenario"] == {dg.AssetKey("budget_scenario")}
    assert covered["backtest"] == {dg.AssetKey("backtest"), dg.AssetKey("backtest_channels")}
    by_hand = covered["scenario"] | covered["backtest"]
    assert covered["refresh"] == definitions.resolve_asset_graph().get_all_asset_keys() - by_hand


def test_an_engine_that_was_asked_once_stays_an_asset_but_no_refresh_asks_it(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    (home.engine_files / "meridian").mkdir(parents=True)
    (home.engine_files / "no_longer_known").mkdir()
    definitions = build_definitions(home, None)
    assert dg.AssetKey("engine_meridian") in definitions.resolve_asset_graph().get_all_asset_keys()
    refresh, ask = (definitions.resolve_job_def(name).asset_layer for name in ("refresh", "ask_meridian"))
    assert dg.AssetKey("engine_meridian") not in refresh.executable_asset_keys
    assert dg.AssetKey("engine_meridian") in ask.executable_asset_keys


def test_a_damaged_folder_of_engines_does_not_keep_the_ui_from_loading(tmp_path: Path) -> None:
    home, config = Home(tmp_path / "home"), tmp_path / "pipeline.yaml"
    (home.engine_files / "small").mkdir(parents=True)
    (tmp_path / "own" / "small").mkdir(parents=True)
    (tmp_path / "own" / "small" / "engine.toml").write_text("title = ")
    config.write_text("engines: {folder: own}")
    assert build_definitions(home, config).resolve_job_def("refresh")


def test_the_decisions_job_ends_with_attribution_and_budget(definitions: dg.Definitions) -> None:
    made = {key.to_user_string() for key in definitions.resolve_job_def("decisions").asset_layer.executable_asset_keys}
    assert {"media_rows", "fitted_model", "champion_model", "attribution", "budget_plan"} <= made
    assert not made & {"charts", "drift", "decision_report", "chart_report"}


def test_loading_the_code_location_imports_nothing_that_is_slow(tmp_path: Path) -> None:
    slow = {"jax", "numpyro", "arviz", "matplotlib", "scipy.stats", "xarray", "duckdb", "openpyxl",
            "dagster_gcp", "google.cloud.bigquery", "google.genai"}  # fmt: skip
    program = f"import sys, mmm_pipeline.orchestration.definitions; print(sorted(set(sys.modules) & {slow}))"
    environment = {**os.environ, "MMM_HOME": str(tmp_path)}
    loaded = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], env=environment, cwd=tmp_path, capture_output=True, text=True
    )
    assert loaded.stdout.strip() == "[]", loaded.stderr


def test_the_code_location_loads_as_the_server_loads_it(definitions: dg.Definitions) -> None:
    dg.Definitions.validate_loadable(definitions)
    assert {job.name for job in definitions.get_repository_def().get_all_jobs()} >= {"refresh", "decisions", "backtest"}


def test_loading_says_nothing_and_silences_nothing(tmp_path: Path) -> None:
    before = list(warnings.filters)
    with warnings.catch_warnings():
        warnings.simplefilter("error", category=dg.BetaWarning)
        build_definitions(Home(tmp_path), None)
    assert list(warnings.filters) == before
