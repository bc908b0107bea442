"""The model written down once more in NumPy and SciPy, straight from its formulas and as slowly as they read.

Nothing of the package's model is used here: what it computes by other means must equal this.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping

import numpy as np
from scipy import stats

from mmm_pipeline.mmm.data.model_data import ModelData
from mmm_pipeline.mmm.data.time_grid import Step, TimeGrid
from mmm_pipeline.mmm.specs import ModelSpec

__all__ = ["coefficients", "joint_log_density", "mean", "media_effect", "small_panel", "small_window", "weekday_of"]


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


def weekday_of(data: ModelData, t: int) -> int:
    """0 for Monday."""
    return (data.grid.start + dt.timedelta(days=t)).weekday()


def mean(
    spec: ModelSpec, data: ModelData, p: Mapping[str, np.ndarray], *, first: int = 0, market: int = 0
) -> np.ndarray:
    """The scaled KPI's mean of a market on the days from `first` on; `data` holds media and features of all days."""
    effect = media_effect(spec.adstock, data.media[market], p)
    result = []
    for t in range(first, data.media.shape[1]):
        value = p["intercept"] + p["trend_coefficient"] * (t ** p["trend_exponent"] if t else 0.0)
        for d in range(1, spec.degrees + 1):
            angle = 2 * np.pi * d * t / spec.seasonality_period_days
            value += p["seasonality"][2 * d - 2] * np.sin(angle) + p["seasonality"][2 * d - 1] * np.cos(angle)
        if spec.weekday:
            value += p["weekday"][weekday_of(data, t)]
        for f in range(len(data.features)):
            value += p["feature_coefficient"][f] * data.feature_values[market, t, f]
        for c in range(len(data.channels)):
            value += p["media_coefficient"][c] * effect[t, c]
        result.append(value)
    return np.array(result)


def roi_prior(spec: ModelSpec, data: ModelData, channel: str) -> stats.rv_continuous | None:
    """The distribution of a channel's ROI; None: its coefficient goes by the share of spend."""
    spend = {channel: data.spend[:, :, c].sum() for c, channel in enumerate(data.channels)}
    kpi = (data.kpi * data.kpi_scale[:, None]).sum()
    own = {belief.channel: belief for belief in spec.roi_priors}
    media = spec.media_prior
    if channel in own:
        return belief_on_roi(own[channel].mean, own[channel].sd, own[channel].family)
    if media.kind == "roi":
        return belief_on_roi(media.mean, media.sd, media.family)
    if media.kind == "total_share":
        others = [c for c in data.channels if c not in own]
        mean = media.mean - sum(belief.mean * spend[c] / kpi for c, belief in own.items())
        variance = media.sd**2 - sum((belief.sd * spend[c] / kpi) ** 2 for c, belief in own.items())
        money = np.array([spend[c] for c in others])
        return belief_on_roi(mean * kpi / money.sum(), np.sqrt(variance) * kpi / np.sqrt((money**2).sum()))
    return None


def belief_on_roi(mean: float, sd: float, family: str = "log_normal") -> stats.rv_continuous:
    """By mean and standard deviation; a Normal has them before it is cut off at 0."""
    if family == "normal":
        return stats.truncnorm(-mean / sd, np.inf, loc=mean, scale=sd)
    if family == "uniform":
        return stats.uniform(mean - np.sqrt(3) * sd, 2 * np.sqrt(3) * sd)
    variance = np.log(1 + sd**2 / mean**2)
    return stats.lognorm(s=np.sqrt(variance), scale=mean / np.exp(variance / 2))


