"""Extra features that were computed from the KPI they are meant to explain.

Such a feature makes a model look skilful, in the holdout too, because the answer was among the inputs. What gives it
away: it knows the KPI of its own day, beyond what calendar and media know, and better than its own neighbouring days
and the KPI of the neighbouring days would allow. A feature that moves slowly with the KPI (a season, a price level)
fails the second test. One that truly moves with the KPI from day to day (a holiday, a competitor's sales) can pass
both: correlation alone is no leak. So only what is practically a copy of the KPI is refused outright; of the others it
is asked whether they were computed from the KPI, and a setting answers, feature by feature.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd
from scipy import stats

__all__ = ["leaking_features"]

_SIGNIFICANCE = 0.01
_COPY_R2 = 0.9


def leaking_features(
    kpi: pd.Series,
    features: pd.DataFrame,
    max_r2: float,
    *,
    media: pd.DataFrame | None = None,
    independent: Collection[str] = (),
) -> pd.DataFrame:
    """Features that explain more of the same day's KPI than `max_r2`, and that nobody has answered for.

    R² is the squared correlation of the feature and the KPI of the same day, or their squared partial correlation given
    a linear and a quadratic trend, the weekday and the media; on the values or on their ranks (a copy need not be
    linear); the largest of these. Named is a feature above the threshold whose link to the same day is also there
    (t test, 1 %) given trend, weekday, media, and both series of the day before and the day after. When that link alone
    has an R² of at least 0.9, the feature is a copy of the KPI, whatever is said of it.

    Args:
        kpi: KPI per day; a daily DatetimeIndex of T days.
        features: (T, F), same index.
        max_r2: threshold, between 0 and 1; at 1 nothing is refused.
        media: (T, K) media whose effect is taken out first, same index; keep K small against T.
        independent: features that are known not to be computed from the KPI; a copy is named all the same.

    Returns:
        One row per feature: `feature`, `r2`, `is_copy` and `reason`.
    """
    known = _calendar(pd.DatetimeIndex(kpi.index))
    if media is not None:
        known = np.column_stack([known, _standardised(media.to_numpy(dtype=float))])
    rows = []
    for feature, column in features.items():
        values, target = column.to_numpy(dtype=float), kpi.to_numpy(dtype=float)
        pairs = ((values, target), (stats.rankdata(values), stats.rankdata(target)))
        r2, one, other = max(
            ((_partial_r2(one, other, given), one, other) for one, other in pairs for given in (known[:, :1], known)),
            key=lambda version: version[0],
        )
        if not (r2 > max_r2 and _same_day_link(one, other, known)[1] < _SIGNIFICANCE):
            continue
        copied = max(_same_day_link(one, other, known)[0] for one, other in pairs)
        if copied >= _COPY_R2:
            rows.append((str(feature), r2, True, _is_a_copy(str(feature), copied)))
        elif str(feature) not in independent:
            rows.append((str(feature), r2, False, _ask(str(feature), r2, max_r2)))
    return pd.DataFrame(rows, columns=["feature", "r2", "is_copy", "reason"])


def _is_a_copy(feature: str, r2: float) -> str:
    return (
        f"feature {feature!r} is practically a copy of the KPI: with trend, weekday, media and the days around taken "
        f"out, it still moves with the same day's KPI (R² {r2:.0%}), as a feature does that was computed from it. It "
        "would explain the KPI by itself and leave nothing to the channels: remove it (controls.columns)"
    )


def _ask(feature: str, r2: float, max_r2: float) -> str:
    return (
        f"feature {feature!r} explains {r2:.0%} of the same day's KPI, or of what trend, weekday and media leave of it "
        f"(asked above controls.max_leakage_r2 = {max_r2:.0%}). Is it known before the day, or measured apart from the "
        "KPI, as weather or a competitor's sales are? Then list it: controls.independent: "
        f"[{feature}]. Was it computed from the KPI, as orders, buyers or conversions are? Then remove it "
        "(controls.columns)"
    )


def _calendar(days: pd.DatetimeIndex) -> np.ndarray:
    """(T, 9) intercept, trend and weekday."""
    time = np.linspace(-1, 1, len(days))
    weekdays = days.dayofweek.to_numpy()[:, None] == np.arange(6)
    return np.column_stack([np.ones(len(days)), time, time**2, weekdays.astype(float)])


def _same_day_link(values: np.ndarray, target: np.ndarray, known: np.ndarray) -> tuple[float, float]:
    """Partial R² of value and target of one day, given both of the day before and the day after, and its p value."""
    around = [series[shift : len(series) - 2 + shift] for series in (values, target) for shift in (0, 2)]
    given = np.column_stack([known[1:-1], *(_standardised(series[:, None]) for series in around)])
    free = len(given) - np.linalg.matrix_rank(given) - 1
    if free < 1:
        return 0.0, 0.0
    r2 = _partial_r2(values[1:-1], target[1:-1], given)
    if r2 >= 1:
        return 1.0, 0.0
    return r2, float(2 * stats.t.sf(np.sqrt(r2 / (1 - r2) * free), free))


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
