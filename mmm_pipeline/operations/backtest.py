"""Backtest: fill past partitions, and score their forecasts and advice against what happened since."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from mmm_pipeline.errors import CampaignDataError, MmmError, ModelInputError, StoredResultError
from mmm_pipeline.mmm.data.time_grid import Step
from mmm_pipeline.operations.backtest_dates import BacktestOptions, backtest_periods
from mmm_pipeline.operations.backtest_series import SCORED, Actual, BacktestResult, BacktestState, Series
from mmm_pipeline.settings.pipeline import Settings
from mmm_pipeline.settings.schedule import Period
from mmm_pipeline.storage.artifacts import artifact_store
from mmm_pipeline.storage.atomic_files import write_bytes, write_text
from mmm_pipeline.storage.generations import require_one_generation
from mmm_pipeline.storage.home import Home, RefreshFolder
from mmm_pipeline.storage.warehouses import open_warehouse
from mmm_pipeline.storage.workspace import stored_refreshes

if TYPE_CHECKING:
    pass

__all__ = ["BacktestOptions", "BacktestResult", "BacktestStep", "Fill", "publish", "run_backtest", "score_partition"]

Fill = Callable[[Period], Sequence[str]]
"""Fills a partition up to the budget plan; returns what failed, ready to be shown."""


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


def run_backtest(
    home: Home,
    settings: Settings,
    options: BacktestOptions,
    fill: Fill,
    on_step: Callable[[BacktestStep], object],
) -> BacktestResult:
    """Fill the partitions that are empty, then score all of them.

    A partition that was filled, by its own refresh, a backfill or an earlier backtest, is scored as it is, so that a
    series which was killed goes on where it stopped. One in which nothing could be recommended is in the table, with
    the reason.

    Args:
        home: its other partitions stay as they are.
        settings: those of every partition that is filled; a later day is not seen by any of them.
        options: which dates, and how many days after each are scored.
        fill: fills a partition.
        on_step: told when a date begins and when it is scored.

    Raises:
        SettingsError: no source is named, the dates do not fit the data or the settings, or another run is at work on
            one of them.
        CampaignDataError: the source cannot be read.
        StoredResultError: no date could be scored; the message has the reasons.
    """
    actual = Actual.read(settings)
    grid = actual.grid
    horizon = options.horizon_periods(grid.step, settings.budget)
    needed = settings.split.holdout_periods(grid.step) + grid.step.least_train
    periods = backtest_periods(options, settings.calendar, grid, needed=needed, horizon=horizon)
    series = Series(settings, actual, horizon)
    for number, period in enumerate(periods, start=1):
        date, folder = period.last, home.refresh(period.key)
        told = partial(BacktestStep, number, len(periods))
        try:
            if options.anew or not is_filled(folder, settings):
                on_step(told(f"{date}: filling partition {period.key} ({number} of {len(periods)})"))
                if problems := fill(period):
                    raise _NothingRecommended("; ".join(problems))
            row = series.add(BacktestState.read(folder, settings, date))
        except (_NothingRecommended, ModelInputError, CampaignDataError, StoredResultError) as error:
            series.fail(date, str(error))
            on_step(told(f"{date}: nothing to score: {error}"))
        else:
            on_step(told(_told(row, grid.step)))
    return series.finished()


def is_filled(folder: RefreshFolder, settings: Settings) -> bool:
    """Whether a partition has everything that is scored, all made from one generation of data."""
    *tables, champion = SCORED
    try:
        if not artifact_store(settings, folder).has(champion):
            return False
        require_one_generation(folder, settings, SCORED)
        return all(map(open_warehouse(settings, folder).has_table, tables))
    except StoredResultError:
        return False


def score_partition(home: Home, settings: Settings, period: Period) -> tuple[dict[str, Any], pd.DataFrame]:
    """Score what a partition holds against what happened since: a row of `backtest`, and rows of `backtest_channels`.

    It is compared with the nearest partition before it that is filled; hindsight is that of the newest.

    Raises:
        StoredResultError: the partition is not filled.
        CampaignDataError: the source cannot be read, or has no day after it.
        ModelInputError: the days that followed cannot be scored.
    """
    actual = Actual.read(settings)
    series = Series(settings, actual, settings.budget.horizon_periods(actual.grid.step))
    calendar = settings.calendar
    stored = stored_refreshes(home, settings)[::-1]
    filled = (folder for folder in stored if is_filled(folder, settings))
    newest = next(filled, None)
    earlier = next((folder for folder in (newest, *filled) if folder and folder.key < period.key), None)
    if earlier is not None:
        series.begin_with(BacktestState.read(earlier, settings, calendar.named(earlier.key).last))
    now = BacktestState.read(home.refresh(period.key), settings, period.last)
    row = series.add(now)
    judge = now if newest is None or newest.key == period.key else BacktestState.read(newest, settings, period.last)
    row["uplift_in_hindsight"] = series.hindsight(judge, now.plan)
    return row, series.channels[-1]


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
    """The run that filled a partition failed, e.g. because no spec converged."""


def _told(row: dict[str, Any], step: Step) -> str:
    changed = f", {row['flips']} of {row['channels']} recommendations turned round" if row.get("channels") else ""
    return (
        f"{row['as_of']:%Y-%m-%d}: {row['spec']}; forecast of {step.counted(row['periods'])} off by {row['wape']:.1%} "
        "(WAPE; best "
        f"naive {row['naive_wape']:.1%}), {row['coverage_90']:.0%} of them inside the 90 % interval{changed}"
    )
