"""Backtest: rerun past dates, each in a home of its own, and score their forecasts and advice."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from mmm_pipeline.errors import CampaignDataError, MmmError, ModelInputError, SettingsError, StoredResultError
from mmm_pipeline.mmm.data.time_grid import Step, TimeGrid
from mmm_pipeline.operations.backtest_dates import BacktestOptions, backtest_dates
from mmm_pipeline.operations.budget_requests import budget_request
from mmm_pipeline.settings.pipeline import EventDates, Settings
from mmm_pipeline.settings.sources import LandingSettings, WarehouseSettings
from mmm_pipeline.storage.artifacts import ArtifactStore
from mmm_pipeline.storage.atomic_files import write_bytes, write_text
from mmm_pipeline.storage.home import Home
from mmm_pipeline.storage.scratch import scratch_folder
from mmm_pipeline.storage.warehouse.duckdb import DuckDBWarehouse
from mmm_pipeline.storage.warehouses import open_warehouse

if TYPE_CHECKING:
    from mmm_pipeline.mmm.data.model_data import Holdout
    from mmm_pipeline.mmm.evaluation.backtest import Forecast
    from mmm_pipeline.mmm.fit.fit import Fit

__all__ = ["BacktestOptions", "BacktestResult", "BacktestStep", "Rebuild", "publish", "run_backtest", "store"]

Rebuild = Callable[[Home, Settings], Sequence[str]]
"""Fills a home as of its settings' day, up to the budget plan; returns what failed, ready to be shown."""

_MARK = "backtested.json"
_LONGEST_NOTE = 500


@dataclass(frozen=True)
class BacktestStep:
    """Where a series is.

    Attributes:
        number: of the date at work, from 1.
        dates: how many there are.
        told: one line to show.
    """

    number: int
    dates: int
    told: str


