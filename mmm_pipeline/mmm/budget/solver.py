"""Maximise the sum of the channels' responses under a budget and bounds, with a proof of how good the plan is.

The plan comes from an ascent to equal marginal returns. The proof is the Lagrangian dual bound over upper envelopes
that the evaluated points guarantee; points are added where the bound is loose. Where responses are S-shaped the bound
of the whole box may stay above every plan; then the box is split at the spend where the envelope lies above the
response (branch and bound), which closes the gap without ever losing the bound. Everything is deterministic.
"""

from __future__ import annotations

import heapq
import itertools
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from mmm_pipeline.mmm.budget.ascent import ascend
from mmm_pipeline.mmm.budget.curves import CurvePoints, ResponseCurve
from mmm_pipeline.mmm.budget.envelope import BoundedCurve, Envelope
from mmm_pipeline.mmm.budget.relaxation import fill_by_slope
from mmm_pipeline.mmm.budget.rounding import CENTS, round_to_total

__all__ = ["Allocation", "AllocationProblem", "allocate"]

_MAX_ROUNDS = 500
_POINTS_IF_NOT_CONCAVE = 7


@dataclass(frozen=True)
class AllocationProblem:
    """Attributes: low, high: (C,) bounds in whole cents (int64); total: cents, between the sums of the bounds."""

    low: np.ndarray
    high: np.ndarray
    total: int


@dataclass(frozen=True)
class Allocation:
    """A plan and its certificate.

    Attributes:
        cents: (C,) int64, adds up to the total, within the bounds.
        value: KPI of the plan.
        upper_bound: no plan within the bounds has a higher KPI.
    """

    cents: np.ndarray
    value: float
    upper_bound: float

    @property
    def optimality_gap(self) -> float:
        """(upper bound - plan) / plan; 0 when nothing can be gained, infinite when only the bound is above 0."""
        excess = self.upper_bound - self.value
        if excess <= 0:
            return 0.0
        return excess / self.value if self.value > 0 else float("inf")


def allocate(
    curves: Sequence[ResponseCurve],
    problem: AllocationProblem,
    start: np.ndarray,
    gap_target: float = 1e-4,
    workers: int | None = None,
) -> Allocation:
    """The best plan, to within `gap_target` where that is reached.

    Args:
        curves: C responses.
        problem: bounds and total, feasible.
        start: (C,) currency; where the search begins (moved into the bounds and onto the total).
        gap_target: share of the KPI at which the proof is good enough; rounding to cents may leave more.
        workers: threads that evaluate responses; default: one per core.
    """
    with ThreadPoolExecutor(max_workers=workers or os.cpu_count() or 1) as pool:
        knowledge = _Knowledge(curves, problem, pool)
        incumbent = _Incumbent(knowledge, problem, start)
        incumbent.climb()
        climbed = incumbent.value
        upper_bound = _branch_and_bound(knowledge, incumbent, problem, gap_target)
        if incumbent.value > climbed:
            incumbent.climb()
    return Allocation(cents=incumbent.cents, value=incumbent.value, upper_bound=max(upper_bound, incumbent.value))


class _Knowledge:
    """Every response evaluated so far and the bounds it proves; shared by all boxes."""

    def __init__(self, curves: Sequence[ResponseCurve], problem: AllocationProblem, pool: ThreadPoolExecutor) -> None:
        self._curves, self._pool = curves, pool
        grids = []
        for curve, low, high in zip(curves, problem.low / CENTS, problem.high / CENTS, strict=True):
            count = 1 if high <= low else 2 if curve.is_concave else _POINTS_IF_NOT_CONCAVE
            grids.append(np.linspace(low, high, count))
        self._bounded = [BoundedCurve(points) for points in pool.map(lambda curve, grid: curve.at(grid), curves, grids)]

    def knows(self, plan: np.ndarray) -> bool:
        return all(curve.knows(spend) for curve, spend in zip(self._bounded, plan, strict=True))

    def at(self, plan: np.ndarray) -> CurvePoints:
        """All responses at a (C,) plan; only what is not known yet is computed."""
        new = [c for c, spend in enumerate(plan) if not self._bounded[c].knows(spend)]
        self._learn(plan, new)
        return CurvePoints(*np.stack([curve.recall(s) for curve, s in zip(self._bounded, plan, strict=True)], axis=1))

    def learn_where_loose(self, plan: np.ndarray, tolerable: float) -> bool:
        """Evaluate the channels whose bound at the plan may be off by more than is tolerable; whether there were any."""
        loose = [c for c, spend in enumerate(plan) if self._bounded[c].slack(spend) > tolerable]
        new = [c for c in loose if not self._bounded[c].knows(plan[c])]
        self._learn(plan, new)
        return bool(new)

    def _learn(self, plan: np.ndarray, channels: list[int]) -> None:
        points = self._pool.map(lambda c: self._curves[c].at(plan[c : c + 1]), channels)
        for channel, point in zip(channels, points, strict=True):
            self._bounded[channel].add(point)

    def envelopes(self, low: np.ndarray, high: np.ndarray) -> list[Envelope]:
        """C upper bounds over the box [low, high], in cents."""
        return [
            curve.envelope(float(a), float(b))
            for curve, a, b in zip(self._bounded, low / CENTS, high / CENTS, strict=True)
        ]

    def upper(self, plan: np.ndarray) -> np.ndarray:
        """(C,) bounds of the responses themselves, before the envelopes bridge their dents."""
        return np.array([curve.upper(spend) for curve, spend in zip(self._bounded, plan, strict=True)])


