"""Maximise the sum of the channels' responses under a budget and bounds, with a proof of how good the plan is.

The plan comes from an ascent to equal marginal returns. The proof is the Lagrangian dual bound over upper envelopes
that the evaluated points guarantee; points are added where the bound is loose. Where responses are S-shaped the bound
of the whole box may stay above every plan; then the box is split at the spend where the envelope lies above the
response (branch and bound), which closes the gap without ever losing the bound. Everything is deterministic.
"""

from __future__ import annotations

import heapq
import itertools
import math
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from mmm_pipeline.mmm.budget.ascent import ascend
from mmm_pipeline.mmm.budget.knowledge import Knowledge
from mmm_pipeline.mmm.budget.relaxation import fill_by_slope
from mmm_pipeline.mmm.budget.rounding import CENTS, round_to_total
from mmm_pipeline.mmm.response.curves import ResponseCurve

__all__ = ["GAP_TARGET", "Allocation", "AllocationProblem", "allocate", "solve"]

GAP_TARGET = 1e-4
"""Share of the KPI at which a proof of optimality is good enough."""

_MAX_ROUNDS = 500


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
        """(upper bound - plan) / plan; 0 when nothing can be gained, infinite when only the bound is above 0.

        NaN without an upper bound.
        """
        excess = self.upper_bound - self.value
        if math.isnan(excess):
            return excess
        if excess <= 0:
            return 0.0
        return excess / self.value if self.value > 0 else float("inf")


def allocate(
    curves: Sequence[ResponseCurve],
    problem: AllocationProblem,
    start: np.ndarray,
    gap_target: float = GAP_TARGET,
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
        return solve(Knowledge(curves, problem.low, problem.high, pool), problem, start, gap_target)


def solve(
    knowledge: Knowledge, problem: AllocationProblem, start: np.ndarray, gap_target: float = GAP_TARGET
) -> Allocation:
    """`allocate` with what is known already; the next problem on the same bounds starts from what this one learned."""
    incumbent = _Incumbent(knowledge, problem, start)
    incumbent.climb()
    climbed = incumbent.value
    knowledge.tighten(incumbent.plan, incumbent.multiplier(), gap_target * abs(climbed) / len(problem.low))
    upper_bound = _branch_and_bound(knowledge, incumbent, problem, gap_target)
    if incumbent.value > climbed:
        incumbent.climb()
    return Allocation(cents=incumbent.cents, value=incumbent.value, upper_bound=max(upper_bound, incumbent.value))


class _Incumbent:
    """The best whole-cent plan so far."""

    def __init__(self, knowledge: Knowledge, problem: AllocationProblem, start: np.ndarray) -> None:
        self._knowledge, self._problem = knowledge, problem
        self.value, self.cents = -np.inf, problem.low
        self.offer(round_to_total(start, problem.low, problem.high, problem.total))

    @property
    def plan(self) -> np.ndarray:
        """(C,) currency."""
        return self.cents / CENTS

    def multiplier(self) -> float:
        """What the next unit of money brings where it can still move; the steepest channel's where none can."""
        slope = self._knowledge.at(self.plan).slope
        free = (self._problem.low < self.cents) & (self.cents < self._problem.high)
        return float(np.median(slope[free]) if free.any() else slope.max())

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
    knowledge: Knowledge, incumbent: _Incumbent, problem: AllocationProblem, gap_target: float
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

        cents = _whole_cents(relaxed.spend, box, problem)
        plan = cents / CENTS
        hull = np.array([envelope.at(spend) for envelope, spend in zip(envelopes, plan, strict=True)])
        bridged = hull - knowledge.upper(plan)
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


def _whole_cents(spend: np.ndarray, box: _Box, problem: AllocationProblem) -> np.ndarray:
    """A relaxed plan rounded inside its box.

    Some responses jump within the first cent, so a spend that has left its lower bound is not rounded back onto it.
    """
    off_bound = spend > box.low / CENTS
    lifted = np.where(off_bound, np.maximum(spend, (box.low + 1) / CENTS), spend)
    return round_to_total(lifted, box.low, box.high, problem.total)


def _split(box: _Box, channel: int, cents: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """The box cut in two at one channel's spend."""
    below, above = box.high.copy(), box.low.copy()
    below[channel] = above[channel] = cents[channel]
    return [(box.low, below), (above, box.high)]