@dataclass(frozen=True)
class BacktestResult:
    """A finished series.

    Attributes:
        table: the contract `backtest`.
        channels: the contract `backtest_channels`.
        summary: all dates together (`mmm.evaluation.backtest.backtest_summary`), and `horizon`.
    """

    table: pd.DataFrame
    channels: pd.DataFrame
    summary: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; figures that do not exist are null."""
        summary = {name: _plain(value) for name, value in self.summary.items()}
        return {"summary": summary, "dates": _records(self.table), "channels": _records(self.channels)}


def run_backtest(
    home: Home,
    settings: Settings,
    options: BacktestOptions,
    rebuild: Rebuild,
    on_step: Callable[[BacktestStep], object],
) -> BacktestResult:
    """Rebuild the decisions of every date below `as-of/` of the home, then score them.

    A date that was rebuilt from the same rows and settings is not rebuilt again, so that a series which was killed goes
    on where it stopped. A date on which nothing could be recommended is in the table, with the reason.

    Args:
        home: whose present results stay as they are.
        settings: those of every date; a later day is not seen by any of them.
        options: which dates, and how many days after each are scored.
        rebuild: fills the home of a date.
        on_step: told when a date begins and when it is scored.

    Raises:
        SettingsError: no source is named, the dates do not fit the data or the settings, or another run is at work on
            one of them.
        CampaignDataError: the source cannot be read.
        StoredResultError: no date could be scored; the message has the reasons.
    """
    from mmm_pipeline.mmm.evaluation.backtest import backtest_summary, backtest_table, plan_gain

    actual = _Actual.read(_looking_back(settings))
    grid = actual.grid
    horizon = options.horizon_periods(grid.step, settings.budget)
    planned = settings.budget.horizon_periods(grid.step)
    needed = settings.split.holdout_periods(grid.step) + grid.step.least_train
    dates = backtest_dates(options, grid, needed=needed, horizon=horizon)
    rows: list[dict[str, Any]] = []
    plans: dict[dt.date, pd.DataFrame] = {}
    channels: list[pd.DataFrame] = []
    forecasts: list[Forecast] = []
    before: BacktestState | None = None
    for number, date in enumerate(dates, start=1):
        on_step(BacktestStep(number, len(dates), f"{date}: rebuilding what was known then ({number} of {len(dates)})"))
        try:
            now = _state(home, settings.as_of(date), date, actual.key, rebuild)
            forecast = now.forecast(actual.after(date, horizon))
        except _NothingRecommended as error:
            note = str(error)
        except (ModelInputError, CampaignDataError) as error:
            note = f"the following days cannot be scored: {error}"
        else:
            row, of_channels = _scored(before, now, forecast, settings)
            rows.append(row)
            channels.append(of_channels)
            forecasts.append(forecast)
            plans[date] = now.plan
            before = now
            on_step(BacktestStep(number, len(dates), _told(row, grid.step)))
            continue
        rows.append({"as_of": pd.Timestamp(date), "status": "failed", "note": note[:_LONGEST_NOTE]})
        on_step(BacktestStep(number, len(dates), f"{date}: nothing to score: {note}"))
    if before is None:
        reasons = "\n".join(f"  {row['as_of']:%Y-%m-%d}: {row['note']}" for row in rows)
        raise StoredResultError(f"none of the {len(dates)} date(s) could be scored:\n{reasons}")
    for row in rows:
        if row["status"] == "scored":
            plan, budget = plans[row["as_of"].date()], settings.budget
            row["uplift_in_hindsight"] = plan_gain(before.fit, plan, planned, budget.count_after_horizon)
    table = backtest_table(rows)
    summary = {"horizon": horizon, "step": str(grid.step), **backtest_summary(table, forecasts)}
    return BacktestResult(table, pd.concat(channels, ignore_index=True), summary)


def store(home: Home, settings: Settings, finished: BacktestResult) -> None:
    """Replace the tables `backtest` and `backtest_channels` of the warehouse.

    Raises:
        StoredResultError: the warehouse cannot be written.
    """
    home.prepare()
    open_warehouse(settings, home).write_tables({"backtest": finished.table, "backtest_channels": finished.channels})


def publish(home: Home, settings: Settings, finished: BacktestResult) -> Path:
    """Write CSV tables, `backtest.json` and `backtest.png` into `results/backtest` of the home; returns the folder.

    Raises:
        OSError: the folder cannot be written.
    """
    from mmm_pipeline.reporting.charts.decisions.backtest import backtest_chart
    from mmm_pipeline.reporting.text.spreadsheets import write_csv

    if home.held_source() is None:
        home.remember_settings(settings)
    folder = home.results / "backtest"
    picture = backtest_chart(finished.table, finished.channels, finished.summary, settings)
    write_csv(finished.table, folder / "backtest.csv")
    write_csv(finished.channels, folder / "backtest_channels.csv")
    text = json.dumps(finished.to_dict(), ensure_ascii=False, indent=2, allow_nan=False)
    write_text(folder / "backtest.json", text + "\n")
    write_bytes(folder / "backtest.png", picture)
    return folder


class _NothingRecommended(MmmError):
    """The rebuilt run of a date failed, e.g. because no spec converged."""


def _looking_back(settings: Settings) -> Settings:
    """The settings under which all rows are seen.

    Raises:
        SettingsError: a date is fixed that every date of a backtest has to choose for itself.
    """
    split = settings.split
    if split.as_of is not None:
        raise SettingsError(f"split.as_of = {split.as_of}: a backtest sets it for every date; leave it empty")
    if split.holdout_start is not None:
        raise SettingsError(
            f"split.holdout_start = {split.holdout_start}: a backtest needs a holdout that moves with the date; give "
            "split.holdout instead"
        )
    return settings.model_copy(update={"warehouse": WarehouseSettings(), "landing": LandingSettings()})


@dataclass(frozen=True)
class _Actual:
    """What happened, as the source has it today: what the dates are scored against.

    Attributes:
        settings: under which it was read.
        matrix, by_market: the contracts `media_matrix` and `market_matrix` of all rows.
        kpi: the contract `kpi_series`.
        features: of `load_features`.
        events: of `load_events`.
        key: changes when any of it changes.
    """

    settings: Settings
    matrix: pd.DataFrame
    by_market: pd.DataFrame
    kpi: pd.DataFrame
    features: pd.DataFrame | None
    events: tuple[EventDates, ...]
    key: str

    @classmethod
    def read(cls, settings: Settings) -> _Actual:
        from mmm_pipeline.ingestion.events import load_events
        from mmm_pipeline.ingestion.features import load_features
        from mmm_pipeline.ingestion.matrix import build_market_matrix, build_media_matrix
        from mmm_pipeline.ingestion.own_kpi import kpi_series, read_own_kpi
        from mmm_pipeline.ingestion.rows.campaigns import load_campaigns

        with scratch_folder("backtest") as folder:
            warehouse = DuckDBWarehouse(folder / "warehouse.duckdb")
            rows = load_campaigns(warehouse, settings)
            own_kpi = read_own_kpi(warehouse, settings)
            matrix = build_media_matrix(warehouse, settings, own_kpi=own_kpi)
            by_market = build_market_matrix(warehouse, settings, own_kpi=own_kpi)
            kpi = kpi_series(matrix, by_market, own_kpi)
        features, events = load_features(settings), load_events(settings)
        known = "" if features is None else features.to_csv(index=False)
        key = hashlib.sha256(repr((rows.fingerprint, known, events)).encode()).hexdigest()
        return cls(settings, matrix, by_market, kpi, features, events, key)

    @property
    def grid(self) -> TimeGrid:
        """Its periods."""
        return TimeGrid.of_dates(self.matrix["date"].sort_values().unique())

    def after(self, date: dt.date, horizon: int) -> tuple[Any, Holdout]:
        """(T,) KPI of the periods up to a date, of all markets, and at most `horizon` of those that followed.

        Raises:
            CampaignDataError: the extra features miss one of the days, or the days cannot carry a model.
        """
        from mmm_pipeline.ingestion.model_inputs import build_model_inputs
        from mmm_pipeline.mmm.data.model_data import holdout_of, train_days

        grid = self.grid
        at = grid.position(date) + 1
        first, last = grid.date(at), pd.Timestamp(grid.last_day(at + horizon - 1))
        split = self.settings.split.model_copy(update={"holdout_start": first})
        dataset, _ = build_model_inputs(
            self.matrix.loc[self.matrix["date"] <= last],
            self.settings.model_copy(update={"split": split}),
            self.features,
            self.events,
            self.by_market.loc[self.by_market["date"] <= last],
            self.kpi.loc[self.kpi["date"] <= last],
        )
        kpi = dataset["kpi"].sum("market") if "market" in dataset.dims else dataset["kpi"]
        return kpi.to_numpy()[: train_days(dataset)], holdout_of(dataset)


@dataclass(frozen=True)
class BacktestState:
    """What was known and recommended on a date: its champion, and its tables."""

    date: dt.date
    settings: Settings
    fit: Fit
    attribution: pd.DataFrame
    plan: pd.DataFrame
    promise: dict[str, Any]

    @classmethod
    def read(cls, home: Home, settings: Settings, date: dt.date) -> BacktestState:
        fit, _ = ArtifactStore(home.artifacts).read_fit("champion_model")
        warehouse = DuckDBWarehouse(home.warehouse_file)
        attribution, plan, summary = map(warehouse.read_table, ("attribution", "budget_plan", "budget_summary"))
        return cls(date, settings, fit, attribution, plan, {str(k): v for k, v in summary.iloc[0].to_dict().items()})

    def forecast(self, followed: tuple[Any, Holdout]) -> Forecast:
        from mmm_pipeline.mmm.evaluation.backtest import forecast_of

        known, following = followed
        error, seed = self.settings.ranking.error, self.settings.sampler.seed
        return forecast_of(self.fit, known, following, error=error, seed=seed)


def _state(home: Home, settings: Settings, date: dt.date, actual: str, rebuild: Rebuild) -> BacktestState:
    """The stand of a date, rebuilt unless it was rebuilt from the same rows and settings.

    Raises:
        _NothingRecommended: the run failed.
        SettingsError: another run is at work on it.
    """
    there = home.as_of(date)
    key = hashlib.sha256((actual + settings.model_dump_json()).encode()).hexdigest()
    mark = there.root / _MARK
    try:
        if json.loads(mark.read_text(encoding="utf-8")) == {"key": key}:
            return BacktestState.read(there, settings, date)
    except (OSError, ValueError, StoredResultError):
        pass  # not there yet, cut short, or of an earlier version: it is rebuilt
    mark.unlink(missing_ok=True)
    if problems := rebuild(there, settings):
        raise _NothingRecommended("; ".join(problems))
    stand = BacktestState.read(there, settings, date)
    write_text(mark, json.dumps({"key": key}) + "\n")
    return stand


def _scored(
    before: BacktestState | None, now: BacktestState, forecast: Forecast, settings: Settings
) -> tuple[dict[str, Any], pd.DataFrame]:
    """A row of the contract `backtest`, and the date's rows of `backtest_channels`."""
    from mmm_pipeline.mmm.evaluation.backtest import channel_rows, steadiness
    from mmm_pipeline.mmm.evaluation.drift import drift_table

    drift = None
    if before is not None:
        request = budget_request(settings.budget, now.fit.data.grid.step)
        drift = drift_table(before.fit, now.fit, request, seed=settings.sampler.seed)
    row: dict[str, Any] = {
        "as_of": pd.Timestamp(now.date),
        "status": "scored",
        "spec": now.fit.spec.key,
        **forecast.row(),
        **{f"uplift_promised{end}": float(now.promise[f"uplift{end}"]) for end in ("", "_low", "_high")},
    }
    if before is not None and drift is not None:
        row |= steadiness(drift, before.attribution, now.attribution)
    return row, channel_rows(now.date, now.attribution, now.plan, drift)


def _told(row: dict[str, Any], step: Step) -> str:
    changed = f", {row['flips']} of {row['channels']} recommendations turned round" if row.get("channels") else ""
    return (
        f"{row['as_of']:%Y-%m-%d}: {row['spec']}; forecast of {step.counted(row['periods'])} off by {row['wape']:.1%} "
        "(WAPE; best "
        f"naive {row['naive_wape']:.1%}), {row['coverage_90']:.0%} of them inside the 90 % interval{changed}"
    )


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(column): _plain(value) for column, value in row.items()} for row in table.to_dict("records")]


def _plain(value: Any) -> Any:
    if isinstance(value, pd.Timestamp):
        return value.date().isoformat()
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
