"""How the channels move with each other and with the KPI: collinearity and lagged correlation."""

from __future__ import annotations

import numpy as np

__all__ = ["correlations", "lagged_correlations", "variance_inflation"]

_SINGULAR = 1e-10


def correlations(series: np.ndarray) -> np.ndarray:
    """(C, C) Pearson correlation of the columns of `series` (T, C); nan beside a constant column."""
    scaled, varies = _standardised(series)
    result = scaled.T @ scaled
    result[~varies, :] = np.nan
    result[:, ~varies] = np.nan
    return result


def variance_inflation(series: np.ndarray) -> np.ndarray:
    """(C,) variance inflation factor of each column of `series` (T, C): 1 / (1 - R²) given all other columns.

    Returns:
        nan for a constant column; inf where the column is a linear combination of the others, which is always so with
        fewer days than columns.
    """
    scaled, varies = _standardised(series)
    result = np.full(series.shape[1], np.nan)
    if not varies.any():
        return result
    values, vectors = np.linalg.eigh(scaled[:, varies].T @ scaled[:, varies])
    null = values < _SINGULAR * max(float(values.max()), 1.0)
    inverse = (vectors[:, ~null] ** 2 / values[~null]).sum(axis=1)
    tied = (vectors[:, null] ** 2).sum(axis=1) > 1e-8
    result[varies] = np.where(tied, np.inf, inverse)
    return result


def lagged_correlations(media: np.ndarray, kpi: np.ndarray, lags: int) -> np.ndarray:
    """(lags, C) correlation of the KPI with the media of 0, 1, ... `lags` - 1 days before.

    Args:
        media: (T, C).
        kpi: (T,).
        lags: how many; lags that leave fewer than three days are nan.
    """
    days, count = media.shape
    result = np.full((lags, count), np.nan)
    for lag in range(min(lags, days - 2)):
        together = np.column_stack([media[: days - lag], kpi[lag:]])
        result[lag] = correlations(together)[:-1, -1]
    return result


def _standardised(series: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Columns with mean 0 and length 1 (constant ones all 0), and which of them vary."""
    centred = series - series.mean(axis=0)
    length = np.sqrt((centred**2).sum(axis=0))
    size = np.abs(series).max(axis=0) * np.sqrt(len(series))
    varies = length > 1e-12 * np.where(size > 0, size, 1.0)
    return centred / np.where(varies, length, 1.0) * varies, varies
