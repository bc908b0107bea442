"""From a posterior and a request to the plan: who gets how much, what that promises, how sure that is."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mmm_pipeline.mmm.budget.problem import BudgetProblem, BudgetRequest, budget_problem
from mmm_pipeline.mmm.budget.rounding import CENTS
from mmm_pipeline.mmm.budget.solver import Allocation, AllocationProblem, allocate
from mmm_pipeline.mmm.budget.targets import smallest_total, spend_while_worthwhile
from mmm_pipeline.mmm.fit import Fit
from mmm_pipeline.mmm.response import HorizonResponse, current_spend, horizon_responses, media_prices

__all__ = ["MATERIAL_GAIN", "BudgetPlan", "plan_budget"]

MATERIAL_GAIN = 0.01
"""A plan whose expected gain is a smaller share of the current media KPI is not worth the change."""


@dataclass(frozen=True)
class BudgetPlan:
    """Attributes: table, summary: the contracts `budget_plan` and `budget_summary`; uplift: (S,) gain per draw."""

    table: pd.DataFrame
    summary: pd.DataFrame
    uplift: np.ndarray


def plan_budget(fit: Fit, request: BudgetRequest | None = None, *, credible_interval: float = 0.9) -> BudgetPlan:
    """The allocation with the highest expected KPI under the request, with its optimality certificate.

    The plan maximises the posterior mean of the incremental media KPI (see `response`), or meets the target of the
    request, and is compared with the current allocation scaled to the same total. The gain is `material_gain` when
    the lower end of its credible interval is above 0 and it is at least `MATERIAL_GAIN` of the current allocation's
    KPI, else `no_material_gain`. Deterministic.

    Args:
        fit: the posterior; the days after its window are planned.
        request: constraints; default: last horizon's total, every channel within 0.5 to 2 times its current spend.
        credible_interval: probability of the interval of the uplift.

    Raises:
        InfeasibleBudget: the request cannot be met.
    """
    request = request or BudgetRequest()
    problem = budget_problem(fit.data.channels, current_spend(fit, request.horizon_days), request)
    responses = horizon_responses(fit, request.horizon_days, count_after_horizon=request.count_after_horizon)
    allocation = _allocated(problem, responses, request)
    reference = problem.reference(allocation.cents)
    current = _outcome(responses, reference)
    optimal = _outcome(responses, allocation.cents)
    table = pd.DataFrame(
        {
            "channel": problem.channels,
            "current_spend": reference / CENTS,
            "optimal_spend": allocation.cents / CENTS,
            "change": (allocation.cents - reference) / CENTS,
            "low": problem.low / CENTS,
            "high": problem.high / CENTS,
            "is_locked": problem.locked,
            "price": media_prices(fit),
            "current_kpi": current.kpi,
            "optimal_kpi": optimal.kpi,
            "marginal_roi_current": current.marginal_roi,
            "marginal_roi_optimal": optimal.marginal_roi,
        }
    )
    uplift = optimal.draws - current.draws
    return BudgetPlan(
        table, _summary(problem.horizon_days, allocation, current, optimal, uplift, credible_interval), uplift
    )


def _allocated(problem: BudgetProblem, responses: Sequence[HorizonResponse], request: BudgetRequest) -> Allocation:
    """The best plan of every block; blocks share nothing, so their plans, KPIs and bounds add up."""
    cents, value, upper_bound = np.empty_like(problem.current), 0.0, 0.0
    for block in problem.blocks:
        curves = [responses[c] for c in block.members]
        low, high = problem.low[block.members], problem.high[block.members]
        start = problem.current[block.members] / CENTS
        if block.total is not None:
            part = allocate(curves, AllocationProblem(low, high, block.total), start)
        elif request.target_kpi is not None:
            part = smallest_total(curves, low, high, request.target_kpi, start)
        else:
            assert request.target_marginal_roi is not None
            part = spend_while_worthwhile(curves, low, high, request.target_marginal_roi, start)
        cents[block.members] = part.cents
        value, upper_bound = value + part.value, upper_bound + part.upper_bound
    return Allocation(cents, value, upper_bound)


@dataclass(frozen=True)
class _Outcome:
    """Attributes: kpi, marginal_roi: (C,) posterior means; draws: (S,) media KPI of all channels together."""

    kpi: np.ndarray
    marginal_roi: np.ndarray
    draws: np.ndarray


def _outcome(responses: Sequence[HorizonResponse], cents: np.ndarray) -> _Outcome:
    spends = (cents / CENTS).tolist()
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        outcomes = list(pool.map(lambda response, spend: response.outcome(spend), responses, spends))
    return _Outcome(
        kpi=np.array([draws.mean() for draws, _ in outcomes]),
        marginal_roi=np.array([slopes.mean() for _, slopes in outcomes]),
        draws=np.sum([draws for draws, _ in outcomes], axis=0),
    )


def _summary(
    horizon_days: int,
    allocation: Allocation,
    current: _Outcome,
    optimal: _Outcome,
    uplift: np.ndarray,
    credible_interval: float,
) -> pd.DataFrame:
    low, high = np.quantile(uplift, [(1 - credible_interval) / 2, (1 + credible_interval) / 2])
    gain = float(optimal.kpi.sum() - current.kpi.sum())
    material = low > 0 and gain >= MATERIAL_GAIN * float(current.kpi.sum())
    return pd.DataFrame(
        {
            "total": [int(allocation.cents.sum()) / CENTS],
            "horizon_days": [horizon_days],
            "expected_kpi_current": [float(current.kpi.sum())],
            "expected_kpi_optimal": [float(optimal.kpi.sum())],
            "uplift": [gain],
            "uplift_low": [float(low)],
            "uplift_high": [float(high)],
            "probability_of_gain": [float((uplift > 0).mean())],
            "upper_bound": [allocation.upper_bound],
            "optimality_gap": [allocation.optimality_gap],
            "verdict": ["material_gain" if material else "no_material_gain"],
        }
    )
