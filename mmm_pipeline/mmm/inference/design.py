"""Everything of the mean that is linear in its coefficients and is not media: seasonality, weekday, features, trend."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mmm_pipeline.mmm.data.inputs import FitData
from mmm_pipeline.mmm.specs import ModelSpec

__all__ = ["WEEKDAYS", "LinearDesign", "fourier_names", "linear_design", "signs_of", "trend_column"]

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True)
class LinearDesign:
    """Columns of the mean; S of the F features have a sign, so that their coefficients are half-Normal.

    Attributes:
        time: (T,) days since the first day of the fit's window, 0 = first.
        seasonality: (T, 2 degrees) sin and cos, in the order of `fourier_names`.
        weekday: (T, 7) indicator of the calendar's weekday, in the order of `WEEKDAYS`; (T, 0) without it.
        features: (T, F - S) scaled features without a sign.
        signed: (T, S) scaled features with a sign, times that sign and their prior scale: coefficients are
            half-Normal(1).
        scales: (K,) prior standard deviations in the order seasonality, weekday, features, trend, intercept; the
            intercept is half-Normal, the others are Normal with mean 0.
        signed_scales: (S,) sign times prior scale.
        signed_positions: (S,) where the signed features stand among all.
    """

    time: np.ndarray
    seasonality: np.ndarray
    weekday: np.ndarray
    features: np.ndarray
    signed: np.ndarray
    scales: np.ndarray
    signed_scales: np.ndarray
    signed_positions: np.ndarray

    @property
    def fixed(self) -> np.ndarray:
        """(T, K - 2) columns that no parameter changes: all but trend and intercept."""
        return np.concatenate([self.seasonality, self.weekday, self.features], axis=1)

    @property
    def blocks(self) -> dict[str, slice]:
        """Where each coefficient vector stands among the K columns; of the features, those without a sign."""
        degrees, weekday, features = (block.shape[1] for block in (self.seasonality, self.weekday, self.features))
        after_weekday = degrees + weekday
        return {
            "seasonality": slice(0, degrees),
            "weekday": slice(degrees, after_weekday),
            "feature_coefficient": slice(after_weekday, after_weekday + features),
        }

    def feature_coefficients(self, unsigned: np.ndarray, quantiles: np.ndarray) -> np.ndarray:
        """(..., F) coefficients of all features in their order.

        Args:
            unsigned: (..., F - S) coefficients of those without a sign.
            quantiles: (..., S) half-Normal(1) coefficients of those with one.
        """
        features = unsigned.shape[-1] + quantiles.shape[-1]
        joined = np.empty((*unsigned.shape[:-1], features))
        joined[..., self.signed_positions] = quantiles * self.signed_scales
        joined[..., np.setdiff1d(np.arange(features), self.signed_positions)] = unsigned
        return joined


def signs_of(spec: ModelSpec, data: FitData) -> np.ndarray:
    """(F,) sign of every feature of the window: 1, -1, or 0 for none."""
    signs = {sign.feature: 1 if sign.sign == "positive" else -1 for sign in spec.feature_signs}
    return np.array([signs.get(feature, 0) for feature in data.features], dtype=int)


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
    # Day 0 of the epoch was a Thursday.
    calendar = (int(data.dates[0].astype("datetime64[D]").astype(int)) + 3 + time.astype(int)) % len(WEEKDAYS)
    week = np.eye(len(WEEKDAYS))[calendar] if spec.weekday else np.zeros((len(time), 0))
    values = data.feature_values if feature_values is None else feature_values
    priors = spec.priors
    feature_scales = np.array(
        [priors.event_scale if name in data.events else priors.feature_scale for name in data.features]
    )
    signs = signs_of(spec, data)
    signed, free = np.flatnonzero(signs), np.flatnonzero(signs == 0)
    signed_scales = signs[signed] * feature_scales[signed]
    scales = np.concatenate(
        [
            np.full(seasonality.shape[1], priors.seasonality_scale),
            np.full(week.shape[1], priors.weekday_scale),
            feature_scales[free],
            [priors.trend_scale, priors.intercept_scale],
        ]
    )
    return LinearDesign(
        time=time,
        seasonality=seasonality,
        weekday=week,
        features=values[:, free],
        signed=values[:, signed] * signed_scales,
        scales=scales,
        signed_scales=signed_scales,
        signed_positions=signed,
    )


def trend_column(time: np.ndarray, exponent: np.ndarray) -> np.ndarray:
    """t^e for every exponent: (..., T) from exponents (...); the first day has trend 0."""
    return np.power(time, np.asarray(exponent)[..., None])


def fourier_names(degrees: int) -> list[str]:
    """Labels of the seasonality coefficients: sin_1, cos_1, sin_2, ..."""
    return [f"{wave}_{degree}" for degree in range(1, degrees + 1) for wave in ("sin", "cos")]
