"""Observed KPI beside what the champion spec expected of it: fitted on the train days, forecast on the holdout."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from mmm_pipeline.mmm.fit.fit import Fit

__all__ = ["forecast_table"]


def forecast_table(
    fit: Fit,
    holdout_media: xr.DataArray | np.ndarray,
    holdout_kpi: xr.DataArray | np.ndarray,
    features: xr.DataArray | np.ndarray | None = None,
    *,
    credible_interval: float = 0.9,
    seed: int = 0,
) -> pd.DataFrame:
    """The table `forecast` of the contracts.

    Args:
        fit: the posterior, fitted on the train window.
        holdout_media: (H, C) media units of the days that follow; of a panel labelled (market, time, channel).
        holdout_kpi: (H,) observed KPI of those days.
        features: (H, F), when the model has features.
        credible_interval: probability of the outer interval; the inner one is 50 %.
        seed: of the predictive noise; draws of the holdout are those that `score_fit` of this seed scores.
    """
    predictive = fit.posterior_predictive(seed=seed)
    train = _days(fit.fitted_mean(), predictive, fit.data.total_kpi, credible_interval)
    ahead = fit.predict_mean(holdout_media, features=features)
    draws = fit.predict(holdout_media, features=features, seed=seed)
    holdout = _days(ahead, draws, np.asarray(holdout_kpi, dtype=float), credible_interval)
    table = pd.concat([train.assign(is_holdout=False), holdout.assign(is_holdout=True)], ignore_index=True)
    return table[["date", "is_holdout", "observed", "mean", "low", "high", "low_50", "high_50"]]


def _days(mean: xr.DataArray, draws: xr.DataArray, observed: np.ndarray, credible_interval: float) -> pd.DataFrame:
    """One row a day; the mean is that of the noise-free draws, whose Monte Carlo error is smaller."""
    tails = [(1 - credible_interval) / 2, 0.25, 0.75, (1 + credible_interval) / 2]
    by_day = np.ascontiguousarray(draws.to_numpy().reshape(-1, len(observed)).T)
    low, low_50, high_50, high = np.quantile(by_day, tails, axis=1)
    return pd.DataFrame(
        {
            "date": mean["time"].to_numpy(),
            "observed": observed,
            "mean": mean.mean(("chain", "draw")).to_numpy(),
            "low": low,
            "high": high,
            "low_50": low_50,
            "high_50": high_50,
        }
    )
