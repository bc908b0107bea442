"""The code location, built as Dagster's server builds it."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
import warnings
from pathlib import Path

import dagster as dg
import pytest

from mmm_pipeline.orchestration.headless import build_definitions
from mmm_pipeline.settings.pipeline import parse_settings
from mmm_pipeline.settings.schedule import RefreshCalendar
from mmm_pipeline.storage.home import Home
from mmm_pipeline.tables.catalog import CONTRACTS

DESIGNED = {
    "media_rows", "rejected_rows", "media_matrix", "model_inputs", "fitted_model", "leaderboard", "champion_model",
    "attribution", "response_curves", "budget_plan", "charts", "eda_profile", "eda_report", "chart_report",
    "budget_report", "model_advice", "decision_report",
}  # fmt: skip

BUDGET_SCENARIO = dg.AssetKey("budget_scenario")


@pytest.fixture(scope="module")
def definitions(tmp_path_factory: pytest.TempPathFactory) -> dg.Definitions:
    return build_definitions(Home(tmp_path_factory.mktemp("home")), None)


def test_every_designed_asset_is_there(definitions: dg.Definitions) -> None:
    keys = {key.to_user_string() for key in definitions.resolve_asset_graph().get_all_asset_keys()}
    assert keys >= DESIGNED


def test_every_contract_is_a_blocking_check(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    blocking = [key for key in graph.asset_check_keys if graph.get(key).blocking]
    contracts = {key.asset_key.to_user_string() for key in blocking if key.name.endswith("_contract")}
    assert contracts == set(CONTRACTS)
    assert {key.name for key in blocking if not key.name.endswith("_contract")} == {
        f"{name}_from_one_generation"
        for name in ("champion_fit", "attribution", "budget_plan", "charts", "decision_report")
    }


def test_each_of_the_nine_specs_is_an_asset(definitions: dg.Definitions) -> None:
    keys = definitions.resolve_asset_graph().get_all_asset_keys()
    specs = {key.path[1] for key in keys if len(key.path) == 2 and key.path[0] == "fitted_model"}
    assert specs == {
        f"{adstock}_{degrees}" for adstock in ("adstock", "hill_adstock", "carryover") for degrees in (1, 2, 4)
    }


def test_everything_is_partitioned_by_the_same_weeks_but_what_is_launched_by_hand(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    partitions = {graph.get(key).partitions_def for key in graph.get_all_asset_keys() - {BUDGET_SCENARIO}}
    [weeks] = partitions
    assert isinstance(weeks, dg.TimeWindowPartitionsDefinition)
    assert {dt.date.fromisoformat(key).weekday() for key in weeks.get_partition_keys()} == {0}
    assert RefreshCalendar().present().key in weeks.get_partition_keys()[-2:]


def test_a_tick_fills_the_week_that_ended_the_evening_before(definitions: dg.Definitions) -> None:
    monday = dt.datetime(2026, 11, 23, 6, tzinfo=dt.UTC)
    context = dg.build_schedule_context(
        scheduled_execution_time=monday, repository_def=definitions.get_repository_def()
    )
    requested = definitions.resolve_schedule_def("weekly_refresh").evaluate_tick(context).run_requests
    assert [request.partition_key for request in requested or ()] == ["2026-11-16"]
    assert {"source", "settings"} <= set((requested or ())[0].tags)


def test_three_years_of_weeks_are_offered_once_the_home_knows_that_the_data_goes_back_as_far(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.know_first(RefreshCalendar().today() - dt.timedelta(days=3 * 365))
    weeks = build_definitions(home, None).resolve_asset_graph().get(dg.AssetKey("charts")).partitions_def
    assert weeks is not None
    assert len(weeks.get_partition_keys()) in range(157, 160)


def test_a_changed_setting_shows_as_another_code_version_where_it_counts(tmp_path: Path) -> None:
    def versions(**report: object) -> dict[str, str | None]:
        home = Home(tmp_path / "home")
        home.prepare()
        file = home.remember_settings(parse_settings({"budget": report} if "upper" in report else {"report": report}))
        graph = build_definitions(home, file).resolve_asset_graph()
        return {name: graph.get(dg.AssetKey(name)).code_version for name in ("media_matrix", "budget_plan", "charts")}

    before, other_currency, other_bounds = versions(), versions(currency="EUR"), versions(upper=3.0)

    def changed(after: dict[str, str | None]) -> set[str]:
        return {name for name in before if before[name] != after[name]}

    assert changed(other_currency) == {"charts"}
    assert changed(other_bounds) == {"budget_plan", "charts"}


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
    scores = {dg.AssetKey("backtest"), dg.AssetKey("backtest_channels")}
    decisions = set(definitions.resolve_job_def("decisions").asset_layer.executable_asset_keys)
    assert covered["backtest"] == decisions | scores
    by_hand = covered["scenario"] | scores
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
