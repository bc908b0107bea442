"""Forecasts that need no model. A spec that cannot beat the best of them explains nothing about what is to come."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from mmm_pipeline.errors import ModelInputError
from mmm_pipeline.mmm.data.time_grid import Step
from mmm_pipeline.mmm.evaluation.metrics import mape, rmse, wape
from mmm_pipeline.mmm.evaluation.scores import RankingError

__all__ = ["naive_forecasts", "score_naive_forecasts"]

_WEEK = 7


def naive_forecasts(train_kpi: np.ndarray, horizon: int, step: Step = Step.DAY) -> dict[str, np.ndarray]:
    """Forecasts of the `horizon` periods that follow the train window, from its KPI alone.

    Args:
        train_kpi: (T,) KPI of the train window by period, KPI units.
        horizon: periods to forecast.
        step: of the periods.

    Returns:
        `mean` and `median` of the train window, `last_period` (repeated) and, when the train window has a year,
        `seasonal_naive` (the last year repeated: 364 days, so that weekdays match, 52 weeks or 12 months), each
        (horizon,). Of days also `weekday_mean` (mean of the same weekday) and `last_week` (repeated, the seasonal naive
        forecast of a weekly season): in a train window shorter than a week, a weekday without a train day gets the
        mean, and `last_week` repeats what there is.
    """
    train_kpi = np.asarray(train_kpi, float)
    if not train_kpi.size or horizon < 1:
        raise ValueError(f"need at least one train period and one to forecast, got {train_kpi.size} and {horizon}")
    periods, year = len(train_kpi), step.season_back
    forecasts = {
        "mean": np.full(horizon, train_kpi.mean()),
        "median": np.full(horizon, np.median(train_kpi)),
    }
    if step is Step.DAY:
        forecasts["weekday_mean"] = _weekday_means(train_kpi)[np.arange(periods, periods + horizon) % _WEEK]
    forecasts["last_period"] = np.full(horizon, train_kpi[-1])
    if step is Step.DAY:
        forecasts["last_week"] = np.resize(train_kpi[-min(_WEEK, periods) :], horizon)
    if periods >= year:
        forecasts["seasonal_naive"] = np.resize(train_kpi[-year:], horizon)
    return forecasts


def _weekday_means(kpi: np.ndarray) -> np.ndarray:
    """(7,) means by weekday, that of the first day first."""
    weekday = np.arange(len(kpi)) % _WEEK
    return np.array([kpi[weekday == day].mean() if (weekday == day).any() else kpi.mean() for day in range(_WEEK)])


def score_naive_forecasts(
    windows: Sequence[tuple[np.ndarray, np.ndarray]], *, error: RankingError = "mape", step: Step = Step.DAY
) -> pd.DataFrame:
    """Score every naive forecast: the table `naive_forecasts` of the contracts, the best by `error` marked.

    The CRPS of a forecast without uncertainty is its mean absolute error.

    Args:
        windows: train KPI (T,) and the KPI that follows it (H,), per forecast window; the errors are over all periods
            of all windows, and a forecast that one of them is too short for is left out.
        error: which error decides.
        step: of the periods.

    Raises:
        ModelInputError: the KPI is zero throughout a holdout, so that no percentage error exists.
    """
    made: list[dict[str, np.ndarray]] = []
    for train_kpi, holdout_kpi in windows:
        if not (np.asarray(holdout_kpi) > 0).any():
            raise ModelInputError(
                f"the KPI is zero {step.on} all {np.size(holdout_kpi)} holdout {step.plural}, so no percentage error "
                "exists: choose another holdout (split.holdout or split.holdout_start)"
            )
        made.append(naive_forecasts(train_kpi, np.size(holdout_kpi), step))
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
