"""Saturated media of a plan summed over its days, with what decisions need of it: derivatives, concave-convex split.

NumPy over many draws: effective media z = carried + gain u is (S, D), S draws and D days; u is the constant daily
media. This is where a budget plan spends its time, so sums of products go straight to the rows. Power and Hill curves
have faster ways of their own, beside their formulas.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, Protocol

import numpy as np

from mmm_pipeline.mmm.media.effective_media import EffectiveMedia
from mmm_pipeline.mmm.numerics.library import Library
from mmm_pipeline.mmm.numerics.numpy_library import NUMPY

__all__ = ["Curve", "CurveDays", "SaturatedDays", "SaturatedTotals", "positive"]

_SMALLEST = float(np.finfo(float).tiny)
_TINY = 1e-100


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


def positive(z: np.ndarray, daily_media: float = 1.0) -> np.ndarray:
    """Effective media with a stand-in where it is zero, so that its logarithm and inverse are finite.

    A plan without media may have days whose derivative is infinite: there the stand-in is larger, so that the
    derivative is large but its square finite. With media, gain / z is at most 1 / u.
    """
    return np.maximum(z, _SMALLEST if daily_media > 0 else _TINY)


class Curve(Protocol):
    """What `CurveDays` reads of a saturation; see `SmoothSaturation`."""

    def value(self, z: Any, parameters: Mapping[str, Any], f: Library) -> Any: ...

    def derivatives(self, z: np.ndarray, parameters: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]: ...

    def inflection(self, parameters: Mapping[str, np.ndarray]) -> np.ndarray | None: ...


@dataclass(frozen=True)
class CurveDays:
    """The days of a plan under a curve that states its derivatives.

    Attributes:
        curve: the saturation.
        media: effective media, every day its own column.
        parameters: (S,) draws each, by name.
    """

    curve: Curve
    media: EffectiveMedia
    parameters: Mapping[str, np.ndarray]

    def value(self, daily_media: float) -> np.ndarray:
        return self.media.total(self.curve.value(self.media.at(daily_media), self._columns, NUMPY))

    def totals(self, daily_media: float) -> SaturatedTotals:
        media = self.media
        z = media.at(daily_media)
        value = self.curve.value(z, self._columns, NUMPY)
        first, second = self.curve.derivatives(z, self._columns)
        first *= media.gain
        convex_value, convex_slope = self._convex(z, value, first)
        second *= media.gain
        return SaturatedTotals(
            value=media.total(value),
            slope=media.total(first),
            curvature=media.total_of_product(second, media.gain),
            convex_value=convex_value,
            convex_slope=convex_slope,
        )

    @cached_property
    def _columns(self) -> dict[str, np.ndarray]:
        return {name: values[:, None] for name, values in self.parameters.items()}

    @cached_property
    def _tangent(self) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
        """Inflection, value there, and slope there, each (S, 1); None when every curve is concave."""
        inflection = self.curve.inflection(self.parameters)
        if inflection is None or not (inflection > 0).any():
            return None
        at = inflection[:, None]
        return at, self.curve.value(at, self._columns, NUMPY), self.curve.derivatives(at, self._columns)[0]

    def _convex(self, z: np.ndarray, value: np.ndarray, slope: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Sums of what lies above the tangent at the inflection, and of its derivative along the daily media."""
        if self._tangent is None:
            none = np.zeros(len(z))
            return none, none
        inflection, level, tangent = self._tangent
        below = (z < inflection).astype(float)
        above_tangent = value - level - tangent * (z - inflection)
        steeper = slope - tangent * self.media.gain
        return self.media.total_of_product(below, above_tangent), self.media.total_of_product(below, steeper)
