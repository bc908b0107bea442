"""What money brings over a horizon, channel by channel, in one market or in several together.

A channel's spend is split over the markets as in the last horizon, so that its response is still a function of its own
spend alone: the sum of the markets' responses to their shares of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mmm_pipeline.mmm.fit.fit import Fit
from mmm_pipeline.mmm.response.curves import CurvePoints
from mmm_pipeline.mmm.response.response import DrawnOutcome, HorizonResponse, horizon_responses
from mmm_pipeline.mmm.response.steady_response import market_mix

__all__ = ["ChannelResponse", "PooledResponse", "channel_responses"]


@dataclass(frozen=True)
class PooledResponse:
    """One channel's response in several markets together; see `HorizonResponse` for the methods.

    Attributes:
        parts: per market where the channel is on, its share of the channel's spend and its response.
    """

    parts: tuple[tuple[float, HorizonResponse], ...]

    @property
    def weight(self) -> np.ndarray:
        """(S,) of the first market; its length is the number of draws."""
        return self.parts[0][1].weight

    def draws(self, spend: float) -> np.ndarray:
        return np.sum([response.draws(share * spend) for share, response in self.parts], axis=0)

    def slope_draws(self, spend: float) -> np.ndarray:
        return self.outcome(spend).slope

    @property
    def first_spend(self) -> float:
        return sum(response.first_spend for share, response in self.parts if share > 0)

    def outcome(self, spend: float) -> DrawnOutcome:
        if spend <= 0:
            nothing, first = np.zeros_like(self.weight), self.first_spend
            return DrawnOutcome(nothing, self.draws(first) / first, nothing)
        found = [(share, response.outcome(share * spend)) for share, response in self.parts if share > 0]
        return DrawnOutcome(
            np.sum([outcome.kpi for _, outcome in found], axis=0),
            np.sum([share * outcome.slope for share, outcome in found], axis=0),
            np.sum([share**2 * outcome.curvature for share, outcome in found], axis=0),
        )

    def per(self, unit: float) -> PooledResponse:
        return PooledResponse(tuple((share, response.per(unit)) for share, response in self.parts))

    def at(self, spend: np.ndarray) -> CurvePoints:
        return self._summed(spend, [response.at(share * np.asarray(spend)) for share, response in self.parts])

    def weighted(self, emphasis: np.ndarray, spend: np.ndarray) -> CurvePoints:
        points = [response.weighted(emphasis, share * np.asarray(spend)) for share, response in self.parts]
        return self._summed(spend, points)

    def _summed(self, spend: np.ndarray, points: list[CurvePoints]) -> CurvePoints:
        """The chain rule: derivatives are along the channel's spend."""
        rows = [
            (p.value, share * p.slope, share**2 * p.curvature, p.convex_value, share * p.convex_slope)
            for (share, _), p in zip(self.parts, points, strict=True)
        ]
        return CurvePoints(np.asarray(spend, float), *np.sum(rows, axis=0))


ChannelResponse = HorizonResponse | PooledResponse


def channel_responses(fit: Fit, horizon: int, *, count_after_horizon: bool = True) -> tuple[ChannelResponse, ...]:
    """The response of every channel in the days that follow the fit's window; arguments as of `horizon_responses`."""
    if not fit.data.several_markets:
        return horizon_responses(fit, horizon, count_after_horizon=count_after_horizon)
    mix = market_mix(fit, horizon)
    parts: dict[str, list[tuple[float, HorizonResponse]]] = {channel: [] for channel in fit.data.channels}
    for market, shares in zip(fit.markets(), mix, strict=True):
        responses = horizon_responses(market, horizon, count_after_horizon=count_after_horizon)
        for channel, response in zip(market.data.channels, responses, strict=True):
            parts[channel].append((float(shares[fit.data.channels.index(channel)]), response))
    return tuple(PooledResponse(tuple(of_channel)) for of_channel in parts.values())
