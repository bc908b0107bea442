"""From a posterior and a request to the plan: who gets how much, what that promises, how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mmm_pipeline.mmm.budget.problem import BudgetProblem, BudgetRequest, budget_problem
from mmm_pipeline.mmm.budget.rounding import CENTS
from mmm_pipeline.mmm.budget.solver import Allocation, AllocationProblem, allocate
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

    The plan maximises the posterior mean of the incremental media KPI (see `response`) and is compared with the current
    allocation scaled to the same total. The gain is `material_gain` when the lower end of its credible interval is
    above 0 and it is at least `MATERIAL_GAIN` of the current allocation's KPI, else `no_material_gain`. Deterministic.

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
    allocation = allocate(
        responses, AllocationProblem(problem.low, problem.high, problem.total), problem.reference / CENTS
    )
    current = _outcome(responses, problem.reference)
    optimal = _outcome(responses, allocation.cents)
    table = pd.DataFrame(
        {
            "channel": problem.channels,
            "current_spend": problem.reference / CENTS,
            "optimal_spend": allocation.cents / CENTS,
            "change": (allocation.cents - problem.reference) / CENTS,
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
    return BudgetPlan(table, _summary(problem, allocation, current, optimal, uplift, credible_interval), uplift)


@dataclass(frozen=True)
class _Outcome:
    """Attributes: kpi, marginal_roi: (C,) posterior means; draws: (S,) media KPI of all channels together."""

    kpi: np.ndarray
    marginal_roi: np.ndarray
    draws: np.ndarray


def _outcome(responses: Sequence[HorizonResponse], cents: np.ndarray) -> _Outcome:
    kpi, marginal_roi = np.empty(len(responses)), np.empty(len(responses))
    draws = np.zeros(len(responses[0].weight))
    for c, (response, spend) in enumerate(zip(responses, cents / CENTS, strict=True)):
        of_channel = response.draws(spend)
        draws += of_channel
        kpi[c], marginal_roi[c] = of_channel.mean(), response.slope_draws(spend).mean()
    return _Outcome(kpi, marginal_roi, draws)


def _summary(
    problem: BudgetProblem,
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
            "total": [problem.total / CENTS],
            "horizon_days": [problem.horizon_days],
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
