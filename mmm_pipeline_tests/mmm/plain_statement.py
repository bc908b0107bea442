"""The model written down once more in NumPy and SciPy, straight from its formulas and as slowly as they read.

Nothing of the package's model is used here: what it computes by other means must equal this.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy import stats

from mmm_pipeline.mmm.inputs import FitData
from mmm_pipeline.mmm.specs import ModelSpec

__all__ = ["joint_log_density", "mean", "media_effect", "small_window"]


def adstocked(media: np.ndarray, retention: np.ndarray) -> np.ndarray:
    days, channels = media.shape
    result = np.zeros((days, channels))
    for c in range(channels):
        carried = 0.0
        for t in range(days):
            carried = retention[c] * carried + media[t, c]
            result[t, c] = (1 - retention[c]) * carried
    return result


def carryover(media: np.ndarray, retention: np.ndarray, peak_delay: np.ndarray, lags: int = 13) -> np.ndarray:
    days, channels = media.shape
    result = np.zeros((days, channels))
    for c in range(channels):
        weights = [retention[c] ** ((lag - peak_delay[c]) ** 2) for lag in range(lags)]
        for t in range(days):
            result[t, c] = sum(weights[lag] * media[t - lag, c] for lag in range(lags) if t >= lag) / sum(weights)
    return result


def hill(x: np.ndarray, half_saturation: np.ndarray, slope: np.ndarray) -> np.ndarray:
    result = np.zeros_like(x)
    for t, c in np.ndindex(*x.shape):
        if x[t, c] > 0:
            result[t, c] = 1 / (1 + (x[t, c] / half_saturation[c]) ** -slope[c])
    return result


def power(x: np.ndarray, exponent: np.ndarray) -> np.ndarray:
    result = np.zeros_like(x)
    for t, c in np.ndindex(*x.shape):
        if x[t, c] > 0:
            result[t, c] = x[t, c] ** exponent[c]
    return result


def media_effect(adstock: str, media: np.ndarray, p: Mapping[str, np.ndarray]) -> np.ndarray:
    if adstock == "adstock":
        return power(adstocked(media, p["retention"]), p["exponent"])
    if adstock == "hill_adstock":
        return hill(adstocked(media, p["retention"]), p["half_saturation"], p["slope"])
    return power(carryover(media, p["retention"], p["peak_delay"]), p["exponent"])


def mean(spec: ModelSpec, data: FitData, p: Mapping[str, np.ndarray], *, first: int = 0) -> np.ndarray:
    """The scaled KPI's mean on the days from `first` on; `data` holds media and features of all days."""
    effect = media_effect(spec.adstock, data.media, p)
    result = []
    for t in range(first, len(data.media)):
        value = p["intercept"] + p["trend_coefficient"] * (t ** p["trend_exponent"] if t else 0.0)
        for d in range(1, spec.degrees + 1):
            angle = 2 * np.pi * d * t / spec.seasonality_period_days
            value += p["seasonality"][2 * d - 2] * np.sin(angle) + p["seasonality"][2 * d - 1] * np.cos(angle)
        if spec.weekday:
            value += p["weekday"][t % 7]
        for f in range(len(data.features)):
            value += p["feature_coefficient"][f] * data.feature_values[t, f]
        for c in range(len(data.channels)):
            value += p["media_coefficient"][c] * effect[t, c]
        result.append(value)
    return np.array(result)


def joint_log_density(spec: ModelSpec, data: FitData, p: Mapping[str, np.ndarray]) -> float:
    """Log p(scaled KPI, all parameters)."""
    priors = spec.priors
    share = data.spend.sum(axis=0) / data.spend.sum(axis=0).mean()
    density = stats.halfnorm(scale=priors.intercept_scale).logpdf(p["intercept"])
    density += stats.norm(0, priors.trend_scale).logpdf(p["trend_coefficient"])
    density += stats.uniform(0.5, 1.0).logpdf(p["trend_exponent"])
    density += stats.gamma(1.0).logpdf(p["noise_sd"])
    density += stats.norm(0, priors.seasonality_scale).logpdf(p["seasonality"]).sum()
    if spec.weekday:
        density += stats.norm(0, priors.weekday_scale).logpdf(p["weekday"]).sum()
    if data.features:
        density += stats.norm(0, priors.feature_scale).logpdf(p["feature_coefficient"]).sum()
    density += stats.halfnorm(scale=share * priors.media_scale).logpdf(p["media_coefficient"]).sum()
    for name, prior in media_priors(spec.adstock).items():
        density += prior.logpdf(p[name]).sum()
    return float(density + stats.norm(mean(spec, data, p), p["noise_sd"]).logpdf(data.kpi).sum())


def media_priors(adstock: str) -> dict[str, stats.rv_continuous]:
    if adstock == "adstock":
        return {"retention": stats.beta(2, 1), "exponent": stats.beta(9, 1)}
    if adstock == "hill_adstock":
        return {"retention": stats.beta(2, 1), "half_saturation": stats.gamma(1), "slope": stats.gamma(1)}
    return {"retention": stats.beta(1, 1), "peak_delay": stats.halfnorm(scale=2), "exponent": stats.beta(9, 1)}


def small_window(
    *, days: int = 30, channels: int = 3, features: int = 0, seed: int = 0, kpi: np.ndarray | None = None
) -> FitData:
    """A window with zero-inflated media; the KPI is noise around 1 unless given."""
    generator = np.random.default_rng(seed)
    media = generator.gamma(2.0, 1.0, (days, channels)) * (generator.random((days, channels)) < 0.7)
    media[0] = 1.0
    media /= media.mean(axis=0)
    scaled = generator.normal(1.0, 0.2, days) if kpi is None else kpi
    return FitData(
        dates=np.datetime64("2023-03-01", "D") + np.arange(days),
        channels=tuple(f"channel {c}" for c in range(channels)),
        features=tuple(f"feature {f}" for f in range(features)),
        media=media,
        kpi=scaled,
        feature_values=generator.normal(size=(days, features)),
        media_scale=generator.gamma(5.0, 200.0, channels),
        kpi_scale=1234.5,
        feature_scale=generator.gamma(3.0, 1.0, features),
        spend=media * generator.gamma(3.0, 5.0, channels),
    )