class _Incumbent:
    """The best whole-cent plan so far."""

    def __init__(self, knowledge: _Knowledge, problem: AllocationProblem, start: np.ndarray) -> None:
        self._knowledge, self._problem = knowledge, problem
        self.value, self.cents = -np.inf, problem.low
        self.offer(round_to_total(start, problem.low, problem.high, problem.total))

    def offer(self, cents: np.ndarray) -> None:
        value = float(self._knowledge.at(cents / CENTS).value.sum())
        if value > self.value:
            self.value, self.cents = value, cents

    def climb(self) -> None:
        problem = self._problem
        plan = ascend(self._knowledge.at, self.cents / CENTS, problem.low / CENTS, problem.high / CENTS)
        self.offer(round_to_total(plan, problem.low, problem.high, problem.total))


@dataclass(order=True)
class _Box:
    """Bounds in cents and the KPI that no plan inside exceeds, negated so that the heap's top bounds all boxes."""

    negative_bound: float
    age: int
    low: np.ndarray = field(compare=False)
    high: np.ndarray = field(compare=False)


def _branch_and_bound(
    knowledge: _Knowledge, incumbent: _Incumbent, problem: AllocationProblem, gap_target: float
) -> float:
    """Improve the incumbent and tighten the bound until they meet; returns the bound."""
    age = itertools.count()
    boxes = [_Box(-np.inf, next(age), problem.low, problem.high)]
    for _ in range(_MAX_ROUNDS):
        box = heapq.heappop(boxes)
        envelopes = knowledge.envelopes(box.low, box.high)
        relaxed = fill_by_slope(envelopes, problem.total / CENTS)
        loosest = not boxes or -relaxed.bound <= boxes[0].negative_bound
        if not loosest or relaxed.bound <= incumbent.value * (1 + gap_target):
            heapq.heappush(boxes, _Box(-relaxed.bound, next(age), box.low, box.high))
            if loosest:
                break
            continue

        # Some responses jump within the first cent: a spend that left its lower bound must not be rounded back onto it.
        off_bound = relaxed.spend > box.low / CENTS
        lifted = np.where(off_bound, np.maximum(relaxed.spend, (box.low + 1) / CENTS), relaxed.spend)
        cents = round_to_total(lifted, box.low, box.high, problem.total)
        plan = cents / CENTS
        bridged = np.array([envelope.at(s) for envelope, s in zip(envelopes, plan, strict=True)]) - knowledge.upper(
            plan
        )
        tolerable = 0.25 * gap_target * abs(incumbent.value) / len(plan)
        learned = knowledge.learn_where_loose(plan, tolerable)
        if not learned:
            learned = not knowledge.knows(plan)
            incumbent.offer(cents)
        if bridged.sum() > 0.5 * (relaxed.bound - incumbent.value):
            pieces = _split(box, int(bridged.argmax()), cents)
        else:
            pieces = [(box.low, box.high)]
        for low, high in pieces:
            if low.sum() <= problem.total <= high.sum():
                bound = min(relaxed.bound, fill_by_slope(knowledge.envelopes(low, high), problem.total / CENTS).bound)
                heapq.heappush(boxes, _Box(-bound, next(age), low, high))
        if len(pieces) == 1 and not learned:
            break
    return -boxes[0].negative_bound


def _split(box: _Box, channel: int, cents: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """The box cut in two at one channel's spend."""
    below, above = box.high.copy(), box.low.copy()
    below[channel] = above[channel] = cents[channel]
    return [(box.low, below), (above, box.high)]
