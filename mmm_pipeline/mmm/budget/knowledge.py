"""What is known of all responses together: points evaluated once, and the upper bounds they prove."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from mmm_pipeline.mmm.budget.envelope import BoundedCurve, Envelope
from mmm_pipeline.mmm.budget.rounding import CENTS
from mmm_pipeline.mmm.response.curves import CurvePoints, ResponseCurve

__all__ = ["Knowledge"]

_MAX_REFINEMENTS = 30


class Knowledge:
    """Every response evaluated so far and the bounds it proves; grows with every question.

    Starts with the ends of the box; the search says where more points are worth their time.

    Args:
        curves: C responses.
        low: (C,) lower bounds, int64 cents.
        high: (C,) upper bounds, int64 cents.
        pool: evaluates responses side by side.
    """

    def __init__(
        self, curves: Sequence[ResponseCurve], low: np.ndarray, high: np.ndarray, pool: ThreadPoolExecutor
    ) -> None:
        self._curves, self._pool = curves, pool
        ends = [np.unique([least, most]) for least, most in zip(low / CENTS, high / CENTS, strict=True)]
        self._bounded = [BoundedCurve(points) for points in pool.map(lambda curve, at: curve.at(at), curves, ends)]

    def knows(self, plan: np.ndarray) -> bool:
        return all(curve.knows(spend) for curve, spend in zip(self._bounded, plan, strict=True))

    def at(self, plan: np.ndarray) -> CurvePoints:
        """All responses at a (C,) plan; only what is not known yet is computed."""
        new = [c for c, spend in enumerate(plan) if not self._bounded[c].knows(spend)]
        self._learn(plan, new)
        return CurvePoints(*np.stack([curve.recall(s) for curve, s in zip(self._bounded, plan, strict=True)], axis=1))

    def learn_where_loose(self, plan: np.ndarray, tolerable: float) -> bool:
        """Evaluate the channels whose bound at the plan may be off by more than this; whether there were any."""
        loose = [c for c, spend in enumerate(plan) if self._bounded[c].slack(spend) > tolerable]
        new = [c for c in loose if not self._bounded[c].knows(plan[c])]
        self._learn(plan, new)
        return bool(new)

    def tighten(self, plan: np.ndarray, multiplier: float, tolerable: float) -> None:
        """Evaluate where the bounds still promise more than a (C,) plan at the price `multiplier` of a unit of money.

        The dual bound at that multiplier exceeds the plan's KPI by the sum over channels of what these promises are
        too high by. Each channel is refined alone, until its share is tolerable or is no fault of the bound.
        """

        def refine(channel: int) -> None:
            curve, bounded = self._curves[channel], self._bounded[channel]
            for _ in range(_MAX_REFINEMENTS):
                spend = bounded.overpromised(multiplier, plan[channel], tolerable)
                if spend is None:
                    return
                bounded.add(curve.at(np.array([spend])))

        list(self._pool.map(refine, range(len(plan))))

    def envelopes(self, low: np.ndarray, high: np.ndarray) -> list[Envelope]:
        """C upper bounds over the box [low, high], in cents."""
        return [
            curve.envelope(float(a), float(b))
            for curve, a, b in zip(self._bounded, low / CENTS, high / CENTS, strict=True)
        ]

    def upper(self, plan: np.ndarray) -> np.ndarray:
        """(C,) bounds of the responses themselves, before the envelopes bridge their dents."""
        return np.array([curve.upper(spend) for curve, spend in zip(self._bounded, plan, strict=True)])

    def _learn(self, plan: np.ndarray, channels: list[int]) -> None:
        points = self._pool.map(lambda c: self._curves[c].at(plan[c : c + 1]), channels)
        for channel, point in zip(channels, points, strict=True):
            self._bounded[channel].add(point)
