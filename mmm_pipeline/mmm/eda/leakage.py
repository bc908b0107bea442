"""Extra features that were computed from the KPI they are meant to explain.

Such a feature makes a model look skilful, in the holdout too, because the answer was among the inputs. What gives it
away: it knows the KPI of its own day, beyond what calendar and media know, and better than its own neighbouring days
and the KPI of the neighbouring days would allow. A feature that moves slowly with the KPI (a season, a price level)
fails the second test; one that truly drives the KPI from day to day (a holiday) can pass both, and only the threshold
separates it from a copy, which is why the threshold is a setting.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

__all__ = ["leaking_features"]

_SIGNIFICANCE = 0.01


def leaking_features(
    kpi: pd.Series, features: pd.DataFrame, max_r2: float, *, media: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Features that explain more of the same day's KPI than `max_r2`.

    R² is the squared correlation of the feature and the KPI of the same day, or their squared partial correlation given
    a linear and a quadratic trend, the weekday and the media; on the values or on their ranks (a copy need not be
    linear); the largest of these. Refused is a feature above the threshold whose link to the same day is also there
    (t test, 1 %) given trend, weekday, media, and both series of the day before and the day after.

    Args:
        kpi: KPI per day; a daily DatetimeIndex of T days.
        features: (T, F), same index.
        max_r2: threshold, between 0 and 1; at 1 nothing is refused.
        media: (T, K) media whose effect is taken out first, same index; keep K small against T.

    Returns:
        One row per refused feature: `feature`, `r2` and `reason`.
    """
    known = _calendar(pd.DatetimeIndex(kpi.index))
    if media is not None:
        known = np.column_stack([known, _standardised(media.to_numpy(dtype=float))])
    rows = []
    for feature, column in features.items():
        values, target = column.to_numpy(dtype=float), kpi.to_numpy(dtype=float)
        r2, one, other = max(
            (
                (_partial_r2(one, other, given), one, other)
                for one, other in ((values, target), (stats.rankdata(values), stats.rankdata(target)))
                for given in (known[:, :1], known)
            ),
            key=lambda version: version[0],
        )
        if r2 > max_r2 and _same_day_counts(one, other, known):
            rows.append({"feature": str(feature), "r2": r2, "reason": _reason(str(feature), r2, max_r2)})
    return pd.DataFrame(rows, columns=["feature", "r2", "reason"])


def _reason(feature: str, r2: float, max_r2: float) -> str:
    return (
        f"feature {feature!r} explains {r2:.0%} of the same day's KPI, or of what trend, weekday and media leave of it "
        f"(accepted: {max_r2:.0%}), as a feature does that was computed from the KPI itself. If it is known before the "
        "day and not derived from the KPI, raise features.max_leakage_r2; else remove it"
    )


def _calendar(days: pd.DatetimeIndex) -> np.ndarray:
    """(T, 9) intercept, trend and weekday."""
    time = np.linspace(-1, 1, len(days))
    weekdays = days.dayofweek.to_numpy()[:, None] == np.arange(6)
    return np.column_stack([np.ones(len(days)), time, time**2, weekdays.astype(float)])


def _same_day_counts(values: np.ndarray, target: np.ndarray, known: np.ndarray) -> bool:
    """Whether value and target of one day are linked given both of the day before and the day after."""
    around = [series[shift : len(series) - 2 + shift] for series in (values, target) for shift in (0, 2)]
    given = np.column_stack([known[1:-1], *(_standardised(series[:, None]) for series in around)])
    free = len(given) - np.linalg.matrix_rank(given) - 1
    if free < 1:
        return True
    r2 = _partial_r2(values[1:-1], target[1:-1], given)
    if r2 >= 1:
        return True
    t = np.sqrt(r2 / (1 - r2) * free)
    return bool(2 * stats.t.sf(t, free) < _SIGNIFICANCE)


def _partial_r2(one: np.ndarray, other: np.ndarray, given: np.ndarray) -> float:
    """Squared correlation of what `given` (T, K), an intercept among it, leaves of two series; 0 if nothing of one."""
    together = _standardised(np.column_stack([one, other]))
    left = together - given @ np.linalg.lstsq(given, together, rcond=None)[0]
    squares = (left**2).sum(axis=0)
    # Standardised columns have sums of squares T; what is left of an explained one is rounding.
    if (squares <= 1e-12 * len(left)).any():
        return 0.0
    return float(min((left[:, 0] @ left[:, 1]) ** 2 / squares.prod(), 1.0))


def _standardised(series: np.ndarray) -> np.ndarray:
    """(T, K) columns with mean 0 and standard deviation 1; constant ones all 0."""
    centred = series - series.mean(axis=0)
    spread = centred.std(axis=0)
    constant = spread <= 1e-12 * np.abs(series).max(axis=0, initial=0.0)
    return np.where(constant, 0.0, centred / np.where(constant, 1.0, spread))
