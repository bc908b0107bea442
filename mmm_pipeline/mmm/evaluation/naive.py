"""Forecasts that need no model. A spec that cannot beat the best of them explains nothing about the days to come."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from mmm_pipeline.errors import ModelInputError
from mmm_pipeline.mmm.evaluation.metrics import mape, rmse, wape
from mmm_pipeline.mmm.evaluation.scores import RankingError

__all__ = ["naive_forecasts", "score_naive_forecasts"]

_WEEK = 7
_YEAR = 52 * _WEEK
"""Days back to the same weekday of the same season."""


def naive_forecasts(train_kpi: np.ndarray, horizon: int) -> dict[str, np.ndarray]:
    """Forecasts of the `horizon` days that follow the train window, from its KPI alone.

    Args:
        train_kpi: (T,) daily KPI of the train window, KPI units.
        horizon: days to forecast.

    Returns:
        `mean` and `median` of the train window, `weekday_mean` (mean of the same weekday), `last_period` (repeated),
        `last_week` (repeated, the seasonal naive forecast of a weekly season) and, when the train window has 52 weeks,
        `seasonal_naive` (the last 52 weeks repeated), each (horizon,). In a train window shorter than a week, a weekday
        without a train day gets the mean, and `last_week` repeats what there is.
    """
    train_kpi = np.asarray(train_kpi, float)
    if not train_kpi.size or horizon < 1:
        raise ValueError(f"need at least one train day and one day to forecast, got {train_kpi.size} and {horizon}")
    days = len(train_kpi)
    ahead = np.arange(days, days + horizon)
    weekday = np.arange(days) % _WEEK
    weekday_means = np.array(
        [train_kpi[weekday == day].mean() if (weekday == day).any() else train_kpi.mean() for day in range(_WEEK)]
    )
    last_week = train_kpi[-min(_WEEK, days) :]
    forecasts = {
        "mean": np.full(horizon, train_kpi.mean()),
        "median": np.full(horizon, np.median(train_kpi)),
        "weekday_mean": weekday_means[ahead % _WEEK],
        "last_period": np.full(horizon, train_kpi[-1]),
        "last_week": np.resize(last_week, horizon),
    }
    if days >= _YEAR:
        forecasts["seasonal_naive"] = np.resize(train_kpi[-_YEAR:], horizon)
    return forecasts


def score_naive_forecasts(
    windows: Sequence[tuple[np.ndarray, np.ndarray]], *, error: RankingError = "mape"
) -> pd.DataFrame:
    """Score every naive forecast: the table `naive_forecasts` of the contracts, the best by `error` marked.

    The CRPS of a forecast without uncertainty is its mean absolute error.

    Args:
        windows: train KPI (T,) and the KPI that follows it (H,), per forecast window; the errors are over all days of
            all windows, and a forecast that one of them is too short for is left out.
        error: which error decides.

    Raises:
        ModelInputError: the KPI is zero on every day of a holdout, so that no percentage error exists.
    """
    made: list[dict[str, np.ndarray]] = []
    for train_kpi, holdout_kpi in windows:
        if not (np.asarray(holdout_kpi) > 0).any():
            raise ModelInputError(
                f"the KPI is zero on all {np.size(holdout_kpi)} holdout days, so no percentage error exists: "
                "choose another holdout (split.holdout or split.holdout_start)"
            )
        made.append(naive_forecasts(train_kpi, np.size(holdout_kpi)))
    observed = np.concatenate([np.asarray(holdout_kpi, float) for _, holdout_kpi in windows])
    rows = []
    for name in made[-1]:
        if any(name not in forecasts for forecasts in made):
            continue
        forecast = np.concatenate([forecasts[name] for forecasts in made])
        rows.append(
            {
                "forecast": name,
                "mape": mape(observed, forecast),
                "wape": wape(observed, forecast),
                "rmse": rmse(observed, forecast),
                "crps": float(np.abs(forecast - observed).mean()),
            }
        )
    table = pd.DataFrame(rows)
    table["is_best"] = table.index == table[error].idxmin()
    return table
