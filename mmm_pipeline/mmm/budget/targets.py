"""The other two questions of a budget: how little reaches a KPI, and how much is still worth its money.

Both are the same allocation problem: the first along the total, the second with one more channel, that of not spending.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from mmm_pipeline.errors import InfeasibleBudget
from mmm_pipeline.mmm.budget.knowledge import Knowledge
from mmm_pipeline.mmm.budget.rounding import CENTS, amount_text
from mmm_pipeline.mmm.budget.solver import Allocation, AllocationProblem, allocate, solve
from mmm_pipeline.mmm.response.curves import CurvePoints, ResponseCurve

__all__ = ["smallest_total", "spend_while_worthwhile"]

_KPI_PRECISION = 1e-6
_MAX_TOTALS = 60


def smallest_total(
    curves: Sequence[ResponseCurve],
    low: np.ndarray,
    high: np.ndarray,
    target: float,
    start: np.ndarray,
    unit: float = 1.0,
) -> Allocation:
    """The plan with the smallest total whose KPI reaches a target.

    The total is the smallest for which a plan was found, to the cent or to a millionth of the target, whichever is
    coarser; the plan's upper bound says what a better plan of the same total could bring.

    Args:
        curves: C responses.
        low: (C,) lower bounds, int64 cents.
        high: (C,) upper bounds, int64 cents.
        target: KPI to reach.
        start: (C,) currency, where the search begins.
        unit: what the amounts of money have to be multiplied by to be told.

    Raises:
        InfeasibleBudget: not even all channels at their upper bounds reach the target.
    """
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        knowledge = Knowledge(curves, low, high, pool)

        def best(total: int, near: np.ndarray) -> Allocation:
            return solve(knowledge, AllocationProblem(low, high, total), near)

        under, over = best(int(low.sum()), start), best(int(high.sum()), start)
        if over.value < target:
            raise InfeasibleBudget(
                f"the KPI target of {amount_text(target)} is out of reach: with every channel at its upper bound "
                f"({amount_text(over.cents.sum() / (CENTS / unit))} in all) media is expected to bring "
                f"{amount_text(over.value)}; lower the target or raise the bounds",
                code="out_of_reach",
            )
        if under.value >= target:
            return under
        for step in range(_MAX_TOTALS):
            least, most = int(under.cents.sum()), int(over.cents.sum())
            if most - least <= 1 or over.value <= target * (1 + _KPI_PRECISION):
                break
            # Regula falsi, with a bisection every third step: KPI against total need not be concave.
            share = 0.5 if step % 3 == 2 else (target - under.value) / max(over.value - under.value, 1e-300)
            total = min(max(least + round(share * (most - least)), least + 1), most - 1)
            middle = best(total, over.cents / CENTS)
            under, over = (under, middle) if middle.value >= target else (middle, over)
    return over


def spend_while_worthwhile(
    curves: Sequence[ResponseCurve], low: np.ndarray, high: np.ndarray, marginal_return: float, start: np.ndarray
) -> Allocation:
    """The plan that maximises KPI less `marginal_return` times its total: where the next unit brings no more than that.

    Args:
        curves: C responses.
        low: (C,) lower bounds, int64 cents.
        high: (C,) upper bounds, int64 cents.
        marginal_return: KPI that a unit of currency has to bring.
        start: (C,) currency, where the search begins.
    """
    room = int(high.sum() - low.sum())
    unspent = room - int(np.clip(start * CENTS, low, high).sum() - low.sum())
    problem = AllocationProblem(low=np.append(low, 0), high=np.append(high, room), total=int(high.sum()))
    kept = _Kept(marginal_return)
    found = allocate([*curves, kept], problem, np.append(np.clip(start, low / CENTS, high / CENTS), unspent / CENTS))
    worth = marginal_return * float(found.cents[-1]) / CENTS
    return Allocation(found.cents[:-1], found.value - worth, found.upper_bound - worth)


@dataclass(frozen=True)
class _Kept:
    """Money not spent, worth the same per unit however much there is."""

    worth: float

    def at(self, spend: np.ndarray) -> CurvePoints:
        zero = np.zeros_like(spend)
        return CurvePoints(spend, self.worth * spend, np.full_like(spend, self.worth), zero, zero, zero)
