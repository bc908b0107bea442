"""A home keeps its source whoever launches a run, a quick look leaves no trace, and bad settings empty no UI."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from mmm_pipeline.definitions import _defined
from mmm_pipeline.orchestration.headless import build_definitions
from mmm_pipeline.orchestration.runs.coordination import REFRESH_JOB
from mmm_pipeline.settings.pipeline import load_settings, parse_settings
from mmm_pipeline.settings.schedule import RefreshCalendar
from mmm_pipeline.storage.home import Home
from mmm_pipeline.storage.warehouse.duckdb import DuckDBWarehouse
from mmm_pipeline_tests.homes import present
from mmm_pipeline_tests.orchestration.pipeline.conftest import small_settings

_INGESTED = ("media_rows", "kpi_rows", "rejected_rows", "campaign_totals")


def _ingested(definitions: dg.Definitions) -> dg.ExecuteInProcessResult:
    """Only the first asset: what a run launched anywhere does first."""
    job = definitions.resolve_job_def(REFRESH_JOB)
    selected, week = [dg.AssetKey(name) for name in _INGESTED], RefreshCalendar().present().key
    return job.execute_in_process(asset_selection=selected, partition_key=week, raise_on_error=False)


def _failure(result: dg.ExecuteInProcessResult) -> str:
    """What the event log says about the failure, of a step or of the start of the run."""
    assert not result.success
    return "\n".join(str(event.event_specific_data) for event in result.all_events if event.is_failure)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MMM_CONFIG", raising=False)
    monkeypatch.setenv("MMM_HOME", str(tmp_path / "home"))
    home = Home(tmp_path / "home")
    home.prepare()
    return home


def test_a_run_on_another_source_is_refused_before_a_table_changes(home: Home, small_campaign: Path) -> None:
    own = small_settings(small_campaign)
    assert _ingested(build_definitions(home, present(home).write_run_settings(own))).success
    rows = DuckDBWarehouse(present(home).warehouse_file).row_count("media_rows")
    demo = present(home).write_run_settings(parse_settings({"source": {"kind": "demo"}}))

    refused = _ingested(build_definitions(home, demo))

    assert f"holds the results of {small_campaign}" in _failure(refused)
    assert "the demo market (seed 5)" in _failure(refused)
    assert DuckDBWarehouse(present(home).warehouse_file).row_count("media_rows") == rows
    assert load_settings(home.settings_file) == own

    assert _ingested(build_definitions(home, demo, replace=True)).success
    assert DuckDBWarehouse(present(home).warehouse_file).row_count("media_rows") != rows
    assert load_settings(home.settings_file).source.kind == "demo"


def test_a_source_that_cannot_be_read_is_not_remembered(home: Home, tmp_path: Path) -> None:
    file = present(home).write_run_settings(small_settings(tmp_path / "absent.csv"))
    assert not _ingested(build_definitions(home, file)).success
    assert home.held_source() is None


def test_a_quick_look_leaves_the_settings_as_they_were(home: Home, small_campaign: Path) -> None:
    settings = small_settings(small_campaign)
    assert _ingested(build_definitions(home, present(home).write_run_settings(settings), quick=True)).success
    assert load_settings(home.settings_file) == settings


def test_a_home_without_a_source_is_shown_and_its_runs_say_what_is_missing(home: Home) -> None:
    assert "no campaign data is named" in _failure(_ingested(_defined()))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("schedule: {timezone: KST}", "there is no such time zone"),
        ("schedule: {cron: every monday}", "cannot be read as a schedule"),
        ("schedule: {cron: 0 6 31 2 1}", "Dagster does not take it"),
        ("sampler: [", "is not valid YAML"),
        ("engines: {run: [lightweigt_mmm]}", "lightweigt_mmm"),
    ],
)
def test_settings_that_cannot_be_used_are_told_by_every_run_and_empty_no_ui(
    home: Home, text: str, message: str, caplog: pytest.LogCaptureFixture
) -> None:
    complete = {key.to_user_string() for key in _defined().resolve_all_asset_keys()}
    Path("pipeline.yaml").write_text(text)

    shown = _defined()

    assert {key.to_user_string() for key in shown.resolve_all_asset_keys()} == complete
    assert message in str(shown.metadata["problem"].value)
    assert message in _failure(_ingested(shown))
    assert message in caplog.text
