"""Does the data look like what the model would have produced? Posterior predictive checks of the daily KPI."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from mmm_pipeline.mmm.fit.fit import Fit

__all__ = ["PredictiveCheck", "predictive_check"]

_GRID = 101
_REPLICATES = 1000
"""Replicated data sets; more would draw the same bands."""


@dataclass(frozen=True)
class PredictiveCheck:
    """Both tables of the contracts.

    Attributes:
        pit: `predictive_pit`, one row a day.
        distribution: `predictive_distribution`, one row per KPI value.
    """

    pit: pd.DataFrame
    distribution: pd.DataFrame


def predictive_check(
    fit: Fit,
    holdout_media: xr.DataArray | np.ndarray,
    holdout_kpi: xr.DataArray | np.ndarray,
    features: xr.DataArray | np.ndarray | None = None,
    *,
    credible_interval: float = 0.9,
    seed: int = 0,
) -> PredictiveCheck:
    """Hold the observed KPI of every day against the posterior predictive.

    - The probability integral transform (PIT) of a day is the predictive probability of at most what was observed.
      Under a right model the PITs of the holdout are uniform (Dawid 1984; Gneiting et al. 2007). Those of the train
      days crowd around 1/2 a little, because the model has seen them.
    - The distribution of the train days' KPI stands beside those of data sets that the fitted model makes
      (Gelman et al. 1996).

    Args:
        fit: the posterior, fitted on the train window.
        holdout_media: (H, C) media units of the days that follow; of a panel labelled (market, time, channel).
        holdout_kpi: (H,) observed KPI of those days.
        features: (H, F), when the model has features.
        credible_interval: probability of the pointwise band around the replicated distributions.
        seed: of the predictive noise.
    """
    ahead = np.asarray(holdout_kpi, dtype=float)
    window = fit.data.total_kpi
    replicated = _by_draw(fit.posterior_predictive(seed=seed))
    forecast = fit.predict(holdout_media, features=features, seed=seed)
    dates = np.concatenate([fit.data.dates.astype("datetime64[ns]"), forecast["time"].to_numpy()])
    pit = pd.DataFrame(
        {
            "date": dates,
            "is_holdout": np.arange(len(dates)) >= len(window),
            "observed": np.concatenate([window, ahead]),
            "pit": np.concatenate([_pit(replicated, window), _pit(_by_draw(forecast), ahead)]),
        }
    )
    return PredictiveCheck(pit, _distribution(window, replicated, credible_interval))


def _by_draw(values: xr.DataArray) -> np.ndarray:
    """(S, T)"""
    return values.transpose("chain", "draw", "time").to_numpy().reshape(-1, values.sizes["time"])


def _pit(draws: np.ndarray, observed: np.ndarray) -> np.ndarray:
    """(T,) share of draws below each observed value, ties counted half."""
    return ((draws < observed).mean(axis=0) + (draws <= observed).mean(axis=0)) / 2


def _distribution(observed: np.ndarray, replicated: np.ndarray, credible_interval: float) -> pd.DataFrame:
    """Shares of days at or below each KPI value: of the data, and of replicated data sets with their band."""
    some = replicated[:: max(1, len(replicated) // _REPLICATES)]
    low, high = np.quantile(some, [0.001, 0.999])
    grid = np.linspace(min(low, observed.min()), max(high, observed.max()), _GRID)
    shares = np.stack([(some <= value).mean(axis=1) for value in grid])  # (grid, replicates)
    tails = [(1 - credible_interval) / 2, (1 + credible_interval) / 2]
    share_low, share_high = np.quantile(shares, tails, axis=1)
    return pd.DataFrame(
        {
            "kpi": grid,
            "observed_share": (observed[:, None] <= grid).mean(axis=0),
            "expected_share": shares.mean(axis=1),
            "share_low": share_low,
            "share_high": share_high,
        }
    )
