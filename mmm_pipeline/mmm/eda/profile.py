"""A deterministic profile of the data before any model: what is there, what is odd, what cannot be told apart."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from mmm_pipeline.errors import ModelInputError
from mmm_pipeline.mmm.data.time_grid import WEEKDAYS, Step, TimeGrid
from mmm_pipeline.mmm.eda.eda_findings import findings_of
from mmm_pipeline.mmm.eda.relations import correlations, lagged_correlations, variance_inflation
from mmm_pipeline.mmm.eda.robust import robust_trend, unusual_periods, without_trend_and_weekday

__all__ = ["BREAKDOWN_COLUMNS", "LAGS", "eda_profile"]

LAGS: Mapping[Step, int] = {Step.DAY: 14, Step.WEEK: 9, Step.MONTH: 7}
"""Periods by which the KPI is looked at behind the media."""
BREAKDOWN_COLUMNS: tuple[str, ...] = ("dimension", "value", "rows", "spend", "media_units", "kpi")

_MOST_PAIRS = 10
# Budgets are meant to be moved, so spend has to be odder than a KPI to be worth a line.
_SPEND_OUTLIER_SCORE = 3.5
_TREND_SPAN = {Step.DAY: (7, "week"), Step.WEEK: (1, "week"), Step.MONTH: (1, "month")}
"""Periods that the trend is told for, and their name."""


def eda_profile(
    matrix: pd.DataFrame,
    *,
    holdout_start: dt.date,
    series: pd.DataFrame | None = None,
    rejected: pd.DataFrame | None = None,
    breakdown: pd.DataFrame | None = None,
    season_days: float | None = 365.0,
) -> dict[str, Any]:
    """Profile the series.

    Args:
        matrix: the `media_matrix` table: one row per period and channel on a dense calendar.
        holdout_start: first day of the holdout.
        series: the `kpi_series` table of the same days; with names of markets, each is profiled by itself. Default:
            the KPI of the matrix.
        rejected: the `rejected_rows` table.
        breakdown: totals by brand, marketplace or the like, with `BREAKDOWN_COLUMNS`; `dimension` is the name of the
            column, `value` one of its values.
        season_days: length of the season that the model has; None: it has none.

    Returns:
        JSON-able, every list ready to be a table: `window`, `totals`, `kpi` (with `weekdays`, `trend`, `outliers`,
        `zero_periods`), `markets`, `channels`, `spend_outliers`, `correlated_pairs`, `correlations` (of
        all pairs), `lagged_correlations`, `breakdown`, `rejected`, `findings`. A number that is not defined is None.

    Raises:
        ModelInputError: `matrix` is empty, not dense, or `holdout_start` leaves no train day.
    """
    media, spend, row_kpi = (_wide(matrix, column) for column in ("media_units", "spend", "kpi"))
    dates = pd.DatetimeIndex(media.index)
    train = int((dates < pd.Timestamp(holdout_start)).sum())
    if train == 0:
        raise ModelInputError(
            f"holdout_start {holdout_start} leaves nothing to learn from: the data starts on {dates[0].date()}"
        )
    if series is None:
        series = matrix.assign(market=None)
    kpi = series.groupby("date")["kpi"].sum().reindex(dates, fill_value=0.0).to_numpy()
    grid = TimeGrid.of_dates(dates.to_numpy())
    # Weeks and months have no weekdays to tell apart.
    weekdays = grid.weekdays() if grid.step is Step.DAY else np.zeros(len(grid), dtype=int)

    lags = LAGS[grid.step]
    lagged = lagged_correlations(*_adjusted(media.to_numpy(), kpi, weekdays), lags)
    channels = _channels(media, spend, row_kpi, train, lagged)
    correlated = _correlations(media.iloc[:train])
    profile: dict[str, Any] = {
        "window": {
            "start": _day(dates[0]),
            "end": str(grid.end),
            "step": str(grid.step),
            "periods": len(grid),
            "holdout_start": str(holdout_start),
            "train_periods": train,
            "holdout_periods": len(dates) - train,
            "season_days": season_days,
        },
        "totals": {
            "spend": float(spend.to_numpy().sum()),
            "media_units": float(media.to_numpy().sum()),
            "kpi": float(kpi.sum()),
            "channels": media.shape[1],
        },
        "kpi": _kpi(kpi, grid, weekdays, train),
        "markets": _markets(series.loc[series["market"].notna()], train),
        "channels": channels,
        "spend_outliers": _spend_outliers(spend, weekdays, grid.step),
        "correlated_pairs": _strongest_pairs(correlated),
        "correlations": correlated,
        "lagged_correlations": [
            {"channel": str(name), "lag": lag, "correlation": _number(lagged[lag, position])}
            for position, name in enumerate(media.columns)
            for lag in range(lags)
        ],
        "breakdown": _breakdown(breakdown),
        "rejected": _rejected(rejected),
    }
    profile["findings"] = [finding.as_dict() for finding in findings_of(profile)]
    return profile


def _wide(matrix: pd.DataFrame, column: str) -> pd.DataFrame:
    """(T, C) values of one column, days in order; the calendar must be dense and complete for every channel."""
    if matrix.empty:
        raise ModelInputError("media_matrix has no rows: there is nothing to profile")
    table = matrix.pivot(index="date", columns="channel", values=column).sort_index()
    grid = TimeGrid.of_dates(table.index.to_numpy())
    if table.isna().to_numpy().any():
        raise ModelInputError(
            f"media_matrix must have every channel in every {grid.step} from {grid.start} to {grid.end}: "
            f"{int(table.isna().to_numpy().sum())} values of {column} are missing"
        )
    return table


def _adjusted(media: np.ndarray, kpi: np.ndarray, weekdays: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    residuals = without_trend_and_weekday(np.column_stack([media, kpi]), weekdays)
    # What least squares leaves of a series that trend and weekday explain fully is rounding, not variation.
    size = np.abs(np.column_stack([media, kpi])).max(axis=0)
    residuals[:, np.abs(residuals).max(axis=0) <= 1e-10 * size] = 0.0
    return residuals[:, :-1], residuals[:, -1]


def _channels(
    media: pd.DataFrame, spend: pd.DataFrame, row_kpi: pd.DataFrame, train: int, lagged: np.ndarray
) -> list[dict[str, Any]]:
    inflation = variance_inflation(media.iloc[:train].to_numpy())
    all_spend, all_kpi = float(spend.to_numpy().sum()), float(row_kpi.to_numpy().sum())
    rows: list[dict[str, Any]] = []
    for position, name in enumerate(media.columns):
        units, money = media[name].to_numpy(), spend[name].to_numpy()
        active = np.flatnonzero(units > 0)
        best = _strongest(lagged[:, position])
        train_units = units[:train]
        rows.append(
            {
                "channel": str(name),
                "active_periods": len(active),
                "train_active_periods": int((active < train).sum()),
                "first_active": _day(media.index[int(active[0])]) if len(active) else None,
                "last_active": _day(media.index[int(active[-1])]) if len(active) else None,
                "spend": float(money.sum()),
                "spend_share": _ratio(float(money.sum()), all_spend),
                "train_spend": float(money[:train].sum()),
                "media_units": float(units.sum()),
                "train_media_units": float(train_units.sum()),
                "cost_per_thousand": _ratio(1000 * float(money.sum()), float(units.sum())),
                "row_kpi": float(row_kpi[name].sum()),
                "row_kpi_share": _ratio(float(row_kpi[name].sum()), all_kpi),
                "variation": _ratio(float(train_units.std()), float(train_units.mean())),
                "spend_without_media_periods": int(((money > 0) & (units == 0)).sum()),
                "spend_without_media": float(money[units == 0].sum()),
                "vif": _number(inflation[position]),
                "is_linear_combination": bool(np.isinf(inflation[position])),
                "strongest_lag": best,
                "strongest_correlation": None if best is None else _number(lagged[best, position]),
            }
        )
    return rows


def _strongest(correlation: np.ndarray) -> int | None:
    return None if np.isnan(correlation).all() else int(np.nanargmax(np.abs(correlation)))


def _kpi(kpi: np.ndarray, grid: TimeGrid, weekdays: np.ndarray, train: int) -> dict[str, Any]:
    dates, (span, per) = grid.dates, _TREND_SPAN[grid.step]
    found = unusual_periods(kpi, weekdays, step=grid.step)
    slope, low, high = (span * value for value in robust_trend(kpi))
    mean, median = float(kpi.mean()), float(np.median(kpi))
    train_mean = float(kpi[:train].mean())
    return {
        "mean": mean,
        "median": median,
        "standard_deviation": float(kpi.std()),
        "variation": _ratio(float(kpi.std()), mean),
        "minimum": float(kpi.min()),
        "maximum": float(kpi.max()),
        "zero_periods": [_day(dates[int(position)]) for position in np.flatnonzero(kpi == 0)],
        "outliers": [
            {
                "date": _day(dates[int(position)]),
                "value": float(kpi[position]),
                "expected": float(expected),
                "score": float(score),
            }
            for position, expected, score in zip(found.positions, found.expected, found.score, strict=True)
        ],
        "weekdays": [
            {
                "weekday": name,
                "days": int((weekdays == number).sum()),
                "median": float(np.median(kpi[weekdays == number])),
                "ratio_to_median": _ratio(float(np.median(kpi[weekdays == number])), median),
            }
            for number, name in enumerate(WEEKDAYS)
            if grid.step is Step.DAY and (weekdays == number).any()
        ],
        "trend": {
            "per": per,
            "slope": slope,
            "low": low,
            "high": high,
            "share": _ratio(slope, median),
        },
        "train_mean": train_mean,
        "holdout_mean": float(kpi[train:].mean()) if train < len(kpi) else None,
        "holdout_change": _ratio(float(kpi[train:].mean()) - train_mean, train_mean) if train < len(kpi) else None,
    }


def _markets(table: pd.DataFrame, train: int) -> list[dict[str, Any]]:
    """What is asked of the KPI of all rows, asked of every market's."""
    daily = table.groupby(["market", "date"])["kpi"].sum()
    rows: list[dict[str, Any]] = []
    for market in daily.index.unique("market"):
        own = daily.loc[market]
        kpi, dates = own.to_numpy(), pd.DatetimeIndex(own.index)
        before, after = float(kpi[:train].mean()), float(kpi[train:].mean()) if train < len(kpi) else math.nan
        rows.append(
            {
                "market": str(market),
                "kpi": float(kpi.sum()),
                "zero_periods": [_day(dates[int(position)]) for position in np.flatnonzero(kpi == 0)],
                "train_mean": before,
                "holdout_mean": _number(after),
                "holdout_change": _ratio(after - before, before),
            }
        )
    return rows


