"""The two saturation curves with what decisions need of them: values, derivatives, and a concave-convex split.

NumPy over many draws: effective media z = carried + gain u is (S, D), S draws and D days; u is the constant daily
media.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from mmm_pipeline.mmm.specs import Adstock

__all__ = ["Derivatives", "saturate", "saturate_slope", "saturation_derivatives"]

_TINY = 1e-100
"""Stands for zero media where a derivative is infinite: large, but its square stays finite."""


class Derivatives(NamedTuple):
    """A saturation curve f along u, without factors that are the same on all days of a draw.

    With p = f - q concave, q being what of f lies above its tangent where it inflects:

    Attributes:
        value: (S, D) f.
        slope: (S, D) df/du over `slope_factor`.
        curvature: (S, D) d²f/du² over `slope_factor`.
        slope_factor: (S,).
        convex_value: (S, D) q; None where f is concave in all draws.
        convex_slope: (S, D) dq/du; None where f is concave in all draws.
    """

    value: np.ndarray
    slope: np.ndarray
    curvature: np.ndarray
    slope_factor: np.ndarray
    convex_value: np.ndarray | None = None
    convex_slope: np.ndarray | None = None


def saturate(adstock: Adstock, z: np.ndarray, parameters: Mapping[str, np.ndarray]) -> np.ndarray:
    """Saturated media: z^exponent (adstock, carryover) or 1 / (1 + (z / k)^(-n)) (hill_adstock); 0 where z is 0.

    Args:
        adstock: which transform.
        z: (S, D) effective media, at least 0, scaled units.
        parameters: (S,) draws of `exponent`, or of `half_saturation` k and `slope` n.
    """
    positive = np.maximum(z, _TINY)
    if adstock == "hill_adstock":
        value = _hill(positive, parameters)
    else:
        value = np.exp(parameters["exponent"][:, None] * np.log(positive))
    return _zero_at_zero(value, z)


def saturate_slope(
    adstock: Adstock, z: np.ndarray, gain: np.ndarray, parameters: Mapping[str, np.ndarray]
) -> np.ndarray:
    """(S, D) derivative of `saturate` along u."""
    derivatives = saturation_derivatives(adstock, z, gain, parameters)
    return derivatives.slope * derivatives.slope_factor[:, None]


def saturation_derivatives(
    adstock: Adstock, z: np.ndarray, gain: np.ndarray, parameters: Mapping[str, np.ndarray]
) -> Derivatives:
    """Saturated media and its derivatives along u.

    Args:
        adstock: which transform.
        z: (S, D) effective media at the u of interest.
        gain: (S, D) its derivative.
        parameters: as for `saturate`.
    """
    positive = np.maximum(z, _TINY)
    rate = gain / positive
    if adstock == "hill_adstock":
        return _hill_derivatives(z, positive, gain, rate, parameters)
    exponent = parameters["exponent"]
    value = np.exp(exponent[:, None] * np.log(positive))
    slope = value * rate
    curvature = slope * rate
    curvature *= exponent[:, None] - 1
    return Derivatives(_zero_at_zero(value, z), slope, curvature, exponent)


def _hill(positive: np.ndarray, parameters: Mapping[str, np.ndarray]) -> np.ndarray:
    odds = np.log(positive)
    odds -= np.log(parameters["half_saturation"])[:, None]
    odds *= -parameters["slope"][:, None]
    with np.errstate(over="ignore"):
        np.exp(odds, out=odds)
    odds += 1
    return np.divide(1.0, odds, out=odds)


def _hill_derivatives(
    z: np.ndarray, positive: np.ndarray, gain: np.ndarray, rate: np.ndarray, parameters: Mapping[str, np.ndarray]
) -> Derivatives:
    n = parameters["slope"]
    value = _hill(positive, parameters)
    slope = 1 - value
    slope *= value
    slope *= rate
    curvature = value * (-2 * n)[:, None]
    curvature += (n - 1)[:, None]
    curvature *= slope
    curvature *= rate
    _zero_at_zero(value, z)
    if (n <= 1).all():
        return Derivatives(value, slope, curvature, n)
    # For n <= 1 the curve is concave: the inflection moves to 0 and the convex part vanishes.
    steep = np.maximum(n, 1.0)
    inflection = parameters["half_saturation"] * ((steep - 1) / (steep + 1)) ** (1 / steep)
    at_inflection = (steep - 1) / (2 * steep)
    tangent = steep * at_inflection * (1 - at_inflection) / np.maximum(inflection, _TINY)
    below = z < inflection[:, None]
    convex_value = z * -tangent[:, None]
    convex_value += value
    convex_value += (tangent * inflection - at_inflection)[:, None]
    convex_value *= below
    convex_slope = slope * n[:, None]
    convex_slope -= gain * tangent[:, None]
    convex_slope *= below
    return Derivatives(value, slope, curvature, n, convex_value, convex_slope)


def _zero_at_zero(value: np.ndarray, z: np.ndarray) -> np.ndarray:
    """A curve with a very small exponent jumps at zero, where the stand-in would not do."""
    np.copyto(value, 0.0, where=z <= 0)
    return value
