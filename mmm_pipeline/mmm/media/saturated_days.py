"""Saturated media of a plan summed over its days, with what decisions need of it: derivatives, concave-convex split.

NumPy over many draws: effective media z = carried + gain u is (S, D), S draws and D days; u is the constant daily
media. This is where a budget plan spends its time, so sums of products go straight to the rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Protocol

import numpy as np

from mmm_pipeline.mmm.media.effective_media import EffectiveMedia
from mmm_pipeline.mmm.media.saturation import TINY, hill_odds, power
from mmm_pipeline.mmm.specs import Adstock

__all__ = ["SaturatedDays", "SaturatedTotals", "saturated_days"]

_LARGEST_GROWTH = 1e300


class SaturatedTotals(NamedTuple):
    """Saturated media f summed over the days, per draw, as a function of u.

    f = p + q, p concave and q convex: q is what of f lies above the tangent at its inflection, 0 beyond that point.

    Attributes:
        value: (S,) sum of f.
        slope: (S,) its derivative.
        curvature: (S,) its second derivative.
        convex_value: (S,) sum of q.
        convex_slope: (S,) its derivative.
    """

    value: np.ndarray
    slope: np.ndarray
    curvature: np.ndarray
    convex_value: np.ndarray
    convex_slope: np.ndarray


class SaturatedDays(Protocol):
    """The days of a plan, as a function of the constant daily media."""

    def value(self, daily_media: float) -> np.ndarray:
        """(S,) saturated media summed over the days."""
        ...

    def totals(self, daily_media: float) -> SaturatedTotals:
        """The same with derivatives along the daily media."""
        ...


def saturated_days(adstock: Adstock, media: EffectiveMedia, parameters: Mapping[str, np.ndarray]) -> SaturatedDays:
    """The days of a plan for one channel.

    Args:
        adstock: which transform.
        media: effective media of the days.
        parameters: (S,) draws of `exponent`, or of `half_saturation` k and `slope` n.
    """
    return _HillDays(media, parameters) if adstock == "hill_adstock" else _PowerDays(media, parameters)


@dataclass(frozen=True)
class _PowerDays:
    """Attributes: media; parameters: `exponent`."""

    media: EffectiveMedia
    parameters: Mapping[str, np.ndarray]

    def value(self, daily_media: float) -> np.ndarray:
        z = self.media.at(daily_media)
        value = power(np.maximum(z, TINY), self.parameters)
        np.copyto(value, 0.0, where=z <= 0)
        return self.media.total(value)

    def totals(self, daily_media: float) -> SaturatedTotals:
        media, exponent = self.media, self.parameters["exponent"]
        z = media.at(daily_media)
        positive = np.maximum(z, TINY)
        value = power(positive, self.parameters)
        rate = np.divide(media.gain, positive, out=positive)
        slope = media.total_of_product(value, rate)
        rate *= rate
        curvature = media.total_of_product(value, rate)
        np.copyto(value, 0.0, where=z <= 0)
        none = np.zeros_like(exponent)
        return SaturatedTotals(
            value=media.total(value),
            slope=exponent * slope,
            curvature=exponent * (exponent - 1) * curvature,
            convex_value=none,
            convex_slope=none,
        )


@dataclass(frozen=True)
class _HillDays:
    """Attributes: media; parameters: `half_saturation` and `slope`.

    On the fading days the odds (z / k)^(-n) grow by the same factor every day, so that neither a logarithm nor a power
    is needed there, and gain / z stays what it was on the last day of the horizon.
    """

    media: EffectiveMedia
    parameters: Mapping[str, np.ndarray]

    @cached_property
    def _growth(self) -> np.ndarray:
        """(S, K) odds of the fading days over those of the day before them."""
        fading = self.media.fading
        logs = -self.parameters["slope"][:, None] * fading.log_share[:, None] * np.arange(1, fading.days + 1)
        return np.exp(np.minimum(logs, np.log(_LARGEST_GROWTH), out=logs), out=logs)

    @cached_property
    def _tangent(self) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
        """Inflection, f there, and slope there, each (S,); None when every curve is concave."""
        n = self.parameters["slope"]
        if not (n > 1).any():
            return None
        # For n <= 1 the curve is concave: the inflection moves to 0 and the convex part vanishes.
        steep = np.maximum(n, 1.0)
        inflection = self.parameters["half_saturation"] * ((steep - 1) / (steep + 1)) ** (1 / steep)
        level = (steep - 1) / (2 * steep)
        return inflection, level, steep * level * (1 - level) / np.maximum(inflection, TINY)

    def value(self, daily_media: float) -> np.ndarray:
        z = self.media.at(daily_media)
        within, after = self._saturated(np.maximum(z, TINY))
        np.copyto(within, 0.0, where=z <= 0)
        return self.media.total(within) + np.where(z[:, -1] > 0, after.sum(axis=1), 0.0)

    def totals(self, daily_media: float) -> SaturatedTotals:
        media, n = self.media, self.parameters["slope"]
        z = media.at(daily_media)
        positive = np.maximum(z, TINY)
        within, after = self._saturated(positive)
        rate = np.divide(media.gain, positive, out=positive)
        slope = 1 - within
        slope *= within
        slope *= rate  # df/du over n
        rate_after = rate[:, -1].copy()
        rate *= slope
        curvature = (n - 1) * media.total(rate) - 2 * n * media.total_of_product(rate, within)
        squares = after * after
        first, second, third = after.sum(axis=1), squares.sum(axis=1), np.vecdot(squares, after)
        spread = np.maximum(first - second, 0.0)
        curvature += rate_after**2 * ((n - 1) * spread - 2 * n * (second - third))
        np.copyto(within, 0.0, where=z <= 0)
        np.copyto(after, 0.0, where=z[:, -1:] <= 0)
        value = media.total(within) + np.where(z[:, -1] > 0, first, 0.0)
        total_slope = media.total(slope) + rate_after * spread
        convex_value, convex_slope = self._convex(z, within, slope, after, squares, rate_after)
        return SaturatedTotals(value, n * total_slope, n * curvature, convex_value, convex_slope)

    def _saturated(self, positive: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """F on the (S, H) days of the horizon and on the (S, K) days after."""
        odds = hill_odds(positive, self.parameters)
        with np.errstate(over="ignore"):
            after = self._growth * odds[:, -1:]
        for days in (odds, after):
            days += 1
            np.divide(1.0, days, out=days)
        return odds, after

    def _convex(
        self,
        z: np.ndarray,
        within: np.ndarray,
        slope: np.ndarray,
        after: np.ndarray,
        squares: np.ndarray,
        rate_after: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray]:
        n, media = self.parameters["slope"], self.media
        if self._tangent is None:
            return np.zeros_like(n), np.zeros_like(n)
        inflection, level, tangent = self._tangent
        offset = tangent * inflection - level
        below = (z < inflection[:, None]).astype(float)
        value = media.total_of_product(below, within) - tangent * media.total_of_product(below, z)
        value += offset * media.total(below)
        steepness = n * media.total_of_product(below, slope) - tangent * media.total_of_product(below, media.gain)
        if media.fading.days:
            # Effect only falls on the fading days, so those below the inflection are the last ones.
            below = (after < level[:, None]).astype(float)
            count = below.sum(axis=1)
            left = media.fading.sum_of_last(count)
            sum_below = np.vecdot(below, after)
            value += sum_below - tangent * z[:, -1] * left + offset * count
            steepness += n * rate_after * (sum_below - np.vecdot(below, squares))
            steepness -= tangent * media.gain[:, -1] * left
        return value, steepness
