"""Power saturation: a share of the effect is lost with every doubling, and nothing ever saturates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mmm_pipeline.mmm.media.effective_media import EffectiveMedia
from mmm_pipeline.mmm.media.saturated_days import SaturatedDays, SaturatedTotals, positive
from mmm_pipeline.mmm.media.saturation.base import Saturation
from mmm_pipeline.mmm.numerics.library import Library, power, power_of_positive
from mmm_pipeline.mmm.numerics.numpy_library import NUMPY
from mmm_pipeline.mmm.priors.families import Beta
from mmm_pipeline.mmm.priors.parameter import Parameter

__all__ = ["PowerSaturation"]


@dataclass(frozen=True)
class PowerSaturation(Saturation):
    """z^ρ, concave for ρ < 1."""

    title = "power"
    formula = "m = z^ρ"
    source = "`lightweight-mmm` 0.1.9"
    parameters = (Parameter("exponent", "ρ", "1: linear; smaller: diminishing returns", Beta(9.0), (0.65, 0.98)),)

    def value(self, z: Any, parameters: Mapping[str, Any], f: Library) -> Any:
        return power(z, parameters["exponent"], f)

    def days(self, media: EffectiveMedia, parameters: Mapping[str, np.ndarray]) -> SaturatedDays:
        return _PowerDays(media.folded_by_power(parameters["exponent"]), parameters["exponent"])


@dataclass(frozen=True)
class _PowerDays:
    """Attributes: media, without fading days; exponent: (S,)."""

    media: EffectiveMedia
    exponent: np.ndarray

    def value(self, daily_media: float) -> np.ndarray:
        z = self.media.at(daily_media)
        value = power_of_positive(positive(z), self.exponent[:, None], NUMPY)
        # A curve with a very small exponent jumps at zero, where the stand-in would not do.
        np.copyto(value, 0.0, where=z <= 0)
        return self.media.total(value)

    def totals(self, daily_media: float) -> SaturatedTotals:
        media, exponent = self.media, self.exponent
        z = media.at(daily_media)
        above_zero = positive(z, daily_media)
        value = power_of_positive(above_zero, exponent[:, None], NUMPY)
        rate = np.divide(media.gain, above_zero, out=above_zero)
        slope = media.total_of_product(value, rate)
        rate *= rate
        curvature = media.total_of_product(value, rate)
        np.copyto(value, 0.0, where=z <= 0)
        none = np.zeros_like(exponent)
        return SaturatedTotals(
            value=media.total(value) if daily_media > 0 else self.value(daily_media),
            slope=exponent * slope,
            curvature=exponent * (exponent - 1) * curvature,
            convex_value=none,
            convex_slope=none,
        )
