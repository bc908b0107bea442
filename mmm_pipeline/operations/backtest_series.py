"""Past partitions scored one after the other: what each said, against what happened and what the one before said."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from mmm_pipeline.errors import CampaignDataError, ModelInputError, SettingsError, StoredResultError
from mmm_pipeline.mmm.data.time_grid import TimeGrid
from mmm_pipeline.operations.budget_requests import budget_request
from mmm_pipeline.settings.pipeline import EventDates, Settings
from mmm_pipeline.settings.sources import LandingSettings, WarehouseSettings
from mmm_pipeline.storage.artifacts import artifact_store
from mmm_pipeline.storage.champions import CHAMPION_MODEL
from mmm_pipeline.storage.home import RefreshFolder
from mmm_pipeline.storage.scratch import scratch_folder
from mmm_pipeline.storage.warehouse.duckdb import DuckDBWarehouse
from mmm_pipeline.storage.warehouses import open_warehouse

if TYPE_CHECKING:
    from mmm_pipeline.mmm.data.model_data import Holdout
    from mmm_pipeline.mmm.evaluation.backtest import Forecast
    from mmm_pipeline.mmm.fit.fit import Fit

__all__ = ["SCORED", "Actual", "BacktestResult", "BacktestState", "Series"]

SCORED = ("attribution", "budget_plan", "budget_summary", CHAMPION_MODEL)
"""What a partition has to hold."""
_LONGEST_NOTE = 500


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


class Series:
    """Partitions in the order of time, each scored and compared with the one before.

    Attributes:
        rows: of the contract `backtest`, one for each.
        channels: of `backtest_channels`, for each that was scored.
    """

    def __init__(self, settings: Settings, actual: Actual, horizon: int) -> None:
        self.rows: list[dict[str, Any]] = []
        self.channels: list[pd.DataFrame] = []
        self._settings, self._actual, self._horizon = settings, actual, horizon
        self._planned = settings.budget.horizon_periods(actual.grid.step)
        self._before: BacktestState | None = None
        self._plans: dict[dt.date, pd.DataFrame] = {}
        self._forecasts: list[Forecast] = []

    def begin_with(self, state: BacktestState) -> None:
        """What the first one is compared with."""
        self._before = state

    def add(self, now: BacktestState) -> dict[str, Any]:
        """Score a partition; returns its row.

        Raises:
            CampaignDataError: there is no day after it.
            ModelInputError: the days that followed cannot be scored.
        """
        try:
            forecast = now.forecast(self._actual.after(now.date, self._horizon))
        except (ModelInputError, CampaignDataError) as error:
            raise type(error)(f"the following days cannot be scored: {error}") from error
        row, channels = _scored(self._before, now, forecast, self._settings)
        self.rows.append(row)
        self.channels.append(channels)
        self._forecasts.append(forecast)
        self._plans[now.date] = now.plan
        self._before = now
        return row

    def fail(self, date: dt.date, note: str) -> None:
        """Note why a partition is not scored."""
        self.rows.append({"as_of": pd.Timestamp(date), "status": "failed", "note": note[:_LONGEST_NOTE]})

    def hindsight(self, judge: BacktestState, plan: pd.DataFrame) -> float:
        """Gain of a partition's plan as a later champion sees it."""
        from mmm_pipeline.mmm.evaluation.backtest import plan_gain

        return plan_gain(judge.fit, plan, self._planned, self._settings.budget.count_after_horizon)

    def finished(self) -> BacktestResult:
        """All of them together.

        Raises:
            StoredResultError: none could be scored; the message has the reasons.
        """
        from mmm_pipeline.mmm.evaluation.backtest import backtest_summary, backtest_table

        if not self._forecasts or self._before is None:
            reasons = "\n".join(f"  {row['as_of']:%Y-%m-%d}: {row['note']}" for row in self.rows)
            raise StoredResultError(f"none of the {len(self.rows)} date(s) could be scored:\n{reasons}")
        for row in self.rows:
            if row["status"] == "scored":
                row["uplift_in_hindsight"] = self.hindsight(self._before, self._plans[row["as_of"].date()])
        table = backtest_table(self.rows)
        summary = {
            "horizon": self._horizon,
            "step": str(self._actual.grid.step),
            **backtest_summary(table, self._forecasts),
        }
        return BacktestResult(table, pd.concat(self.channels, ignore_index=True), summary)


@dataclass(frozen=True)
class Actual:
    """What happened, as the source has it today: what the dates are scored against.

    Attributes:
        settings: under which it was read.
        matrix, by_market: the contracts `media_matrix` and `market_matrix` of all rows.
        kpi: the contract `kpi_series`.
        features: of `load_features`.
        events: of `load_events`.
    """

    settings: Settings
    matrix: pd.DataFrame
    by_market: pd.DataFrame
    kpi: pd.DataFrame
    features: pd.DataFrame | None
    events: tuple[EventDates, ...]

    @classmethod
    def read(cls, settings: Settings) -> Actual:
        """What the source has today; `settings` are those of every partition.

        Raises:
            SettingsError: a holdout is fixed that every partition has to choose for itself.
            CampaignDataError: the source cannot be read.
        """
        settings = _looking_back(settings)
        from mmm_pipeline.ingestion.events import load_events
        from mmm_pipeline.ingestion.features import load_features
        from mmm_pipeline.ingestion.matrix import build_market_matrix, build_media_matrix
        from mmm_pipeline.ingestion.own_kpi import kpi_series, read_own_kpi
        from mmm_pipeline.ingestion.rows.campaigns import load_campaigns

        with scratch_folder("backtest") as folder:
            warehouse = DuckDBWarehouse(folder / "warehouse.duckdb")
            load_campaigns(warehouse, settings)
            own_kpi = read_own_kpi(warehouse, settings)
            matrix = build_media_matrix(warehouse, settings, own_kpi=own_kpi)
            by_market = build_market_matrix(warehouse, settings, own_kpi=own_kpi)
            kpi = kpi_series(matrix, by_market, own_kpi)
        return cls(settings, matrix, by_market, kpi, load_features(settings), load_events(settings))

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
    def read(cls, folder: RefreshFolder, settings: Settings, date: dt.date) -> BacktestState:
        """Raises StoredResultError when the partition is not filled."""
        fit, _ = artifact_store(settings, folder).read_fit(CHAMPION_MODEL)
        attribution, plan, summary = map(open_warehouse(settings, folder).read_table, SCORED[:3])
        return cls(date, settings, fit, attribution, plan, {str(k): v for k, v in summary.iloc[0].to_dict().items()})

    def forecast(self, followed: tuple[Any, Holdout]) -> Forecast:
        from mmm_pipeline.mmm.evaluation.backtest import forecast_of

        known, following = followed
        error, seed = self.settings.ranking.error, self.settings.sampler.seed
        return forecast_of(self.fit, known, following, error=error, seed=seed)


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


def _looking_back(settings: Settings) -> Settings:
    """The settings under which all rows are seen.

    Raises:
        SettingsError: a date is fixed that every date of a backtest has to choose for itself.
    """
    split = settings.split
    if split.holdout_start is not None:
        raise SettingsError(
            f"split.holdout_start = {split.holdout_start}: a backtest needs a holdout that moves with the date; give "
            "split.holdout instead"
        )
    return settings.model_copy(update={"warehouse": WarehouseSettings(), "landing": LandingSettings()})


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(column): _plain(value) for column, value in row.items()} for row in table.to_dict("records")]


def _plain(value: Any) -> Any:
    if isinstance(value, pd.Timestamp):
        return value.date().isoformat()
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
