"""Everything of the mean that is linear in its coefficients and is not media: seasonality, weekday, features, trend."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mmm_pipeline.mmm.inputs import FitData
from mmm_pipeline.mmm.specs import ModelSpec

__all__ = ["DAYS_PER_WEEK", "LinearDesign", "fourier_names", "linear_design", "trend_column"]

DAYS_PER_WEEK = 7


@dataclass(frozen=True)
class LinearDesign:
    """Columns whose coefficients have independent Normal priors with mean 0; the intercept is half-Normal.

    Attributes:
        time: (T,) days since the first day of the fit's window, 0 = first.
        seasonality: (T, 2 degrees) sin and cos, in the order of `fourier_names`.
        weekday: (T, 7) indicator of t mod 7, t counted from the window's first day; (T, 0) without it.
        features: (T, F) scaled features.
        scales: (K,) prior standard deviations in the order seasonality, weekday, features, trend, intercept.
    """

    time: np.ndarray
    seasonality: np.ndarray
    weekday: np.ndarray
    features: np.ndarray
    scales: np.ndarray

    @property
    def fixed(self) -> np.ndarray:
        """(T, K - 2) columns that no parameter changes: all but trend and intercept."""
        return np.concatenate([self.seasonality, self.weekday, self.features], axis=1)

    @property
    def blocks(self) -> dict[str, slice]:
        """Where each coefficient vector stands among the K columns."""
        degrees, weekday, features = (block.shape[1] for block in (self.seasonality, self.weekday, self.features))
        after_weekday = degrees + weekday
        return {
            "seasonality": slice(0, degrees),
            "weekday": slice(degrees, after_weekday),
            "feature_coefficient": slice(after_weekday, after_weekday + features),
        }


def linear_design(
    spec: ModelSpec, data: FitData, *, feature_values: np.ndarray | None = None, start: int = 0, days: int | None = None
) -> LinearDesign:
    """The columns on days `start .. start + days` counted from the first day of the fit's window.

    Args:
        spec: the model.
        data: the fit's window; gives the number of days and the scaled features unless others are named.
        feature_values: (days, F) scaled features of the days in question; default: those of the window.
        start: first day; the window's length continues it.
        days: number of days; default: the window's.
    """
    time = np.arange(start, start + (data.days if days is None else days), dtype=float)
    degree = np.arange(1, spec.degrees + 1)
    angle = 2 * np.pi * time[:, None] * degree / spec.seasonality_period_days
    seasonality = np.stack([np.sin(angle), np.cos(angle)], axis=-1).reshape(len(time), 2 * spec.degrees)
    week = np.eye(DAYS_PER_WEEK)[time.astype(int) % DAYS_PER_WEEK] if spec.weekday else np.zeros((len(time), 0))
    features = data.feature_values if feature_values is None else feature_values
    priors = spec.priors
    scales = np.concatenate(
        [
            np.full(seasonality.shape[1], priors.seasonality_scale),
            np.full(week.shape[1], priors.weekday_scale),
            np.full(features.shape[1], priors.feature_scale),
            [priors.trend_scale, priors.intercept_scale],
        ]
    )
    return LinearDesign(time=time, seasonality=seasonality, weekday=week, features=features, scales=scales)


def trend_column(time: np.ndarray, exponent: np.ndarray) -> np.ndarray:
    """t^e for every exponent: (..., T) from exponents (...); the first day has trend 0."""
    return np.power(time, np.asarray(exponent)[..., None])


def fourier_names(degrees: int) -> list[str]:
    """Labels of the seasonality coefficients: sin_1, cos_1, sin_2, ..."""
    return [f"{wave}_{degree}" for degree in range(1, degrees + 1) for wave in ("sin", "cos")]
