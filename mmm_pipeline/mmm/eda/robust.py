"""Robust statistics of a series: what is usual for a period, which periods are not, and where the series is going."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from mmm_pipeline.mmm.data.time_grid import Step

__all__ = ["OUTLIER_SCORE", "Outliers", "robust_trend", "unusual_periods", "without_trend_and_weekday"]

# The Hampel identifier's usual limit; on pure Normal noise about one day a year goes beyond it.
OUTLIER_SCORE = 3.0

_MAD_TO_SD = 1.4826
_FEWEST_VALUES = 14
_MEDIAN = {Step.DAY: 29, Step.WEEK: 9, Step.MONTH: 5}
"""Periods of the running median that says what is usual."""


@dataclass(frozen=True)
class Outliers:
    """Unusual periods of a series of length T; K of them.

    Attributes:
        positions: (K,) places in the series.
        expected: (K,) what was usual for them, in the unit of the series.
        score: (K,) distance from the usual in robust standard deviations, with its sign.
    """

    positions: np.ndarray
    expected: np.ndarray
    score: np.ndarray


def unusual_periods(
    values: np.ndarray, weekdays: np.ndarray, *, step: Step = Step.DAY, threshold: float = OUTLIER_SCORE
) -> Outliers:
    """Periods far from the running median plus the median effect of their weekday, by median absolute deviation.

    Source of the rule: Hampel 1974, "The influence curve and its role in robust estimation".

    Args:
        values: (T,) finite series.
        weekdays: (T,) 0 is Monday; the same for all where periods are no days.
        step: of the series.
        threshold: robust standard deviations.

    Returns:
        No outlier for fewer than 14 values, or when at least half of the residuals are equal (deviation 0).
    """
    nothing = Outliers(np.zeros(0, dtype=int), np.zeros(0), np.zeros(0))
    if len(values) < _FEWEST_VALUES:
        return nothing
    # Without the line first, the one-sided medians at both ends would lag behind a trend.
    line = robust_trend(values)[0] * np.arange(len(values))
    level = line + pd.Series(values - line).rolling(_MEDIAN[step], center=True, min_periods=1).median().to_numpy()
    residual = pd.Series(values - level)
    expected = level + residual.groupby(weekdays).transform("median").to_numpy()
    distance = values - expected
    distance = distance - np.median(distance)
    # Medians follow the values they are taken from, which makes the residuals of a short series too small.
    fitted = (7 if step is Step.DAY else 1) + len(values) / _MEDIAN[step]
    deviation = _MAD_TO_SD * np.median(np.abs(distance)) * len(values) / (len(values) - fitted)
    if deviation <= 1e-12 * float(np.abs(values).max()):
        return nothing
    score = distance / deviation
    found = np.flatnonzero(np.abs(score) > threshold)
    return Outliers(found, expected[found], score[found])


def robust_trend(values: np.ndarray, *, confidence: float = 0.9) -> tuple[float, float, float]:
    """Theil-Sen slope per period with its confidence interval (slope, low, high); zeros for fewer than two values."""
    if len(values) < 2:
        return 0.0, 0.0, 0.0
    result = stats.theilslopes(values, np.arange(len(values)), alpha=confidence)
    return float(result.slope), float(result.low_slope), float(result.high_slope)


def without_trend_and_weekday(series: np.ndarray, weekdays: np.ndarray) -> np.ndarray:
    """Residuals (T, K) of the columns after least squares on a straight line and the weekday.

    Two channels that both grew, or both rest on Sundays, would otherwise look related to each other and to the KPI.
    """
    day = np.linspace(-1.0, 1.0, len(weekdays))
    design = np.column_stack([day, *(weekdays == number for number in range(7))]).astype(float)
    coefficients, *_ = np.linalg.lstsq(design, series, rcond=None)
    return series - design @ coefficients
