"""Forecasts of days that a model has not seen, held against what happened: by day, so that windows can be pooled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import xarray as xr

from mmm_pipeline.errors import ModelInputError
from mmm_pipeline.mmm.evaluation.metrics import absolute_percentage_errors, crps_by_period, inside, mape, rmse, wape
from mmm_pipeline.mmm.fit.fit import Fit

__all__ = ["RANKING_ERRORS", "HoldoutScore", "RankingError", "pooled", "score_fit", "standard_error"]

RankingError = Literal["mape", "wape", "rmse", "crps"]
RANKING_ERRORS: tuple[RankingError, ...] = ("mape", "wape", "rmse", "crps")


@dataclass(frozen=True)
class HoldoutScore:
    """A posterior predictive beside the T days that it forecasts.

    Attributes:
        observed: (T,) KPI.
        forecast: (T,) posterior predictive mean.
        crps_by_period: (T,) continuous ranked probability score of the posterior predictive draws, KPI units.
        inside_50, inside_90: (T,) whether the day lies inside the central interval.
        window: (T,) number of the forecast window that the day belongs to; all 0 for a single holdout.
    """

    observed: np.ndarray
    forecast: np.ndarray
    crps_by_period: np.ndarray
    inside_50: np.ndarray
    inside_90: np.ndarray
    window: np.ndarray

    @property
    def mape(self) -> float:
        return mape(self.observed, self.forecast)

    @property
    def wape(self) -> float:
        return wape(self.observed, self.forecast)

    @property
    def rmse(self) -> float:
        return rmse(self.observed, self.forecast)

    @property
    def crps(self) -> float:
        return float(self.crps_by_period.mean())

    @property
    def coverage_50(self) -> float:
        return float(self.inside_50.mean())

    @property
    def coverage_90(self) -> float:
        return float(self.inside_90.mean())

    @property
    def zero_periods(self) -> int:
        """Days that MAPE leaves out because the KPI is zero on them."""
        return int((self.observed <= 0).sum())

    def error(self, name: RankingError) -> float:
        """One of the errors by name."""
        return float(getattr(self, name))

    def daily_errors(self, name: RankingError) -> np.ndarray:
        """(T,) errors of single days, whose mean orders forecasts as `error(name)` does; NaN: a day without one."""
        distance = np.abs(self.forecast - self.observed)
        if name == "mape":
            return absolute_percentage_errors(self.observed, self.forecast)
        if name == "wape":
            return distance / self.observed.mean()
        return distance**2 if name == "rmse" else self.crps_by_period


def score_fit(
    fit: Fit,
    holdout_media: xr.DataArray | np.ndarray,
    holdout_kpi: xr.DataArray | np.ndarray,
    features: xr.DataArray | np.ndarray | None = None,
    *,
    seed: int = 0,
) -> HoldoutScore:
    """Score a fit on the days that follow its window.

    The point forecast is the mean of the posterior predictive, computed without its noise, whose mean is zero; CRPS and
    coverage use draws with noise.

    Args:
        fit: the posterior, fitted on the train window.
        holdout_media: (H, C) media units; of a panel labelled (market, time, channel).
        holdout_kpi: (H,) observed KPI, of all markets together.
        features: (H, F), when the model has features.
        seed: of the predictive noise.

    Raises:
        ModelInputError: media or features do not match the fit, or the KPI is zero on every holdout day.
    """
    observed = np.asarray(holdout_kpi, dtype=float)
    if not (observed > 0).any():
        raise ModelInputError(f"the KPI is zero on all {observed.size} holdout days: no percentage error exists")
    mean = fit.predict_mean(holdout_media, features=features).mean(("chain", "draw")).to_numpy()
    draws = fit.predict(holdout_media, features=features, seed=seed).to_numpy().reshape(-1, observed.size)
    return HoldoutScore(
        observed=observed,
        forecast=mean,
        crps_by_period=crps_by_period(observed, draws),
        inside_50=inside(observed, draws, 0.5),
        inside_90=inside(observed, draws, 0.9),
        window=np.zeros(observed.size, dtype=int),
    )


def pooled(scores: Sequence[HoldoutScore]) -> HoldoutScore:
    """The days of several forecast windows together, numbered by window."""
    names = ("observed", "forecast", "crps_by_period", "inside_50", "inside_90")
    days = {name: np.concatenate([getattr(score, name) for score in scores]) for name in names}
    numbers = [np.full(score.observed.size, number) for number, score in enumerate(scores)]
    return HoldoutScore(**days, window=np.concatenate(numbers))


def standard_error(daily: np.ndarray, window: np.ndarray) -> float:
    """Standard error of the mean of daily values, the larger of the one over days and the one over windows.

    Days of one window share what the trend got wrong, which an error over days alone does not know.

    Args:
        daily: (T,); NaN where a day does not count.
        window: (T,) number of the window that a day belongs to.

    Returns:
        NaN when fewer than two days count.
    """
    counts = ~np.isnan(daily)
    daily, window = daily[counts], window[counts]
    if daily.size < 2:
        return float("nan")
    means = np.array([daily[window == number].mean() for number in np.unique(window)])
    over_windows = means.std(ddof=1) / np.sqrt(means.size) if means.size > 1 else 0.0
    return float(max(daily.std(ddof=1) / np.sqrt(daily.size), over_windows))
