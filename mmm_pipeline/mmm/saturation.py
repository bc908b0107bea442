"""The two saturation curves with what decisions need of them: values, derivatives, and a concave-convex split.

NumPy over many draws: effective media z = carried + gain u is (S, D), S draws and D days; u is the constant daily
media.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from mmm_pipeline.mmm.effective_media import EffectiveMedia
from mmm_pipeline.mmm.specs import Adstock

__all__ = ["SaturatedTotals", "saturate", "saturated_totals"]

_TINY = 1e-100
"""Stands for zero media where a derivative is infinite: large, but its square stays finite."""


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


def saturate(adstock: Adstock, z: np.ndarray, parameters: Mapping[str, np.ndarray]) -> np.ndarray:
    """Saturated media: z^exponent (adstock, carryover) or 1 / (1 + (z / k)^(-n)) (hill_adstock); 0 where z is 0.

    Args:
        adstock: which transform.
        z: (S, D) effective media, at least 0, scaled units.
        parameters: (S,) draws of `exponent`, or of `half_saturation` k and `slope` n.
    """
    positive = np.maximum(z, _TINY)
    value = _hill(positive, parameters) if adstock == "hill_adstock" else _power(positive, parameters)
    # A curve with a very small exponent jumps at zero, where the stand-in would not do.
    np.copyto(value, 0.0, where=z <= 0)
    return value


def saturated_totals(
    adstock: Adstock, media: EffectiveMedia, daily_media: float, parameters: Mapping[str, np.ndarray]
) -> SaturatedTotals:
    """Saturated media of a plan over all its days, with derivatives along the daily media.

    Args:
        adstock: which transform.
        media: effective media of the days.
        daily_media: u, scaled units a day.
        parameters: as for `saturate`.
    """
    z = media.at(daily_media)
    if adstock == "hill_adstock":
        return _hill_totals(media, z, parameters)
    return _power_totals(media, z, parameters)


def _power(positive: np.ndarray, parameters: Mapping[str, np.ndarray]) -> np.ndarray:
    logs = np.log(positive)
    logs *= parameters["exponent"][:, None]
    return np.exp(logs, out=logs)


def _hill(positive: np.ndarray, parameters: Mapping[str, np.ndarray]) -> np.ndarray:
    odds = np.log(positive)
    odds -= np.log(parameters["half_saturation"])[:, None]
    odds *= -parameters["slope"][:, None]
    with np.errstate(over="ignore"):
        np.exp(odds, out=odds)
    odds += 1
    return np.divide(1.0, odds, out=odds)


def _power_totals(media: EffectiveMedia, z: np.ndarray, parameters: Mapping[str, np.ndarray]) -> SaturatedTotals:
    exponent = parameters["exponent"]
    positive = np.maximum(z, _TINY)
    rate = media.gain / positive
    value = _power(positive, parameters)
    slope = value * rate
    rate *= slope
    np.copyto(value, 0.0, where=z <= 0)
    none = np.zeros_like(exponent)
    return SaturatedTotals(
        value=media.total(value),
        slope=exponent * media.total(slope),
        curvature=exponent * (exponent - 1) * media.total(rate),
        convex_value=none,
        convex_slope=none,
    )


def _hill_totals(media: EffectiveMedia, z: np.ndarray, parameters: Mapping[str, np.ndarray]) -> SaturatedTotals:
    """Sums of products go straight to the rows: this is where a budget plan spends its time."""
    n = parameters["slope"]
    positive = np.maximum(z, _TINY)
    rate = media.gain / positive
    value = _hill(positive, parameters)
    slope = 1 - value
    slope *= value
    slope *= rate  # df/du over n
    rate *= slope
    curvature = n * ((n - 1) * media.total(rate) - 2 * n * media.total_of_product(rate, value))
    np.copyto(value, 0.0, where=z <= 0)
    convex_value = convex_slope = np.zeros_like(n)
    if (n > 1).any():
        # For n <= 1 the curve is concave: the inflection moves to 0 and the convex part vanishes.
        steep = np.maximum(n, 1.0)
        inflection = parameters["half_saturation"] * ((steep - 1) / (steep + 1)) ** (1 / steep)
        at_inflection = (steep - 1) / (2 * steep)
        tangent = steep * at_inflection * (1 - at_inflection) / np.maximum(inflection, _TINY)
        below = (z < inflection[:, None]).astype(float)
        convex_value = (
            media.total_of_product(below, value)
            - tangent * media.total_of_product(below, z)
            + (tangent * inflection - at_inflection) * media.total(below)
        )
        convex_slope = n * media.total_of_product(below, slope) - tangent * media.total_of_product(below, media.gain)
    return SaturatedTotals(media.total(value), n * media.total(slope), curvature, convex_value, convex_slope)