def coefficients(spec: ModelSpec, data: ModelData, p: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    """Media coefficients of every market, from `level` (C,) (a ROI where there is a prior on it) and, of several,
    `market_multiple` (G, C).
    """
    multiples = p["market_multiple"] if data.several_markets else [np.ones(len(data.channels))]
    level = np.array(p["level"], dtype=float)
    for c, channel in enumerate(data.channels):
        if roi_prior(spec, data, channel) is not None:
            caused = sum(
                kpi_scale * multiple[c] * media_effect(spec.adstock, media, p)[:, c].sum()
                for kpi_scale, media, multiple in zip(data.kpi_scale, data.media, multiples, strict=True)
            )
            level[c] = p["level"][c] * data.spend[:, :, c].sum() / caused
    return [level * multiple for multiple in multiples]


def joint_log_density(spec: ModelSpec, data: ModelData, p: Mapping[str, np.ndarray]) -> float:
    """Log p(scaled KPI, all parameters).

    Of several markets, `intercept`, `trend_coefficient`, `noise_sd`, `seasonality`, `weekday` and
    `feature_coefficient` have a leading dimension of markets. Media coefficients come as `level`, see `coefficients`,
    or, of one market without beliefs, as `media_coefficient`.
    """
    spend = data.spend.sum(axis=(0, 1))
    level = p["level"] if "level" in p else p["media_coefficient"]
    density = stats.uniform(0.5, 1.0).logpdf(p["trend_exponent"])
    for c, channel in enumerate(data.channels):
        by_spend = stats.halfnorm(scale=spend[c] / spend.mean() * spec.priors.media_scale)
        prior = roi_prior(spec, data, channel) or by_spend
        density += prior.logpdf(level[c])
    for name, prior in media_priors(spec.adstock).items():
        density += prior.logpdf(p[name]).sum()
    if data.several_markets:
        density += stats.halfnorm(scale=np.sqrt(2 / np.pi)).logpdf(p["market_multiple"]).sum()
    if spec.noise == "student_t":
        density += stats.expon(loc=1, scale=spec.priors.noise_degrees_mean).logpdf(p["noise_degrees"])
    every = coefficients(spec, data, p) if "level" in p else [p["media_coefficient"]]
    for g in range(len(data.markets)):
        own = {name: np.asarray(p[name])[g] if data.several_markets else p[name] for name in PER_MARKET if name in p}
        density += _market_log_density(spec, data, g, {**p, **own, "media_coefficient": every[g]})
    return float(density)


PER_MARKET = ("intercept", "trend_coefficient", "noise_sd", "seasonality", "weekday", "feature_coefficient")


def _market_log_density(spec: ModelSpec, data: ModelData, market: int, p: Mapping[str, np.ndarray]) -> float:
    priors = spec.priors
    density = stats.halfnorm(scale=priors.intercept_scale).logpdf(p["intercept"])
    density += stats.norm(0, priors.trend_scale).logpdf(p["trend_coefficient"])
    density += stats.gamma(1.0).logpdf(p["noise_sd"])
    if spec.degrees:
        density += stats.norm(0, priors.seasonality_scale).logpdf(p["seasonality"]).sum()
    if spec.weekday:
        density += stats.norm(0, priors.weekday_scale).logpdf(p["weekday"]).sum()
    signs = {sign.feature: sign.sign for sign in spec.feature_signs}
    for f, feature in enumerate(data.features):
        scale = priors.event_scale if feature in data.events else priors.feature_scale
        value = p["feature_coefficient"][f]
        if feature in signs:
            density += stats.halfnorm(scale=scale).logpdf(value if signs[feature] == "positive" else -value)
        else:
            density += stats.norm(0, scale).logpdf(value)
    expected = mean(spec, data, p, market=market)
    if spec.noise == "student_t":
        return density + stats.t(p["noise_degrees"], expected, p["noise_sd"]).logpdf(data.kpi[market]).sum()
    return density + stats.norm(expected, p["noise_sd"]).logpdf(data.kpi[market]).sum()


def media_priors(adstock: str) -> dict[str, stats.rv_continuous]:
    if adstock == "adstock":
        return {"retention": stats.beta(2, 1), "exponent": stats.beta(9, 1)}
    if adstock == "hill_adstock":
        return {"retention": stats.beta(2, 1), "half_saturation": stats.gamma(1), "slope": stats.gamma(1)}
    return {"retention": stats.beta(1, 1), "peak_delay": stats.halfnorm(scale=2), "exponent": stats.beta(9, 1)}


def small_window(
    *,
    days: int = 30,
    channels: int = 3,
    features: int = 0,
    events: int = 0,
    seed: int = 0,
    kpi: np.ndarray | None = None,
) -> ModelData:
    """One market with zero-inflated media; the KPI is noise around 1 unless given. Events are the last features."""
    generator = np.random.default_rng(seed)
    media = generator.gamma(2.0, 1.0, (days, channels)) * (generator.random((days, channels)) < 0.7)
    media[0] = 1.0
    media /= media.mean(axis=0)
    scaled = generator.normal(1.0, 0.2, days) if kpi is None else kpi
    values = generator.normal(size=(days, features))
    scales = generator.gamma(3.0, 1.0, features)
    names = tuple(f"feature {f}" for f in range(features))
    event_names = tuple(f"event {e}" for e in range(events))
    media_scale = generator.gamma(5.0, 200.0, channels)
    spend = media * generator.gamma(3.0, 5.0, channels)
    on = (generator.random((days, events)) < 0.15).astype(float)
    return ModelData(
        markets=("all markets",),
        grid=TimeGrid(dt.date(2023, 3, 1), Step.DAY, days),
        channels=tuple(f"channel {c}" for c in range(channels)),
        features=names + event_names,
        media=media[None],
        kpi=scaled[None],
        feature_values=np.concatenate([values, on], axis=1)[None],
        media_scale=media_scale[None],
        kpi_scale=np.array([1234.5]),
        feature_scale=np.concatenate([scales, np.ones(events)])[None],
        spend=spend[None],
        events=event_names,
    )


def small_panel(*, markets: int = 2, silent: bool = True, **arguments: int) -> ModelData:
    """Markets of different size; the first channel is silent in the last one."""
    alone = [small_window(**{**arguments, "seed": 10 + m}) for m in range(markets)]
    names = ("media", "kpi", "feature_values", "media_scale", "feature_scale", "spend")
    arrays = {name: np.concatenate([getattr(data, name) for data in alone]) for name in names}
    if silent:
        arrays["media"][-1, :, 0] = arrays["spend"][-1, :, 0] = 0.0
    arrays["feature_values"][:] = arrays["feature_values"][0]
    return dataclasses.replace(
        alone[0],
        markets=tuple(f"market {m}" for m in range(markets)),
        kpi_scale=1000.0 / (1 + np.arange(markets)),
        **arrays,
    )
