"""Forecasts that need no model. A spec that cannot beat the best of them explains nothing about the days to come."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mmm_pipeline.errors import ModelInputError
from mmm_pipeline.mmm.metrics import mape, rmse, wape

__all__ = ["naive_forecasts", "score_naive_forecasts"]

_WEEK = 7


def naive_forecasts(train_kpi: np.ndarray, horizon: int) -> dict[str, np.ndarray]:
    """Forecasts of the `horizon` days that follow the train window, from its KPI alone.

    Args:
        train_kpi: (T,) daily KPI of the train window, KPI units.
        horizon: days to forecast.

    Returns:
        `mean` and `median` of the train window, `weekday_mean` (mean of the same weekday), `last_day` (repeated) and
        `last_week` (repeated, the seasonal naive forecast of a weekly season), each (horizon,). In a train window
        shorter than a week, a weekday without a train day gets the mean, and `last_week` repeats what there is.
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
    return {
        "mean": np.full(horizon, train_kpi.mean()),
        "median": np.full(horizon, np.median(train_kpi)),
        "weekday_mean": weekday_means[ahead % _WEEK],
        "last_day": np.full(horizon, train_kpi[-1]),
        "last_week": np.resize(last_week, horizon),
    }


def score_naive_forecasts(train_kpi: np.ndarray, holdout_kpi: np.ndarray) -> pd.DataFrame:
    """Score every naive forecast on the holdout: the table `naive_forecasts` of the contracts, best MAPE marked.

    Raises:
        ModelInputError: the KPI is zero on every holdout day, so that no percentage error exists.
    """
    holdout_kpi = np.asarray(holdout_kpi, float)
    if not (holdout_kpi > 0).any():
        raise ModelInputError(
            f"the KPI is zero on all {holdout_kpi.size} holdout days, so no percentage error exists: "
            "choose another holdout (split.holdout_days or split.holdout_start)"
        )
    forecasts = naive_forecasts(train_kpi, len(holdout_kpi))
    table = pd.DataFrame(
        {
            "forecast": list(forecasts),
            "mape": [mape(holdout_kpi, forecast) for forecast in forecasts.values()],
            "wape": [wape(holdout_kpi, forecast) for forecast in forecasts.values()],
            "rmse": [rmse(holdout_kpi, forecast) for forecast in forecasts.values()],
        }
    )
    table["is_best"] = table.index == table["mape"].idxmin()
    return table
