"""Responses in closed form, for tests of the allocation alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mmm_pipeline.mmm.response.curves import CurvePoints, ResponseCurve

__all__ = ["Hill", "Power", "Zero", "total_value"]


@dataclass(frozen=True)
class Power:
    """scale (spend + carried)^exponent - scale carried^exponent, concave."""

    scale: float
    exponent: float
    carried: float = 0.0

    def at(self, spend: np.ndarray) -> CurvePoints:
        z = np.maximum(spend + self.carried, 1e-100)
        slope = self.scale * self.exponent * z ** (self.exponent - 1)
        value = self.scale * ((spend + self.carried) ** self.exponent - self.carried**self.exponent)
        zero = np.zeros_like(slope)
        return CurvePoints(spend, value, slope, slope * (self.exponent - 1) / z, zero, zero)


@dataclass(frozen=True)
class Hill:
    """scale / (1 + (spend / half)^-n): S-shaped where n is above 1."""

    scale: float
    half: float
    n: float

    def at(self, spend: np.ndarray) -> CurvePoints:
        z = np.maximum(spend, 1e-100)
        f = _hill(z, self.half, self.n)
        slope = self.n * f * (1 - f) / z
        curvature = slope * (self.n * (1 - 2 * f) - 1) / z
        n = max(self.n, 1.0)
        inflection = self.half * ((n - 1) / (n + 1)) ** (1 / n)
        level = (n - 1) / (2 * n)
        tangent = n * level * (1 - level) / max(inflection, 1e-100)
        below = z < inflection
        convex = np.where(below, f - level - tangent * (z - inflection), 0.0)
        convex_slope = np.where(below, slope - tangent, 0.0)
        return CurvePoints(spend, *(self.scale * row for row in (f, slope, curvature, convex, convex_slope)))


@dataclass(frozen=True)
class Zero:
    """A channel that brings nothing."""

    def at(self, spend: np.ndarray) -> CurvePoints:
        zero = np.zeros_like(spend)
        return CurvePoints(spend, zero, zero, zero, zero, zero)


def total_value(curves: Sequence[ResponseCurve], plan: np.ndarray) -> float:
    """KPI of a (C,) plan in currency."""
    return float(sum(curve.at(plan[c : c + 1]).value[0] for c, curve in enumerate(curves)))


def _hill(z: np.ndarray, half: float, n: float) -> np.ndarray:
    return np.exp(-np.logaddexp(0.0, n * (np.log(half) - np.log(z))))
