"""Everything a report is drawn and written from: stored tables, never a fit."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd

from mmm_pipeline.mmm.data.time_grid import Step, TimeGrid
from mmm_pipeline.reporting.results.returns import Returns
from mmm_pipeline.settings.pipeline import Settings

__all__ = ["Language", "ResultTables", "RowCounts", "Window", "records"]

Language = Literal["en", "ko"]


@dataclass(frozen=True)
class Window:
    """The periods of the campaign table.

    Attributes:
        grid: all of them.
        holdout_start: first day kept from the fit that is scored.
    """

    grid: TimeGrid
    holdout_start: dt.date

    @property
    def step(self) -> Step:
        return self.grid.step

    @property
    def start(self) -> dt.date:
        """First day."""
        return self.grid.start

    @property
    def end(self) -> dt.date:
        """Last day."""
        return self.grid.end

    @property
    def periods(self) -> int:
        return len(self.grid)

    @property
    def train_periods(self) -> int:
        return self.grid.position(self.holdout_start)

    @property
    def holdout_periods(self) -> int:
        return self.periods - self.train_periods


@dataclass(frozen=True)
class RowCounts:
    """How many campaign rows were used; `reasons` counts the refused ones by reason."""

    accepted: int
    rejected: int
    reasons: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class ResultTables:
    """One run's results. The frames follow the contracts of the same names in `mmm_pipeline.tables.catalog`.

    Attributes:
        settings: the settings of the run.
        quick: whether the run used fewer draws than a decision needs.
        rejected_rows: refused rows with reasons; may be a sample, `rows` has the counts.
        window: periods of the data.
        rows: row counts.
        eda_profile: deterministic statistics of the data (`mmm_pipeline.mmm.eda.profile`); empty when not computed.
        returns: the unit in which ROI and marginal ROI stand in the tables; None: as stored, KPI per unit of spend.
    """

    settings: Settings
    quick: bool
    media_matrix: pd.DataFrame
    kpi_series: pd.DataFrame
    leaderboard: pd.DataFrame
    champion_fit: pd.DataFrame
    naive_forecasts: pd.DataFrame
    rolling_origins: pd.DataFrame
    spec_agreement: pd.DataFrame
    averaged_attribution: pd.DataFrame
    forecast: pd.DataFrame
    attribution: pd.DataFrame
    attribution_by_market: pd.DataFrame
    media_total: pd.DataFrame
    contribution_over_time: pd.DataFrame
    retention_density: pd.DataFrame
    prior_check: pd.DataFrame
    prior_kpi: pd.DataFrame
    prior_posterior_density: pd.DataFrame
    sensitivity: pd.DataFrame
    predictive_pit: pd.DataFrame
    predictive_distribution: pd.DataFrame
    worst_parameter_draws: pd.DataFrame
    response_curves: pd.DataFrame
    budget_plan: pd.DataFrame
    budget_summary: pd.DataFrame
    reallocation: pd.DataFrame
    drift: pd.DataFrame
    engine_comparison: pd.DataFrame
    engine_scores: pd.DataFrame
    excluded_channels: pd.DataFrame
    rejected_rows: pd.DataFrame
    window: Window
    rows: RowCounts
    eda_profile: Mapping[str, Any] = field(default_factory=dict)
    returns: Returns | None = None


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table as plain dictionaries."""
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]
