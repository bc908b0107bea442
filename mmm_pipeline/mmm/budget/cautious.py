"""Plans for those who fear a bad outcome: not the mean over the draws is maximised, but a cautious figure.

Draws are joint over channels, so a cautious figure is not a sum over channels. But at any plan it is a weighted sum
over the draws, `emphasis @ kpi`, which is one: with the weights held, the problem is the separable one again. The
ascent takes the weights anew at every plan.

`mean_minus_sd` and `lower_tail_mean` are the *smallest* such sum over a set of weights (within kappa / sqrt(S) of equal
ones in the Euclidean norm; of at most 1 / (probability S) each). Hence, for any one weighting of the set, the most that
a plan can reach with it is a bound of the figure too: max over plans of min over weights <= max over plans at those
weights. That most is what `solver` bounds. A quantile is no such minimum and has no certificate.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from mmm_pipeline.mmm.budget.ascent import ascend
from mmm_pipeline.mmm.budget.problem import BudgetProblem
from mmm_pipeline.mmm.budget.risk import RiskMeasure
from mmm_pipeline.mmm.budget.rounding import CENTS, round_to_total
from mmm_pipeline.mmm.budget.solver import GAP_TARGET, Allocation, AllocationProblem, allocate
from mmm_pipeline.mmm.response.channel_responses import ChannelResponse
from mmm_pipeline.mmm.response.curves import CurvePoints

__all__ = ["cautious_plan"]

_TOLERANCE = 1e-6
_STEERED_TOLERANCE = 1e-4
_MAX_ROUNDS = 4


def cautious_plan(
    responses: Sequence[ChannelResponse], problem: BudgetProblem, measure: RiskMeasure, starts: Sequence[np.ndarray]
) -> Allocation:
    """The plan with the largest cautious figure that is found from the given ones.

    Args:
        responses: C responses of the same posterior.
        problem: bounds and blocks with totals.
        measure: what is to be large.
        starts: (C,) feasible plans in cents; the best plan of the mean should be the first.

    Returns:
        The plan; its value is the cautious figure, its upper bound one of that figure, NaN where there is no
        certificate.
    """
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        search = _Search(responses, problem, measure, pool)
        if not measure.has_certificate:
            like = _Search(responses, problem, RiskMeasure("mean_minus_sd", measure.aversion), pool)
            best = max((search.climb(start) for start in (like.climb(starts[0]), *starts[1:])), key=search.value)
            return Allocation(best, search.value(best), float("nan"))
        best, upper_bound = _proven(search, starts[0])
        for start in starts[1:]:
            if upper_bound - search.value(best) <= GAP_TARGET * abs(search.value(best)):
                break
            other, its_bound = _proven(search, start)
            best, upper_bound = max(best, other, key=search.value), min(upper_bound, its_bound)
        value = search.value(best)
    return Allocation(best, value, max(upper_bound, value))


def _proven(search: _Search, start: np.ndarray) -> tuple[np.ndarray, float]:
    """A locally best plan and a bound of every plan; improved while the bound's own plan shows how."""
    best, upper_bound = search.climb(start), np.inf
    for _ in range(_MAX_ROUNDS):
        answer, value = search.best_answer(best), search.value(best)
        upper_bound = min(upper_bound, answer.upper_bound)
        if upper_bound - value <= GAP_TARGET * abs(value):
            break
        # The best plan under today's weights: if following it part of the way pays, the climb was stuck.
        challenger = search.climb(search.towards(best, answer.cents))
        if search.value(challenger) <= value + _TOLERANCE * abs(value):
            break
        best = challenger
    return best, upper_bound


class _Search:
    """Plans of one problem, looked at with one measure."""

    def __init__(
        self,
        responses: Sequence[ChannelResponse],
        problem: BudgetProblem,
        measure: RiskMeasure,
        pool: ThreadPoolExecutor,
    ) -> None:
        self._responses, self._problem, self._measure, self._pool = responses, problem, measure, pool

    def value(self, cents: np.ndarray) -> float:
        return self._measure.value(self._kpi(cents / CENTS))

    def climb(self, start: np.ndarray) -> np.ndarray:
        """(C,) cents: a locally best plan, never worse than the start."""
        problem = self._problem
        low, high = problem.low / CENTS, problem.high / CENTS
        tolerance = _TOLERANCE if self._measure.has_certificate else _STEERED_TOLERANCE
        members = [block.members for block in problem.blocks]
        plan = self._whole_cents(ascend(self._points, start / CENTS, low, high, tolerance, members), start)
        return plan if self.value(plan) > self.value(start) else start

    def towards(self, cents: np.ndarray, other: np.ndarray) -> np.ndarray:
        """The best of some plans on the way from one to another, the ends included."""
        shares = (1.0, 0.5, 0.25, 0.1)
        plans = [self._whole_cents((cents + share * (other - cents)) / CENTS, cents) for share in shares]
        return max([cents, *plans], key=self.value)

    def best_answer(self, cents: np.ndarray) -> Allocation:
        """The best plan, and the bound, with the weights of the draws held at those of a plan."""
        emphasis = self._measure.emphasis(self._kpi(cents / CENTS))
        plan, value, upper_bound = cents.copy(), 0.0, 0.0
        for block in self._problem.blocks:
            m = block.members
            curves = [_Emphasised(self._responses[c], emphasis) for c in m]
            problem = AllocationProblem(self._problem.low[m], self._problem.high[m], int(cents[m].sum()))
            part = allocate(curves, problem, cents[m] / CENTS)
            plan[m] = part.cents
            value, upper_bound = value + part.value, upper_bound + part.upper_bound
        return Allocation(plan, value, upper_bound)

    def _kpi(self, plan: np.ndarray) -> np.ndarray:
        """(S,) draws of the plan's KPI."""
        draws = self._pool.map(lambda response, spend: response.draws(spend), self._responses, plan.tolist())
        return np.sum(list(draws), axis=0)

    def _points(self, plan: np.ndarray) -> CurvePoints:
        """Value and derivatives of the figure, channel by channel; the values add up to the figure."""
        outcomes = list(self._pool.map(lambda response, spend: response.outcome(spend), self._responses, plan.tolist()))
        kpi, slope, curvature = (np.stack(rows, axis=1) for rows in zip(*outcomes, strict=True))
        total = kpi.sum(axis=1)
        emphasis, steering = self._measure.emphasis(total), self._measure.steering(total)
        bend = steering @ curvature
        if (sd := float(total.std())) > 0:
            # The weights follow the plan: exact for the standard deviation, and for the others were the draws Normal.
            along = (total - total.mean()) @ slope / (len(total) * sd)
            bend -= self._measure.aversion * np.maximum(slope.var(axis=0) - along**2, 0.0) / sd
        none = np.zeros_like(plan)
        return CurvePoints(plan, emphasis @ kpi, steering @ slope, bend, none, none)

    def _whole_cents(self, plan: np.ndarray, like: np.ndarray) -> np.ndarray:
        """The plan in cents, every block with the total it has in another plan."""
        cents = np.empty_like(like)
        for block in self._problem.blocks:
            m = block.members
            cents[m] = round_to_total(plan[m], self._problem.low[m], self._problem.high[m], int(like[m].sum()))
        return cents


@dataclass(frozen=True)
class _Emphasised:
    """A response with the draws weighted."""

    response: ChannelResponse
    emphasis: np.ndarray

    def at(self, spend: np.ndarray) -> CurvePoints:
        return self.response.weighted(self.emphasis, spend)
