"""A market whose truth is known: daily series, and what every channel really did. NumPy only.

The transforms are stated here once more, independently of the model's, so that recovery tests compare two statements.
Source: Jin et al. 2017, "Bayesian methods for media mix modeling with carryover and shape effects".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

__all__ = ["ChannelTruth", "Market", "truth"]

CARRYOVER_LAGS = 13
DAYS_AFTER_HORIZON = 56


@dataclass(frozen=True)
class ChannelTruth:
    """How one channel works. Saturation is in multiples of the channel's mean daily media.

    Attributes:
        name: the channel.
        brand: the brand it belongs to.
        pattern: how it is bought, one of `spend_patterns.PATTERNS`.
        effect: KPI units per day at transformed media 1.
        retention: share of the effect carried to the next day (λ; r for `carryover`).
        exponent: power of the saturation (`adstock`, `carryover`).
        half_saturation: media at which half of `effect` is reached (`hill_adstock`).
        slope: steepness (`hill_adstock`).
        peak_delay: days until the effect peaks (`carryover`).
    """

    name: str
    brand: str
    pattern: str
    effect: float
    retention: float
    exponent: float | None = None
    half_saturation: float | None = None
    slope: float | None = None
    peak_delay: float | None = None

    def spread(self, media: np.ndarray) -> np.ndarray:
        """(T,) media after carry-over, before saturation; `media` (T,) in multiples of its mean."""
        if self.peak_delay is None:
            spread = np.empty(len(media))
            stock = 0.0
            for day, value in enumerate(media):
                stock = self.retention * stock + value
                spread[day] = (1 - self.retention) * stock
            return spread
        weights = self.retention ** ((np.arange(CARRYOVER_LAGS) - self.peak_delay) ** 2)
        return np.convolve(media, weights / weights.sum())[: len(media)]

    def saturate(self, level: np.ndarray) -> np.ndarray:
        """Transformed media at a carried-over level, 0 at 0."""
        if self.exponent is not None:
            return np.where(level > 0, np.maximum(level, 0.0) ** self.exponent, 0.0)
        power = np.maximum(level, 0.0) ** self._slope
        return power / (power + self._half_saturation**self._slope)

    def saturation_slope(self, level: np.ndarray) -> np.ndarray:
        """Derivative of `saturate`, for levels above 0."""
        if self.exponent is not None:
            return self.exponent * level ** (self.exponent - 1)
        scaled = (level / self._half_saturation) ** self._slope
        return self._slope * scaled / (level * (1 + scaled) ** 2)

    @property
    def _half_saturation(self) -> float:
        assert self.half_saturation is not None
        return self.half_saturation

    @property
    def _slope(self) -> float:
        assert self.slope is not None
        return self.slope


@dataclass(frozen=True)
class Market:
    """Daily series of a simulated market; T days, C channels.

    Attributes:
        adstock: family of the true media effect.
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
        return self.baseline + media_effects(self.channels, media / self.media_mean).sum(axis=1)

    def dataset(self, *, holdout: int = 28) -> xr.Dataset:
        """The series as model inputs: `media`, `spend` (time, channel), `kpi` (time), attribute `holdout_start`."""
        dimensions = ("time", "channel")
        return xr.Dataset(
            {"media": (dimensions, self.media), "spend": (dimensions, self.spend), "kpi": (("time",), self.kpi)},
            coords={"time": self.dates.astype("datetime64[ns]"), "channel": list(self.channel_names)},
            attrs={"holdout_start": str(self.dates[-holdout])},
        )


def media_effects(channels: tuple[ChannelTruth, ...], media: np.ndarray) -> np.ndarray:
    """(T, C) KPI caused per day and channel; `media` (T, C) in multiples of each channel's mean."""
    columns = [
        channel.effect * channel.saturate(channel.spread(media[:, position]))
        for position, channel in enumerate(channels)
    ]
    return np.stack(columns, axis=1)


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
        saturation = {
            name: value
            for name in ("exponent", "half_saturation", "slope", "peak_delay")
            if (value := getattr(channel, name)) is not None
        }
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
            "retention": channel.retention,
            **saturation,
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
    channel = market.channels[position]
    past = market.media[:, position] / market.media_mean[position]
    # Scaled daily media that one unit of currency over the horizon buys.
    rate = 1 / (market.price[position] * market.media_mean[position] * horizon)
    plan = np.concatenate([np.zeros(len(past)), np.ones(horizon), np.zeros(DAYS_AFTER_HORIZON)])
    carried = channel.spread(np.concatenate([past, np.zeros(horizon + DAYS_AFTER_HORIZON)]))[len(past) :]
    gained = rate * channel.spread(plan)[len(past) :]
    spend = market.spend[-horizon:, position].mean() * horizon
    if spend <= 0:
        return float(channel.effect * (channel.saturate(carried + gained) - channel.saturate(carried)).sum())
    level = carried + spend * gained
    reached = level > 0
    return float(channel.effect * (channel.saturation_slope(level[reached]) * gained[reached]).sum())


def _marginal_roi_window(market: Market, position: int) -> float:
    channel = market.channels[position]
    level = channel.spread(market.media[:, position] / market.media_mean[position])
    level = level[level > 0]
    return float(channel.effect * (channel.saturation_slope(level) * level).sum() / market.spend[:, position].sum())