def _spend_outliers(spend: pd.DataFrame, weekdays: np.ndarray, step: Step) -> list[dict[str, Any]]:
    """Odd periods among the active ones, by ratio: budgets are multiplied, and pauses are no oddity."""
    rows: list[dict[str, Any]] = []
    for name in spend.columns:
        money = spend[name].to_numpy()
        active = np.flatnonzero(money > 0)
        found = unusual_periods(np.log(money[active]), weekdays[active], step=step, threshold=_SPEND_OUTLIER_SCORE)
        rows.extend(
            {
                "channel": str(name),
                "date": _day(spend.index[int(active[position])]),
                "spend": float(money[active[position]]),
                "expected": float(np.exp(expected)),
                "score": float(score),
            }
            for position, expected, score in zip(found.positions, found.expected, found.score, strict=True)
        )
    return rows


def _correlations(media: pd.DataFrame) -> list[dict[str, Any]]:
    """Every pair of channels in the train window; None beside a channel that does not vary."""
    matrix = np.clip(correlations(media.to_numpy()), -1.0, 1.0)
    names = [str(name) for name in media.columns]
    return [
        {"channel": names[first], "other_channel": names[second], "correlation": _number(matrix[first, second])}
        for first, second in zip(*np.triu_indices(len(matrix), k=1), strict=True)
    ]


