"""What the budget solver needs to know about a channel: its expected KPI as a function of spend, with derivatives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

__all__ = ["CurvePoints", "ResponseCurve"]


@dataclass(frozen=True)
class CurvePoints:
    """A response R and its decomposition R = P + Q, P concave and Q convex, at m spends.

    The decomposition is what turns finitely many evaluations into a bound on everything between them: between two
    points, P lies below its tangents and Q below its chord.

    Attributes:
        spend: (m,) currency over the horizon.
        value: (m,) R, KPI units; not decreasing in spend.
        slope: (m,) R', KPI units per unit of currency; may be huge but is finite.
        curvature: (m,) R''.
        convex_value: (m,) Q; all zero for a concave response.
        convex_slope: (m,) Q'.
    """

    spend: np.ndarray
    value: np.ndarray
    slope: np.ndarray
    curvature: np.ndarray
    convex_value: np.ndarray
    convex_slope: np.ndarray

    def of(self, positions: np.ndarray) -> CurvePoints:
        """Some of the points."""
        return CurvePoints(*self.as_rows()[:, positions])

    def as_rows(self) -> np.ndarray:
        """(6, m), in the order of the attributes."""
        return np.stack([self.spend, self.value, self.slope, self.curvature, self.convex_value, self.convex_slope])


class ResponseCurve(Protocol):
    """One channel's expected KPI as a function of its total spend."""

    def at(self, spend: np.ndarray) -> CurvePoints:
        """Evaluate at (m,) spends of at least 0."""
        ...
