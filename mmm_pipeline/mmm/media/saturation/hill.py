"""Hill saturation: S-shaped for slopes above 1, with a ceiling."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from mmm_pipeline.mmm.media.effective_media import EffectiveMedia
from mmm_pipeline.mmm.media.saturated_days import SaturatedDays, SaturatedTotals, positive
from mmm_pipeline.mmm.media.saturation.base import Saturation
from mmm_pipeline.mmm.numerics.library import Library
from mmm_pipeline.mmm.numerics.numpy_library import NUMPY
from mmm_pipeline.mmm.priors.families import Exponential
from mmm_pipeline.mmm.priors.parameter import Parameter

__all__ = ["HillSaturation"]

_LARGEST_GROWTH = 1e300


@dataclass(frozen=True)
class HillSaturation(Saturation):
    """1 / (1 + (z / k)^(-n)): one half at z = k."""

    title = "Hill"
    formula = "m = 1 / (1 + (z/k)^(-n))"
    source = "Jin et al. 2017; parametrised as in `lightweight-mmm` 0.1.9"
    parameters = (
        Parameter(
            "half_saturation",
            "k",
            "media that reaches half of the ceiling, in multiples of the mean",
            Exponential(),
            (0.6, 2.2),
        ),
        Parameter("slope", "n", "steepness; above 1 the curve is S-shaped", Exponential(), (0.8, 1.6)),
    )
    ceiling = 1.0

    def value(self, z: Any, parameters: Mapping[str, Any], f: Library) -> Any:
        is_positive = z > 0
        # The logistic of n log(z / k) is the same curve without overflow.
        log_ratio = _log_ratio(f.xp.where(is_positive, z, 1.0), parameters["half_saturation"], f)
        return f.xp.where(is_positive, f.special.expit(parameters["slope"] * log_ratio), 0.0)

    def days(self, media: EffectiveMedia, parameters: Mapping[str, np.ndarray]) -> SaturatedDays:
        return _HillDays(media, parameters["half_saturation"], parameters["slope"])

    def order(self, parameters: Mapping[str, np.ndarray]) -> np.ndarray:
        return np.argsort(parameters["slope"], kind="stable")


def _log_ratio(z: Any, half_saturation: Any, f: Library) -> Any:
    """log(z / k) for z > 0."""
    return f.xp.log(z) - f.xp.log(half_saturation)


@dataclass(frozen=True)
class _HillDays:
    """The days of a plan, by the odds (z / k)^(-n): what is missing to full saturation over what is there.

    On the fading days the odds grow by the same factor every day, so that neither a logarithm nor a power is needed
    there, and gain / z stays what it was on the last day of the horizon.

    Attributes:
        media: effective media.
        half_saturation: (S,) k.
        slope: (S,) n.
    """

    media: EffectiveMedia
    half_saturation: np.ndarray
    slope: np.ndarray

    @cached_property
    def _growth(self) -> np.ndarray:
        """(S, K) odds of the fading days over those of the day before them."""
        fading = self.media.fading
        logs = -self.slope[:, None] * fading.log_share[:, None] * np.arange(1, fading.days + 1)
        return np.exp(np.minimum(logs, np.log(_LARGEST_GROWTH), out=logs), out=logs)

    @cached_property
    def _tangent(self) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
        """Inflection, f there, and slope there, each (S,); None when every curve is concave."""
        n = self.slope
        if not (n > 1).any():
            return None
        # For n <= 1 the curve is concave: the inflection moves to 0 and the convex part vanishes.
        steep = np.maximum(n, 1.0)
        inflection = self.half_saturation * ((steep - 1) / (steep + 1)) ** (1 / steep)
        level = (steep - 1) / (2 * steep)
        return inflection, level, steep * level * (1 - level) / positive(inflection)

    def value(self, daily_media: float) -> np.ndarray:
        z = self.media.at(daily_media)
        within, after = self._saturated(positive(z))
        np.copyto(within, 0.0, where=z <= 0)
        return self.media.total(within) + np.where(z[:, -1] > 0, after.sum(axis=1), 0.0)

    def totals(self, daily_media: float) -> SaturatedTotals:
        media, n = self.media, self.slope
        z = media.at(daily_media)
        above_zero = positive(z, daily_media)
        within, after = self._saturated(above_zero)
        rate = np.divide(media.gain, above_zero, out=above_zero)
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
        value = media.total(within) + np.where(z[:, -1] > 0, first, 0.0) if daily_media > 0 else self.value(daily_media)
        total_slope = media.total(slope) + rate_after * spread
        convex_value, convex_slope = self._convex(z, within, slope, after, squares, rate_after)
        return SaturatedTotals(value, n * total_slope, n * curvature, convex_value, convex_slope)

    def _saturated(self, above_zero: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """F on the (S, H) days of the horizon and on the (S, K) days after."""
        odds = -self.slope[:, None] * _log_ratio(above_zero, self.half_saturation[:, None], NUMPY)
        with np.errstate(over="ignore"):
            np.exp(odds, out=odds)
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
        n, media = self.slope, self.media
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