def _strongest_pairs(correlated: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The most correlated of the pairs, strongest first: every one that matters, and at least the top ten."""
    known = [pair for pair in correlated if pair["correlation"] is not None]
    ordered = sorted(known, key=lambda pair: -abs(pair["correlation"]))
    return [pair for rank, pair in enumerate(ordered) if rank < _MOST_PAIRS or abs(pair["correlation"]) >= 0.9]


def _breakdown(table: pd.DataFrame | None) -> list[dict[str, Any]]:
    if table is None or table.empty:
        return []
    missing = [column for column in BREAKDOWN_COLUMNS if column not in table]
    if missing:
        raise ModelInputError(f"breakdown lacks {', '.join(missing)}: it must have {', '.join(BREAKDOWN_COLUMNS)}")
    rows: list[dict[str, Any]] = []
    for dimension, part in table.groupby("dimension", sort=True):
        totals = part[["spend", "kpi"]].sum()
        records = part.sort_values(["spend", "value"], ascending=[False, True]).to_dict("records")
        rows.extend(
            {
                "dimension": str(dimension),
                "value": None if pd.isna(row["value"]) else str(row["value"]),
                "rows": int(row["rows"]),
                "spend": float(row["spend"]),
                "media_units": float(row["media_units"]),
                "kpi": float(row["kpi"]),
                "spend_share": _ratio(float(row["spend"]), float(totals["spend"])),
                "kpi_share": _ratio(float(row["kpi"]), float(totals["kpi"])),
            }
            for row in records
        )
    return rows


def _rejected(table: pd.DataFrame | None) -> dict[str, Any]:
    if table is None or table.empty:
        return {"rows": 0, "reasons": []}
    counts = table["reason"].value_counts()
    ordered = sorted(counts.items(), key=lambda item: (-int(item[1]), str(item[0])))
    return {
        "rows": len(table),
        "reasons": [{"reason": str(reason), "rows": int(count)} for reason, count in ordered],
    }


def _ratio(part: float, whole: float) -> float | None:
    return _number(part / whole) if whole else None


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _day(value: Any) -> str:
    return str(pd.Timestamp(value).date())
