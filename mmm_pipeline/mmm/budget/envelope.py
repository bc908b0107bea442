"""A rigorous concave upper bound of one channel's response, from the points evaluated so far.

Between neighbouring points a < b, R = P + Q lies below chord(Q) + min(tangent_a(P), tangent_b(P)), a concave kinked
line that meets R at both ends and is off by O((b - a)^2) in between. The upper hull of these lines over a box of
spends bounds the concave envelope of R there, and hence every Lagrangian dual of the allocation problem.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from mmm_pipeline.mmm.response.curves import CurvePoints

__all__ = ["BoundedCurve", "Envelope"]

_CLOSEST = 0.1
"""Share of an interval that the next point keeps from the plan at its end."""


@dataclass(frozen=True)
class Envelope:
    """Concave and piecewise linear: vertices at increasing spend, slopes not increasing."""

    spend: np.ndarray
    value: np.ndarray

    @property
    def lengths(self) -> np.ndarray:
        return np.diff(self.spend)

    @property
    def slopes(self) -> np.ndarray:
        return np.diff(self.value) / self.lengths

    def at(self, spend: float) -> float:
        return float(np.interp(spend, self.spend, self.value))


class BoundedCurve:
    """The points of one channel's response known so far, and the upper bound they prove."""

    def __init__(self, points: CurvePoints) -> None:
        self._points = np.empty((6, 0))
        self.add(points)

    def add(self, points: CurvePoints) -> None:
        """Take further points in; spends already known are ignored."""
        merged = np.concatenate([self._points, points.as_rows()], axis=1)
        _, first = np.unique(merged[0], return_index=True)
        self._points = merged[:, first]
        self._line_spend, self._line_value = _bounding_line(self._points)
        self._envelopes: dict[tuple[float, float], Envelope] = {}

    def knows(self, spend: float) -> bool:
        position = self._points[0].searchsorted(spend)
        return bool(position < self._points.shape[1] and self._points[0, position] == spend)

    def recall(self, spend: float) -> np.ndarray:
        """The six numbers of `CurvePoints` at a known spend."""
        return self._points[:, self._points[0].searchsorted(spend)]

    def upper(self, spend: float) -> float:
        """The bound of R at any spend between the known ones, before the hull."""
        return float(np.interp(spend, self._line_spend, self._line_value))

    def overpromised(self, multiplier: float, plan: float, tolerable: float) -> float | None:
        """Where to evaluate next so that the bound stops promising more than a known plan; None when it does not.

        A spend promises the bound there less `multiplier` times itself. The bound is off by the square of the distance
        between its points, so they go closer to each other towards the plan: at the geometric mean of an interval's
        distances from it, or, in an interval that ends there, where the excess would be tolerable.

        Args:
            multiplier: KPI that a unit of currency has to bring.
            plan: a known spend.
            tolerable: excess that may stay.
        """
        promised = self._line_value - multiplier * self._line_spend
        best = int(promised.argmax())
        excess = float(promised[best]) - (float(self.recall(plan)[1]) - multiplier * plan)
        if excess <= tolerable or best % 2 == 0:  # every second vertex is a known point: no fault of the bound
            return None
        left, right = float(self._line_spend[best - 1]), float(self._line_spend[best + 1])
        near, far = sorted((abs(plan - left), abs(plan - right)))
        reach = far * min(max(math.sqrt(tolerable / excess), _CLOSEST), 0.5) if near == 0 else math.sqrt(near * far)
        spend = plan + reach if right > plan else plan - reach
        return spend if left < spend < right else None

    def slack(self, spend: float) -> float:
        """How far the bound lies above the straight line between the known points; 0 where R is known."""
        return self.upper(spend) - float(np.interp(spend, self._points[0], self._points[1]))

    def envelope(self, low: float, high: float) -> Envelope:
        """The upper hull of the bound over [low, high]."""
        key = (low, high)
        if key not in self._envelopes:
            inside = (self._line_spend > low) & (self._line_spend < high)
            spend = np.concatenate([[low], self._line_spend[inside], [high]])
            value = np.concatenate([[self.upper(low)], self._line_value[inside], [self.upper(high)]])
            keep = _upper_hull(spend, value)
            self._envelopes[key] = Envelope(spend[keep], value[keep])
        return self._envelopes[key]


def _bounding_line(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Vertices of the bound: the known points, and between each two the spend where the bounds from both sides meet."""
    spend, value, slope, _, convex_value, convex_slope = points
    width, rise = np.diff(spend), np.diff(value)
    chord = np.diff(convex_value) / width
    left, right = (slope - convex_slope)[:-1] + chord, (slope - convex_slope)[1:] + chord
    # value_a + left x = value_b - right (width - x); parallel lines coincide, so any x is right.
    steeper = left - right
    offset = np.divide(rise - right * width, steeper, out=0.5 * width, where=steeper > 0)
    offset = np.clip(offset, 0.0, width)
    kink = np.minimum(value[:-1] + left * offset, value[1:] - right * (width - offset))
    # Rounding may put the meeting point below the chord of R's own points, where no bound can lie.
    kink = np.maximum(kink, value[:-1] + rise * (offset / width))
    line_spend, line_value = np.empty(2 * len(spend) - 1), np.empty(2 * len(spend) - 1)
    line_spend[::2], line_spend[1::2] = spend, spend[:-1] + offset
    line_value[::2], line_value[1::2] = value, kink
    return line_spend, line_value


def _upper_hull(spend: np.ndarray, value: np.ndarray) -> list[int]:
    """Positions of the vertices of the upper hull (Andrew's monotone chain); of equal spends the higher value stays."""
    xs, ys = spend.tolist(), value.tolist()
    hull: list[int] = []
    for i, (x, y) in enumerate(zip(xs, ys, strict=True)):
        if hull and xs[hull[-1]] >= x:
            if ys[hull[-1]] >= y:
                continue
            hull.pop()
        while len(hull) > 1:
            a, b = hull[-2], hull[-1]
            if (ys[b] - ys[a]) * (x - xs[a]) > (y - ys[a]) * (xs[b] - xs[a]):
                break
            hull.pop()
        hull.append(i)
    return hull
