"""Past dates rerun by the real pipeline over made-up posteriors; the present stays as it is."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, field
from pathlib import Path

import dagster as dg
import pytest
from typer.testing import CliRunner

from mmm_pipeline.cli.main import app
from mmm_pipeline.errors import SettingsError, StoredResultError
from mmm_pipeline.ingestion.matrix import build_media_matrix
from mmm_pipeline.ingestion.model_inputs import build_model_inputs
from mmm_pipeline.ingestion.rows.campaigns import load_campaigns
from mmm_pipeline.mmm.data.model_data import train_days
from mmm_pipeline.operations.backtest import BacktestOptions, BacktestResult, publish, run_backtest, store
from mmm_pipeline.orchestration.assets.fits.specs import fit_fingerprint, spec_of_key
from mmm_pipeline.orchestration.automation import BACKTEST_JOB
from mmm_pipeline.orchestration.headless import build_definitions, rebuild_decisions
from mmm_pipeline.settings.pipeline import Settings
from mmm_pipeline.storage.artifacts import ArtifactStore
from mmm_pipeline.storage.home import Home
from mmm_pipeline.storage.warehouse.duckdb import DuckDBWarehouse
from mmm_pipeline.tables.catalog import violations
from mmm_pipeline_tests.mmm.synthetic_fits import synthetic_fit
from mmm_pipeline_tests.orchestration.pipeline.conftest import small_settings

_SMALL = {
    "model": {"adstocks": ["adstock"], "degrees": [1]},
    "report": {"languages": ["en"]},
    "split": {"holdout": 14},
    "budget": {"horizon": 14},
}
_DATES = (dt.date(2025, 3, 30), dt.date(2025, 4, 13))
_OPTIONS = BacktestOptions("2025-03-30", "2025-04-13", "14d")
_LAUNCHED = {"first_date": "2025-03-30", "last_date": "2025-04-13", "every": "14d"}


@dataclass
class Series:
    """A finished series over two dates, and the home that it was told to leave alone."""

    home: Home
    settings: Settings
    finished: BacktestResult
    present: dict[str, bytes]
    told: list[str] = field(default_factory=list)


def _files(home: Home) -> dict[str, bytes]:
    """Everything of the present: all but what is below as-of/ and the compilation cache."""
    return {
        str(path.relative_to(home.root)): path.read_bytes()
        for path in home.root.rglob("*")
        if path.is_file() and path.relative_to(home.root).parts[0] not in ("as-of", "cache")
    }


def _put_fits(home: Home, settings: Settings, *, converged: bool = True) -> None:
    """Made-up posteriors where the run of a date looks for fits to reuse, so that nothing has to be drawn."""
    warehouse, artifacts = DuckDBWarehouse(home.root / "unused.duckdb"), ArtifactStore(home.artifacts)
    load_campaigns(warehouse, settings)
    dataset, _ = build_model_inputs(build_media_matrix(warehouse, settings), settings)
    for name, key, days in (("fitted_model", "adstock|1", train_days(dataset)), ("champion_model", None, None)):
        fit = synthetic_fit(dataset=dataset.isel(time=slice(None, days)), converged=converged)
        fingerprint = fit_fingerprint(spec_of_key(settings, "adstock|1", fit.data), fit.data, settings)
        artifacts.write_fit(name, fit, fingerprint=fingerprint, key=key)


@pytest.fixture(scope="module")
def series(small_campaign: Path, tmp_path_factory: pytest.TempPathFactory) -> Series:
    home = Home(tmp_path_factory.mktemp("home"))
    home.prepare()
    ArtifactStore(home.artifacts).write_fit("champion_model", synthetic_fit(), fingerprint="made up")
    home.latest_results.mkdir(parents=True)
    (home.latest_results / "budget.csv").write_text("the live plan")
    settings, present, told = small_settings(small_campaign, **_SMALL), _files(home), []
    for date in _DATES:
        _put_fits(home.as_of(date), settings.as_of(date))
    finished = run_backtest(home, settings, _OPTIONS, rebuild_decisions, lambda step: told.append(step.told))
    return Series(home, settings, finished, present, told)


def test_both_dates_are_scored_and_keep_their_contracts(series: Series) -> None:
    table, channels = series.finished.table, series.finished.channels
    assert table["status"].tolist() == ["scored", "scored"], table["note"].tolist()
    assert table["periods"].tolist() == [14, 14]
    assert len(channels) == 2 * channels["channel"].nunique()
    assert violations("backtest", table).empty
    assert violations("backtest_channels", channels).empty
    assert table["channels"].tolist() == [0, 3], "the first date has none before it to be compared with"


def test_the_present_is_byte_for_byte_what_it_was(series: Series) -> None:
    assert _files(series.home) == series.present


def test_no_date_has_seen_a_later_day(series: Series) -> None:
    for date in series.finished.table["as_of"]:
        there = series.home.as_of(date.date())
        matrix = DuckDBWarehouse(there.warehouse_file).read_table("media_matrix")
        fit, _ = ArtifactStore(there.artifacts).read_fit("champion_model")
        assert matrix["date"].max() == date
        assert str(fit.data.dates[-1]) == str(date.date())


def test_the_last_date_s_plan_keeps_in_hindsight_what_it_promised(series: Series) -> None:
    last = series.finished.table.iloc[-1]
    assert last["uplift_in_hindsight"] == pytest.approx(last["uplift_promised"], rel=1e-6)


def test_a_killed_series_goes_on_where_it_stopped(series: Series) -> None:
    first, second = (series.home.as_of(date.date()) for date in series.finished.table["as_of"])
    before = first.warehouse_file.stat().st_mtime_ns
    # As if it had been killed after the second date's fit: the fit is there, the date is not marked as done.
    (second.root / "backtested.json").unlink()
    fits = {path: path.stat().st_mtime_ns for path in second.artifacts.rglob("*.nc") if "model_inputs" not in path.name}

    again = run_backtest(series.home, series.settings, _OPTIONS, rebuild_decisions, lambda step: None)

    assert first.warehouse_file.stat().st_mtime_ns == before
    assert {path: path.stat().st_mtime_ns for path in fits} == fits
    assert again.to_dict() == series.finished.to_dict()


def test_a_date_on_which_nothing_converged_is_told_and_alone_it_is_an_error(series: Series) -> None:
    date = dt.date(2025, 4, 6)
    _put_fits(series.home.as_of(date), series.settings.as_of(date), converged=False)
    with pytest.raises(StoredResultError, match=r"none of the 1 date\(s\) could be scored:\n.*converged"):
        run_backtest(
            series.home,
            series.settings,
            BacktestOptions("2025-04-06", "2025-04-06"),
            rebuild_decisions,
            lambda step: None,
        )


@pytest.mark.parametrize(
    ("split", "message"),
    [({"as_of": "2025-02-24"}, "a backtest sets it"), ({"holdout_start": "2025-02-24"}, "moves with the date")],
)
def test_a_fixed_date_in_the_settings_is_refused(series: Series, split: dict, message: str) -> None:
    fixed = Settings.model_validate({**series.settings.model_dump(), "split": split})
    with pytest.raises(SettingsError, match=message):
        run_backtest(series.home, fixed, _OPTIONS, rebuild_decisions, lambda step: None)


def test_the_job_shows_table_picture_and_figures_in_the_present_s_own_event_log(series: Series) -> None:
    config = series.home.root / "pipeline.yaml"
    series.home.remember_settings(series.settings)
    job = build_definitions(series.home, config).resolve_job_def(BACKTEST_JOB)
    with dg.DagsterInstance.from_config(str(series.home.root)) as instance:
        result = job.execute_in_process(instance=instance, run_config=_LAUNCHED)
        checks = result.get_asset_check_evaluations()
        metadata = result.asset_materializations_for_node("backtest_dates")[0].metadata
        known = {key.to_user_string() for key in instance.all_asset_keys()}
    assert known == {"backtest", "backtest_channels"}, "what the earlier dates made is in their own logs"
    assert {check.check_name for check in checks if check.passed} == {"backtest_contract", "backtest_channels_contract"}
    assert {"table", "picture", "wape", "skill", "coverage_90", "folder"} <= set(metadata)
    assert (series.home.results / "backtest" / "backtest.png").is_file()
    assert len(DuckDBWarehouse(series.home.warehouse_file).read_table("backtest")) == 2


@pytest.mark.parametrize("wrong", [{"first_date": "tomorrow"}, {"every": "often"}, {"horizon": 0}, {"evry": "7d"}])
def test_a_wrong_value_in_the_launchpad_is_refused_before_there_is_a_run(series: Series, wrong: dict) -> None:
    job = build_definitions(series.home, None).resolve_job_def(BACKTEST_JOB)
    with dg.DagsterInstance.ephemeral() as instance:
        with pytest.raises((dg.DagsterInvalidConfigError, dg.DagsterConfigMappingFunctionError)):
            instance.create_run_for_job(job, run_config=wrong)
        assert instance.get_runs_count() == 0


def test_the_command_prints_the_tables_and_writes_the_files(series: Series) -> None:
    config = series.home.root / "pipeline.yaml"
    series.home.remember_settings(series.settings)
    command = ["backtest", "--from", "2025-03-30", "--to", "2025-04-13", "--every", "14d"]
    command += ["--config", str(config), "--home", str(series.home.root)]

    shown = CliRunner().invoke(app, command, env={"COLUMNS": "80"})

    assert shown.exit_code == 0, shown.output
    assert "Forecasts of up to 14 days ahead" in shown.output
    assert "…" not in shown.output, "a column is cut"
    assert "nan" not in shown.output
    written = json.loads((series.home.results / "backtest" / "backtest.json").read_text(encoding="utf-8"))
    assert [date["as_of"] for date in written["dates"]] == [f"{day:%Y-%m-%d}" for day in series.finished.table["as_of"]]


def test_tables_and_files_can_be_stored_from_a_script(series: Series, tmp_path: Path) -> None:
    elsewhere = Home(tmp_path / "elsewhere")
    store(elsewhere, series.settings, series.finished)
    folder = publish(elsewhere, series.settings, series.finished)
    assert {path.name for path in folder.iterdir()} == {
        "backtest.csv",
        "backtest_channels.csv",
        "backtest.json",
        "backtest.png",
    }
