"""From a posterior and a request to the plan: who gets how much, what that promises, how sure that is."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mmm_pipeline.mmm.budget.cautious import cautious_plan
from mmm_pipeline.mmm.budget.problem import BudgetProblem, budget_problem
from mmm_pipeline.mmm.budget.reallocation import reallocation
from mmm_pipeline.mmm.budget.request import BudgetRequest
from mmm_pipeline.mmm.budget.rounding import CENTS, round_to_total
from mmm_pipeline.mmm.budget.solver import Allocation, AllocationProblem, allocate
from mmm_pipeline.mmm.budget.targets import smallest_total, spend_while_worthwhile
from mmm_pipeline.mmm.fit.fit import Fit
from mmm_pipeline.mmm.fit.panel_fit import PanelFit
from mmm_pipeline.mmm.response.channel_responses import ChannelResponse, channel_responses
from mmm_pipeline.mmm.response.response import current_spend, media_prices

__all__ = ["MATERIAL_GAIN", "BudgetPlan", "plan_budget"]

MATERIAL_GAIN = 0.01
"""A plan whose expected gain is a smaller share of the current media KPI is not worth the change."""


@dataclass(frozen=True)
class BudgetPlan:
    """A plan beside the current allocation.

    Attributes:
        table: the contract `budget_plan`.
        summary: the contract `budget_summary`.
        reallocation: the contract `reallocation`.
        uplift: (S,) gain per draw.
    """

    table: pd.DataFrame
    summary: pd.DataFrame
    reallocation: pd.DataFrame
    uplift: np.ndarray


def plan_budget(
    fit: Fit | PanelFit, request: BudgetRequest | None = None, *, credible_interval: float = 0.9
) -> BudgetPlan:
    """The best allocation under the request, with its optimality certificate.

    The plan maximises the posterior mean of the incremental media KPI (see `response`), or the cautious figure or the
    target of the request, and is compared with the current allocation scaled to the same total. The gain is
    `material_gain` when the lower end of its credible interval is above 0 and it is at least `MATERIAL_GAIN` of the
    current allocation's KPI, else `no_material_gain`. Of a cautious plan, which may give up some expected KPI, the
    figure that it maximises must rise by at least that much instead. Deterministic.

    Args:
        fit: the posterior; the days after its window are planned. Of a panel, a channel's spend is split over the
            markets as in the last horizon.
        request: constraints; default: last horizon's total, every channel within 0.5 to 2 times its current spend.
        credible_interval: probability of the interval of the uplift.

    Raises:
        InfeasibleBudget: the request cannot be met.
    """
    request = request or BudgetRequest()
    problem = budget_problem(fit.data.channels, current_spend(fit, request.horizon_days), request)
    responses = channel_responses(fit, request.horizon_days, count_after_horizon=request.count_after_horizon)
    allocation = _allocated(problem, responses, request)
    reference = problem.reference(allocation.cents)
    if request.risk.measure != "mean":
        allocation = cautious_plan(responses, problem, request.risk, _starts(problem, allocation.cents, reference))
    today = _outcome(responses, problem.current)
    current = today if np.array_equal(reference, problem.current) else _outcome(responses, reference)
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
    compared = _Compared(request, allocation, today, current, optimal)
    return BudgetPlan(
        table=table,
        summary=compared.summary(int(problem.current.sum()), credible_interval),
        reallocation=reallocation(table, [block.members for block in problem.blocks]),
        uplift=compared.uplift,
    )


def _allocated(problem: BudgetProblem, responses: Sequence[ChannelResponse], request: BudgetRequest) -> Allocation:
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


def _starts(problem: BudgetProblem, best: np.ndarray, reference: np.ndarray) -> list[np.ndarray]:
    """Feasible plans to climb from: the best of the mean, the current mix moved into the bounds, an even one."""
    starts = [best]
    for shape in (reference, 0.5 * (problem.low + problem.high)):
        start = np.empty_like(best)
        for block in problem.blocks:
            m = block.members
            start[m] = round_to_total(shape[m] / CENTS, problem.low[m], problem.high[m], int(best[m].sum()))
        starts.append(start)
    return starts


@dataclass(frozen=True)
class _Outcome:
    """Attributes: kpi, marginal_roi: (C,) posterior means; draws: (S,) media KPI of all channels together."""

    kpi: np.ndarray
    marginal_roi: np.ndarray
    draws: np.ndarray

    @property
    def expected(self) -> float:
        return float(self.kpi.sum())


def _outcome(responses: Sequence[ChannelResponse], cents: np.ndarray) -> _Outcome:
    spends = (cents / CENTS).tolist()
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        outcomes = list(pool.map(lambda response, spend: response.outcome(spend), responses, spends))
    return _Outcome(
        kpi=np.array([outcome.kpi.mean() for outcome in outcomes]),
        marginal_roi=np.array([outcome.slope.mean() for outcome in outcomes]),
        draws=np.sum([outcome.kpi for outcome in outcomes], axis=0),
    )


@dataclass(frozen=True)
class _Compared:
    """The plan, the current allocation at the plan's cost, and today's spend as it is."""

    request: BudgetRequest
    allocation: Allocation
    today: _Outcome
    current: _Outcome
    optimal: _Outcome

    @property
    def uplift(self) -> np.ndarray:
        """(S,) gain per draw."""
        return self.optimal.draws - self.current.draws

    def summary(self, today_cents: int, credible_interval: float) -> pd.DataFrame:
        """The contract `budget_summary`."""
        uplift, allocation, risk = self.uplift, self.allocation, self.request.risk
        low, high = np.quantile(uplift, [(1 - credible_interval) / 2, (1 + credible_interval) / 2])
        gain = self.optimal.expected - self.current.expected
        before, after = risk.value(self.current.draws), risk.value(self.optimal.draws)
        sure = low > 0 if risk.measure == "mean" else True
        material = sure and after - before >= MATERIAL_GAIN * self.current.expected
        return pd.DataFrame(
            {
                "objective": [self.request.objective],
                "total": [int(allocation.cents.sum()) / CENTS],
                "total_today": [today_cents / CENTS],
                "horizon_days": [self.request.horizon_days],
                "expected_kpi_today": [self.today.expected],
                "expected_kpi_current": [self.current.expected],
                "expected_kpi_optimal": [self.optimal.expected],
                "uplift": [gain],
                "uplift_low": [float(low)],
                "uplift_high": [float(high)],
                "probability_of_gain": [float((uplift > 0).mean())],
                "risk_measure": [risk.measure],
                "risk_value_current": [before],
                "risk_value_optimal": [after],
                "upper_bound": [allocation.upper_bound],
                "optimality_gap": [allocation.optimality_gap],
                "certificate": ["dual_bound" if risk.has_certificate else "none"],
                "verdict": ["material_gain" if material else "no_material_gain"],
            }
        )
