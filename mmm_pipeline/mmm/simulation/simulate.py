"""Markets with a known truth: ROI, carry-over and saturation per channel, so that recovery can be tested."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np

from mmm_pipeline.errors import ModelInputError
from mmm_pipeline.mmm.eda.spend_patterns import PATTERNS, activity
from mmm_pipeline.mmm.media.registry import media_transform
from mmm_pipeline.mmm.media.transform import MediaTransform
from mmm_pipeline.mmm.simulation.market import ChannelTruth, Market, media_effects, truth
from mmm_pipeline.mmm.simulation.market_rows import DEAD_CHANNEL, EXPORT_COLUMNS, market_rows

__all__ = [
    "DEAD_CHANNEL",
    "EXPORT_COLUMNS",
    "ChannelTruth",
    "Market",
    "market_rows",
    "simulate_market",
    "truth",
]

_TACTICS = (
    "Search Generic",
    "Search Branded",
    "Display Prospect",
    "Display Retarget",
    "Sponsored Items",
    "Video Awareness",
    "Product Pages",
    "Social Carousel",
    "Deals and Coupons",
    "Store Spotlight",
)
# A weekday of its own for marketplace shopping: strongest on Sunday and Monday, weakest on Friday and Saturday.
_WEEKDAY_EFFECT = np.array([0.05, 0.01, 0.0, -0.01, -0.05, -0.04, 0.04])
_YEAR = 365.0


def simulate_market(
    *,
    channels: int = 8,
    days: int = 196,
    seed: int = 5,
    adstock: str = "adstock",
    media_share: float = 0.45,
    noise: float = 0.02,
    start: dt.date = dt.date(2025, 2, 3),
) -> Market:
    """Simulate daily media, spend and KPI of a marketplace advertiser.

    Channels differ in how they are bought (always on, campaigns, pulses, zero-inflated, two that move together), in
    price per thousand, size, carry-over, saturation and ROI. The KPI has a trend, a weekday effect, yearly seasonality
    (one Fourier pair) and Normal noise.

    Args:
        channels: number of channels, 1 to 100.
        days: length of the window, at least 28.
        seed: the same arguments and seed give the same market.
        adstock: name of the true media transform, one of `MEDIA_TRANSFORMS`.
        media_share: share of the mean KPI that media causes, between 0 and 1.
        noise: standard deviation of the noise as a share of the mean KPI, 0 to 0.25 (so that the KPI stays positive).
        start: first day.

    Raises:
        ModelInputError: an argument is outside its range.
    """
    _require("channels", channels, 1, 100)
    _require("days", days, 28, 36500)
    _require("media_share", media_share, 0.01, 0.95)
    _require("noise", noise, 0.0, 0.25)
    transform = media_transform(adstock)

    buying, nature, weather = (np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(3))
    dates = np.datetime64(start, "D") + np.arange(days)
    weekdays = (dates.astype(int) + 3) % 7
    patterns = tuple(PATTERNS[position % len(PATTERNS)] for position in range(channels))
    media, spend = _bought(patterns, weekdays, buying)

    kinds = _kinds(patterns, transform, nature)
    unit_effects = media_effects(transform, kinds, media / media.mean(axis=0))
    roi = _spread_out(0.8, 5.0, channels, nature, geometric=True)
    effects = roi * spend.sum(axis=0) / unit_effects.sum(axis=0)
    truths = tuple(replace(kind, effect=float(effect)) for kind, effect in zip(kinds, effects, strict=True))
    contributions = media_effects(transform, truths, media / media.mean(axis=0))

    baseline = _baseline_shape(weekdays, nature)
    baseline *= contributions.sum() * (1 - media_share) / media_share / baseline.sum()
    mean = baseline + contributions.sum(axis=1)
    noise_sd = noise * float(mean.mean())
    kpi = np.round(np.maximum(mean + weather.normal(0.0, 1.0, days) * noise_sd, 0.0), 2)
    return Market(
        adstock=adstock,
        seed=seed,
        dates=dates,
        channels=truths,
        media=media,
        spend=spend,
        baseline=baseline,
        contributions=contributions,
        kpi=kpi,
        noise_sd=noise_sd,
    )


def _bought(patterns: tuple[str, ...], weekdays: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """(T, C) media units and spend: prices per thousand differ by channel and wander a little by day."""
    count = len(patterns)
    per_thousand = _spread_out(1.2, 14.0, count, rng, geometric=True)
    usual_spend = _spread_out(120.0, 900.0, count, rng, geometric=True)
    intended = activity(patterns, weekdays, rng) * usual_spend
    price = per_thousand / 1000 * np.exp(rng.normal(0.0, 0.06, intended.shape))
    media = np.round(intended / price)
    # Spend follows the whole impressions, so that no day has the one without the other.
    spend = np.where(media > 0, np.maximum(np.round(media * price, 2), 0.01), 0.0)
    return media, spend


def _kinds(patterns: tuple[str, ...], transform: MediaTransform, rng: np.random.Generator) -> tuple[ChannelTruth, ...]:
    """The channels with effect 1; parameters are spread over plausible ranges and shuffled."""
    first, *others = transform.adstock.parameters
    # Drawn in this order, so that a seed keeps its market.
    values = {
        own.name: _spread_out(*own.simulated_range, len(patterns), rng)
        for own in (first, *transform.saturation.parameters, *others)
    }
    return tuple(
        ChannelTruth(
            name=_name(position),
            brand=_brand(position),
            pattern=pattern,
            effect=1.0,
            parameters={name: float(of_all[position]) for name, of_all in values.items()},
        )
        for position, pattern in enumerate(patterns)
    )


def _brand(position: int) -> str:
    return f"Brand {1 + position % 2 + 2 * (position // (2 * len(_TACTICS)))}"


def _name(position: int) -> str:
    return f"{_brand(position)} {_TACTICS[(position + position // 2) % len(_TACTICS)]}"


def _baseline_shape(weekdays: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(T,) around 1: trend, weekday and yearly seasonality."""
    day = np.arange(len(weekdays))
    phase = rng.uniform(0, 2 * np.pi)
    yearly = 0.06 * np.sin(2 * np.pi * day / _YEAR + phase)
    trend = rng.uniform(0.05, 0.2) * day / _YEAR
    return 1.0 + trend + yearly + _WEEKDAY_EFFECT[weekdays]


def _spread_out(
    low: float, high: float, count: int, rng: np.random.Generator, *, geometric: bool = False
) -> np.ndarray:
    """(count,) values that cover [low, high] evenly, one in each of `count` bins, in random order."""
    position = (rng.permutation(count) + rng.random(count)) / count
    return low * (high / low) ** position if geometric else low + (high - low) * position


def _require(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise ModelInputError(f"{name} is {value}: accepted are {low:g} to {high:g}")
