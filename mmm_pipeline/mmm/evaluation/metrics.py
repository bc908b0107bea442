"""How far a forecast is from what happened: point errors, the CRPS and interval coverage."""

from __future__ import annotations

import numpy as np

__all__ = ["absolute_percentage_errors", "coverage", "crps", "crps_by_period", "inside", "mape", "rmse", "wape"]


def absolute_percentage_errors(observed: np.ndarray, forecast: np.ndarray) -> np.ndarray:
    """|forecast - observed| / observed per day, as a share; NaN on days where the observed value is zero.

    Args:
        observed: (T,) at least 0.
        forecast: (T,).
    """
    observed, forecast = _paired(observed, forecast)
    errors = np.full(observed.shape, np.nan)
    np.divide(np.abs(forecast - observed), observed, out=errors, where=observed > 0)
    return errors


def mape(observed: np.ndarray, forecast: np.ndarray) -> float:
    """Mean absolute percentage error, as a share (0.1 is 10 %).

    A percentage error of a zero does not exist, so days with an observed zero do not enter; whoever shows the number
    says how many they are. NaN when no day is left. `wape` and `rmse` count every day.
    """
    errors = absolute_percentage_errors(observed, forecast)
    defined = errors[~np.isnan(errors)]
    return float(defined.mean()) if defined.size else float("nan")


def wape(observed: np.ndarray, forecast: np.ndarray) -> float:
    """Sum of absolute errors over the sum of the observed values; NaN when that sum is zero."""
    observed, forecast = _paired(observed, forecast)
    total = observed.sum()
    return float(np.abs(forecast - observed).sum() / total) if total > 0 else float("nan")


def rmse(observed: np.ndarray, forecast: np.ndarray) -> float:
    """Root mean squared error, in the unit of the observed values."""
    observed, forecast = _paired(observed, forecast)
    return float(np.sqrt(np.mean((forecast - observed) ** 2)))


def crps(observed: np.ndarray, draws: np.ndarray) -> float:
    """Mean over the days of `crps_by_period`."""
    return float(crps_by_period(observed, draws).mean())


def crps_by_period(observed: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """(T,) continuous ranked probability score of predictive draws, in the unit of the observed values.

    The score of the empirical distribution of the draws, E|X - y| - E|X - X'| / 2 (Gneiting & Raftery 2007), by its
    quantile form, which needs one sort a day. For a single draw it is the absolute error.

    Args:
        observed: (T,).
        draws: (S, T) draws of the posterior predictive.
    """
    observed, draws = np.asarray(observed, float), np.asarray(draws, float)
    if draws.ndim != 2 or draws.shape[1:] != observed.shape or not draws.size:
        raise ValueError(f"draws must be (S, {observed.size}) with S >= 1, got shape {draws.shape}")
    ordered = np.sort(draws, axis=0)
    count = len(ordered)
    position = np.arange(1, count + 1)[:, None] - 0.5
    below = count * (observed < ordered)
    return 2.0 / count**2 * ((ordered - observed) * (below - position)).sum(axis=0)


def coverage(observed: np.ndarray, draws: np.ndarray, probability: float) -> float:
    """Share of days whose observed value lies in the central interval of the draws."""
    return float(inside(observed, draws, probability).mean())


def inside(observed: np.ndarray, draws: np.ndarray, probability: float) -> np.ndarray:
    """(T,) whether the observed value of a day lies in the central interval of the draws.

    Args:
        observed: (T,).
        draws: (S, T) draws of the posterior predictive.
        probability: nominal coverage of the interval, in (0, 1).
    """
    if not 0 < probability < 1:
        raise ValueError(f"probability must lie in (0, 1), got {probability}")
    low, high = np.quantile(draws, [(1 - probability) / 2, (1 + probability) / 2], axis=0)
    return (low <= observed) & (observed <= high)


def _paired(observed: np.ndarray, forecast: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    observed, forecast = np.asarray(observed, float), np.asarray(forecast, float)
    if observed.ndim != 1 or observed.shape != forecast.shape or not observed.size:
        raise ValueError(f"observed {observed.shape} and forecast {forecast.shape} must be equally long and not empty")
    return observed, forecast
