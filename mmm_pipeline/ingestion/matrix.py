"""The daily media matrix, aggregated by SQL inside the warehouse so that only a small table leaves it."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from mmm_pipeline.errors import CampaignDataError
from mmm_pipeline.ingestion.dialect import DUCKDB, Dialect
from mmm_pipeline.resources.warehouse import Warehouse, table_identifier
from mmm_pipeline.settings import Settings

__all__ = ["LEAST_TRAIN_DAYS", "build_media_matrix", "check_window", "holdout_start", "media_matrix_query"]

LEAST_TRAIN_DAYS = 28
_DAYS_SHOWN = 5


def build_media_matrix(warehouse: Warehouse, settings: Settings) -> pd.DataFrame:
    """Write and return the table `media_matrix`: one row per day and channel, every day of the window.

    Raises:
        CampaignDataError: days without any row (unless `validation.missing_kpi_days` is `zero`), sums beyond the range
            of numbers, or a window that cannot carry a model (see `check_window`).
        StoredResultError: there are no campaign rows in the warehouse.
    """
    campaigns = table_identifier("raw_campaigns")
    warehouse.row_count("raw_campaigns")  # a table that is not there is an error that says what to run
    with warehouse.connect() as connection:
        if settings.validation.missing_kpi_days == "error":
            missing = [day for (day,) in connection.execute(_missing_days_query(DUCKDB, campaigns)).fetchall()]
            _require_none(missing)
        rows = connection.sql(media_matrix_query(DUCKDB, campaigns)).to_arrow_table()
    matrix = rows.to_pandas(date_as_object=False).astype({"date": "datetime64[ns]"})
    check_window(matrix, settings)
    warehouse.write_table("media_matrix", matrix)
    return matrix


def media_matrix_query(dialect: Dialect, campaigns: str) -> str:
    """SELECT statement of the media matrix.

    Args:
        dialect: spelling of the warehouse that runs it.
        campaigns: quoted name of the table `raw_campaigns`.
    """
    sums = ", ".join(f"{dialect.exact_sum.format(column)} AS {column}" for column in ("media_units", "spend", "kpi"))
    days = dialect.days.format(f"(SELECT MIN(date) FROM {campaigns})", f"(SELECT MAX(date) FROM {campaigns})")
    return f"""
        WITH daily AS (
            SELECT date, channel, {sums} FROM {campaigns} GROUP BY date, channel
        ), channels AS (
            SELECT DISTINCT channel FROM {campaigns}
        )
        SELECT days.day AS date, channels.channel AS channel,
            COALESCE(daily.media_units, 0.0) AS media_units,
            COALESCE(daily.spend, 0.0) AS spend,
            COALESCE(daily.kpi, 0.0) AS kpi
        FROM {days} AS days
        CROSS JOIN channels
        LEFT JOIN daily ON daily.date = days.day AND daily.channel = channels.channel
        ORDER BY 1, 2"""


def holdout_start(first: dt.date, last: dt.date, settings: Settings) -> dt.date:
    """First day of the holdout, by `split.holdout_start` or else `split.holdout_days`.

    Raises:
        CampaignDataError: train or holdout would be too short.
    """
    split = settings.split
    days = (last - first).days + 1
    window = f"the data covers {days} day(s), {first} to {last}"
    if split.holdout_start is not None:
        start = split.holdout_start
        if not first < start <= last:
            raise CampaignDataError(f"split.holdout_start = {start} is outside the data: {window}")
    else:
        start = last - dt.timedelta(days=split.holdout_days - 1)
        if days < split.holdout_days + LEAST_TRAIN_DAYS:
            raise CampaignDataError(
                f"{window}; needed are at least {split.holdout_days + LEAST_TRAIN_DAYS}: the holdout of "
                f"{split.holdout_days} days (split.holdout_days) plus {LEAST_TRAIN_DAYS} days to learn from"
            )
    if (start - first).days < LEAST_TRAIN_DAYS:
        raise CampaignDataError(
            f"split.holdout_start = {start} leaves {(start - first).days} day(s) to learn from, needed are at least "
            f"{LEAST_TRAIN_DAYS}: {window}"
        )
    return start


def check_window(matrix: pd.DataFrame, settings: Settings) -> None:
    """Refuse a matrix that cannot carry a model.

    Raises:
        CampaignDataError: too few days, a KPI that is zero or constant (over all days, or over those before the
            holdout), or a value that is not finite.
    """
    if matrix.empty:
        raise CampaignDataError("there are no accepted campaign rows")
    for column in ("media_units", "spend", "kpi"):
        broken = matrix.loc[~np.isfinite(matrix[column].to_numpy())]
        if len(broken):
            row = broken.iloc[0]
            raise CampaignDataError(
                f"the {column} of {row['channel']!r} on {row['date'].date()} add up to {row[column]}: "
                "some values are too large to be real"
            )
    kpi = matrix.groupby("date")["kpi"].sum()
    first, last = kpi.index.min().date(), kpi.index.max().date()
    start = holdout_start(first, last, settings)
    _require_varying(kpi, f"on all {len(kpi)} days, {first} to {last}", settings)
    train = kpi[kpi.index < pd.Timestamp(start)]
    _require_varying(train, f"on every day before the holdout, {first} to {train.index.max().date()}", settings)


def _require_varying(kpi: pd.Series, where: str, settings: Settings) -> None:
    values = kpi.to_numpy()
    header = f"columns.kpi = {settings.columns.kpi!r}"
    if not (values > 0).any():
        raise CampaignDataError(f"the KPI ({header}) is 0 {where}: there is nothing to explain")
    # Sums of equal values may differ by rounding.
    if np.ptp(values) <= 1e-9 * values.max():
        raise CampaignDataError(
            f"the KPI ({header}) is the same {where} ({values[0]:g}): a constant cannot be explained; is it the "
            "right column?"
        )


def _missing_days_query(dialect: Dialect, campaigns: str) -> str:
    days = dialect.days.format(f"(SELECT MIN(date) FROM {campaigns})", f"(SELECT MAX(date) FROM {campaigns})")
    return f"SELECT day FROM {days} AS days WHERE day NOT IN (SELECT date FROM {campaigns}) ORDER BY day"


def _require_none(missing: list[dt.date]) -> None:
    if missing:
        shown = ", ".join(map(str, missing[:_DAYS_SHOWN]))
        more = f" and {len(missing) - _DAYS_SHOWN:,} more" if len(missing) > _DAYS_SHOWN else ""
        raise CampaignDataError(
            f"{len(missing):,} day(s) have no row at all: {shown}{more}. Export them again, or set "
            "validation.missing_kpi_days: zero if nothing was sold then"
        )
