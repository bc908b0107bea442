"""A market whose truth is known: daily series, and what every channel really did. NumPy only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from mmm_pipeline.mmm.media.registry import media_transform
from mmm_pipeline.mmm.media.transform import MediaTransform
from mmm_pipeline.mmm.numerics.numpy_library import NUMPY

__all__ = ["ChannelTruth", "Market", "media_effects", "truth"]

DAYS_AFTER_HORIZON = 56


_STEP = 1e-4
"""Relative step of numerical derivatives: errors of the order of its square."""


@dataclass(frozen=True)
class ChannelTruth:
    """How one channel works.

    Attributes:
        name: the channel.
        brand: the brand it belongs to.
        pattern: how it is bought, one of `spend_patterns.PATTERNS`.
        effect: KPI units per day at transformed media 1.
        parameters: of the media transform, on media in multiples of its mean per day.
    """

    name: str
    brand: str
    pattern: str
    effect: float
    parameters: dict[str, float]


@dataclass(frozen=True)
class Market:
    """Daily series of a simulated market; T days, C channels.

    Attributes:
        adstock: name of the media transform, one of `MEDIA_TRANSFORMS`.
        seed: seed it was made with.
        dates: (T,) datetime64[D], consecutive days.
        channels: C truths, in the order of the columns.
        media: (T, C) media units, whole numbers.
        spend: (T, C) currency per day, whole cents.
        baseline: (T,) mean KPI without any media.
        contributions: (T, C) mean KPI caused by each channel.
        kpi: (T,) observed KPI, whole cents: baseline + contributions + noise.
        noise_sd: standard deviation of the noise, KPI units.
    """

    adstock: str
    seed: int
    dates: np.ndarray
    channels: tuple[ChannelTruth, ...]
    media: np.ndarray
    spend: np.ndarray
    baseline: np.ndarray
    contributions: np.ndarray
    kpi: np.ndarray
    noise_sd: float

    @property
    def transform(self) -> MediaTransform:
        """The true media transform."""
        return media_transform(self.adstock)

    @property
    def channel_names(self) -> tuple[str, ...]:
        return tuple(channel.name for channel in self.channels)

    @property
    def media_mean(self) -> np.ndarray:
        """(C,) mean media units per day: the unit of the saturation parameters."""
        return self.media.mean(axis=0)

    @property
    def price(self) -> np.ndarray:
        """(C,) currency per media unit over the window."""
        return self.spend.sum(axis=0) / self.media.sum(axis=0)

    def mean_kpi(self, media: np.ndarray) -> np.ndarray:
        """(T,) mean KPI, had the media been `media` (T, C) instead: a counterfactual."""
        return self.baseline + media_effects(self.transform, self.channels, media / self.media_mean).sum(axis=1)

    def dataset(self, *, holdout: int = 28) -> xr.Dataset:
        """The series as model inputs: `media`, `spend` (time, channel), `kpi` (time), attribute `holdout_start`."""
        dimensions = ("time", "channel")
        return xr.Dataset(
            {"media": (dimensions, self.media), "spend": (dimensions, self.spend), "kpi": (("time",), self.kpi)},
            coords={"time": self.dates.astype("datetime64[ns]"), "channel": list(self.channel_names)},
            attrs={"holdout_start": str(self.dates[-holdout])},
        )


def media_effects(transform: MediaTransform, channels: tuple[ChannelTruth, ...], media: np.ndarray) -> np.ndarray:
    """(T, C) KPI caused per day and channel; `media` (T, C) in multiples of each channel's mean."""
    effect = np.array([channel.effect for channel in channels])
    caused: np.ndarray = effect * transform.value(media, _parameters(channels), NUMPY)
    return caused


def _parameters(channels: tuple[ChannelTruth, ...]) -> dict[str, np.ndarray]:
    """(C,) each, by name."""
    return {name: np.array([channel.parameters[name] for channel in channels]) for name in channels[0].parameters}


def truth(market: Market, *, horizon: int = 28) -> dict[str, Any]:
    """What a perfect model would report, JSON-able.

    `contribution` and `roi` count the effect that falls inside the window. `marginal_roi` is the KPI of the next unit
    of currency when the spend of the last `horizon` is repeated evenly after the window, given what is carried in,
    the effect of the 56 days after it included (of the first unit, for a channel that was off all that time).
    `marginal_roi_window` is that of one more unit inside the window, in proportion to the spend.
    """
    spend = market.spend.sum(axis=0)
    contribution = market.contributions.sum(axis=0)
    fitted = float(market.baseline.sum() + contribution.sum())
    channels: dict[str, dict[str, Any]] = {}
    for position, channel in enumerate(market.channels):
        channels[channel.name] = {
            "pattern": channel.pattern,
            "spend": round(float(spend[position]), 2),
            "media_units": int(market.media[:, position].sum()),
            "contribution": float(contribution[position]),
            "share": float(contribution[position] / fitted),
            "roi": float(contribution[position] / spend[position]),
            "marginal_roi": _marginal_roi(market, position, horizon),
            "marginal_roi_window": _marginal_roi_window(market, position),
            "effect_per_day": channel.effect,
            "media_coefficient": channel.effect / float(market.kpi.mean()),
            "retention": float(market.transform.adstock.retention(_parameters((channel,)))[0]),
            **channel.parameters,
        }
    return {
        "adstock": market.adstock,
        "seed": market.seed,
        "window": {"start": str(market.dates[0]), "end": str(market.dates[-1]), "days": len(market.dates)},
        "horizon": horizon,
        "kpi": round(float(market.kpi.sum()), 2),
        "baseline_share": float(market.baseline.sum() / fitted),
        "noise_sd": market.noise_sd,
        "channels": channels,
    }


def _marginal_roi(market: Market, position: int, horizon: int) -> float:
    past = market.media[:, position] / market.media_mean[position]
    # Scaled daily media that one unit of currency over the horizon buys.
    rate = 1 / (market.price[position] * market.media_mean[position] * horizon)
    after = np.zeros(DAYS_AFTER_HORIZON)

    def caused(spend: float) -> float:
        media = np.concatenate([past, np.full(horizon, spend * rate), after])
        return float(media_effects(market.transform, (market.channels[position],), media[:, None])[len(past) :].sum())

    spend = float(market.spend[-horizon:, position].mean() * horizon)
    if spend <= 0:
        return caused(1.0) - caused(0.0)
    return _slope(caused, spend)


def _marginal_roi_window(market: Market, position: int) -> float:
    media = market.media[:, [position]] / market.media_mean[position]

    def caused(times: float) -> float:
        return float(media_effects(market.transform, (market.channels[position],), times * media).sum())

    return _slope(caused, 1.0) / float(market.spend[:, position].sum())


def _slope(function: Callable[[float], float], at: float) -> float:
    step = _STEP * at
    return (function(at + step) - function(at - step)) / (2 * step)
