"""Past weeks filled by the real pipeline over made-up posteriors, and scored; the present stays as it is."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import arviz as az
import dagster as dg
import numpy as np
import pytest
import xarray as xr
from typer.testing import CliRunner

from mmm_pipeline.cli.main import app
from mmm_pipeline.errors import SettingsError, StoredResultError
from mmm_pipeline.ingestion.matrix import build_media_matrix
from mmm_pipeline.ingestion.model_inputs import build_model_inputs
from mmm_pipeline.ingestion.rows.campaigns import load_campaigns
from mmm_pipeline.mmm.data.model_data import train_days
from mmm_pipeline.mmm.fit.fit import Fit
from mmm_pipeline.operations.backtest import BacktestOptions, BacktestResult, publish, run_backtest
from mmm_pipeline.orchestration.assets.fits.specs import fit_fingerprint, spec_of_key
from mmm_pipeline.orchestration.headless import build_definitions, fill_partition
from mmm_pipeline.orchestration.runs.coordination import BACKTEST_JOB
from mmm_pipeline.settings.pipeline import Settings
from mmm_pipeline.settings.schedule import RefreshCalendar
from mmm_pipeline.storage.artifacts import ArtifactStore, artifact_store
from mmm_pipeline.storage.generations import record
from mmm_pipeline.storage.home import Home, RefreshFolder
from mmm_pipeline.storage.warehouse.duckdb import DuckDBWarehouse
from mmm_pipeline.tables.catalog import violations
from mmm_pipeline_tests.homes import present
from mmm_pipeline_tests.mmm.synthetic_fits import synthetic_fit
from mmm_pipeline_tests.orchestration.pipeline.conftest import small_settings

_SMALL = {
    "model": {"adstocks": ["adstock"], "degrees": [1]},
    "report": {"languages": ["en"]},
    "split": {"holdout": 14},
    "budget": {"horizon": 14},
}
_DATES = (dt.date(2025, 3, 30), dt.date(2025, 4, 13))
_OPTIONS = BacktestOptions("2025-03-30", "2025-04-13", "2w")


@dataclass
class Series:
    """A finished series over two dates, and the home that it was told to leave alone."""

    home: Home
    settings: Settings
    finished: BacktestResult
    present: dict[str, bytes]
    told: list[str] = field(default_factory=list)


def _week(home: Home, date: dt.date) -> RefreshFolder:
    """The partition that ends on a day."""
    return home.refresh(RefreshCalendar().ending(date, "date").key)


def _files(home: Home) -> dict[str, bytes]:
    """Everything of the present: its partition and its results."""
    return {
        str(path.relative_to(home.root)): path.read_bytes()
        for folder in (present(home).root, home.latest_results)
        for path in folder.rglob("*")
        if path.is_file()
    }


def _with_log_likelihood(fit: Fit) -> Fit:
    """The fit with what the sampler would have kept of every period, which the sensitivity of a plan asks for."""
    chains, draws, periods = fit.posterior.sizes["chain"], fit.posterior.sizes["draw"], len(fit.data.grid)
    values = np.random.default_rng(0).normal(-1, 0.1, (chains, draws, periods))
    kept = xr.Dataset({"kpi": (("chain", "draw", "time"), values)})
    groups = {"posterior": fit.posterior, "sample_stats": fit.inference["sample_stats"], "log_likelihood": kept}
    return dataclasses.replace(fit, inference=az.InferenceData(**groups))


def _put_fits(home: Home, date: dt.date, settings: Settings, *, converged: bool = True) -> None:
    """Made-up posteriors where the run of a date looks for fits to reuse, so that nothing has to be drawn."""
    then = settings.as_of(date)
    warehouse, artifacts = DuckDBWarehouse(home.root / "unused.duckdb"), ArtifactStore(_week(home, date).artifacts)
    load_campaigns(warehouse, then)
    dataset, _ = build_model_inputs(build_media_matrix(warehouse, then), then)
    for name, key, days in (("fitted_model", "adstock|1", train_days(dataset)), ("champion_model", None, None)):
        fit = _with_log_likelihood(synthetic_fit(dataset=dataset.isel(time=slice(None, days)), converged=converged))
        fingerprint = fit_fingerprint(spec_of_key(then, "adstock|1", fit.data), fit.data, then)
        artifacts.write_fit(name, fit, fingerprint=fingerprint, key=key)


@pytest.fixture(scope="module")
def series(small_campaign: Path, tmp_path_factory: pytest.TempPathFactory) -> Series:
    home = Home(tmp_path_factory.mktemp("home"))
    home.prepare()
    ArtifactStore(present(home).artifacts).write_fit("champion_model", synthetic_fit(), fingerprint="made up")
    home.latest_results.mkdir(parents=True)
    (home.latest_results / "budget.csv").write_text("the live plan")
    settings, before, told = small_settings(small_campaign, **_SMALL), _files(home), []
    for date in _DATES:
        _put_fits(home, date, settings)
    fill = partial(fill_partition, home, settings)
    finished = run_backtest(home, settings, _OPTIONS, fill, lambda step: told.append(step.told))
    return Series(home, settings, finished, before, told)


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
        there = _week(series.home, date.date())
        matrix = DuckDBWarehouse(there.warehouse_file).read_table("media_matrix")
        fit, _ = ArtifactStore(there.artifacts).read_fit("champion_model")
        assert matrix["date"].max() == date
        assert str(fit.data.dates[-1]) == str(date.date())


def test_the_last_date_s_plan_keeps_in_hindsight_what_it_promised(series: Series) -> None:
    last = series.finished.table.iloc[-1]
    assert last["uplift_in_hindsight"] == pytest.approx(last["uplift_promised"], rel=1e-6)


def test_every_filled_week_is_a_partition_with_its_scores_in_the_one_event_log(series: Series) -> None:
    weeks = {_week(series.home, date).key for date in _DATES}
    with dg.DagsterInstance.from_config(str(series.home.root)) as instance:
        for name in ("attribution", "budget_plan", "backtest"):
            assert instance.get_materialized_partitions(dg.AssetKey(name)) == weeks
        plotted = {
            str(event.asset_materialization.partition): event.asset_materialization.metadata
            for record in instance.fetch_materializations(dg.AssetKey("backtest"), limit=10).records
            if (event := record.event_log_entry) and event.asset_materialization
        }
    for row in series.finished.table.itertuples():
        shown = plotted[_week(series.home, row.as_of.date()).key]
        assert float(shown["wape"].value) == pytest.approx(row.wape, rel=1e-3)
        assert {"skill", "coverage_90", "uplift_promised"} <= set(shown)


def test_what_is_filled_is_scored_as_it_is_and_what_is_mixed_is_filled_again(series: Series) -> None:
    first, second = (_week(series.home, date) for date in _DATES)
    filled: list[str] = []
    # As if it had been killed while it was filled again: its matrix is newer than what was made from it.
    artifacts = artifact_store(series.settings, second)
    record(artifacts, "media_matrix", "another", ["media_rows"])

    def fill(period: object) -> tuple[str, ...]:
        filled.append(period.key)  # type: ignore[attr-defined]
        return fill_partition(series.home, series.settings, period)  # type: ignore[arg-type]

    before = first.warehouse_file.stat().st_mtime_ns
    again = run_backtest(series.home, series.settings, _OPTIONS, fill, lambda step: None)

    assert filled == [second.key]
    assert first.warehouse_file.stat().st_mtime_ns == before
    assert again.to_dict() == series.finished.to_dict()


def test_a_date_on_which_nothing_converged_is_told_and_alone_it_is_an_error(series: Series) -> None:
    date = dt.date(2025, 4, 6)
    _put_fits(series.home, date, series.settings, converged=False)
    with pytest.raises(StoredResultError, match=r"none of the 1 date\(s\) could be scored:\n.*converged"):
        run_backtest(
            series.home,
            series.settings,
            BacktestOptions("2025-04-06", "2025-04-06"),
            partial(fill_partition, series.home, series.settings),
            lambda step: None,
        )


def test_a_holdout_that_does_not_move_with_the_date_is_refused(series: Series) -> None:
    fixed = Settings.model_validate({**series.settings.model_dump(), "split": {"holdout_start": "2025-02-24"}})
    with pytest.raises(SettingsError, match="moves with the date"):
        run_backtest(series.home, fixed, _OPTIONS, lambda period: (), lambda step: None)


def test_a_week_that_is_not_filled_cannot_be_scored(series: Series) -> None:
    job = build_definitions(series.home, series.home.remember_settings(series.settings)).resolve_job_def(BACKTEST_JOB)
    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(
            instance=instance,
            partition_key="2025-04-14",
            asset_selection=[dg.AssetKey("backtest"), dg.AssetKey("backtest_channels")],
            raise_on_error=False,
        )
    [failure] = [event for event in result.all_events if event.is_step_failure]
    assert "there is no stored champion_model yet" in str(failure.step_failure_data.error)


def test_the_command_prints_the_tables_and_writes_the_files(series: Series) -> None:
    config = series.home.remember_settings(series.settings)
    command = ["backtest", "--from", "2025-03-30", "--to", "2025-04-13", "--every", "2"]
    command += ["--config", str(config), "--home", str(series.home.root)]

    shown = CliRunner().invoke(app, command, env={"COLUMNS": "80"})

    assert shown.exit_code == 0, shown.output
    assert "Forecasts of up to 14 days ahead" in shown.output
    assert "…" not in shown.output, "a column is cut"
    assert "nan" not in shown.output
    written = json.loads((series.home.results / "backtest" / "backtest.json").read_text(encoding="utf-8"))
    assert [date["as_of"] for date in written["dates"]] == [f"{day:%Y-%m-%d}" for day in series.finished.table["as_of"]]


def test_files_can_be_written_from_a_script(series: Series, tmp_path: Path) -> None:
    folder = publish(Home(tmp_path / "elsewhere"), series.settings, series.finished)
    assert {path.name for path in folder.iterdir()} == {
        "backtest.csv",
        "backtest_channels.csv",
        "backtest.json",
        "backtest.png",
    }
