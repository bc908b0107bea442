"""From a posterior and a request to the plan: who gets how much, what that promises, how sure that is."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mmm_pipeline.errors import InfeasibleBudget
from mmm_pipeline.mmm.budget.cautious import cautious_plan
from mmm_pipeline.mmm.budget.gain_parts import GAIN_PARTS, gain_parts
from mmm_pipeline.mmm.budget.problem import BudgetProblem, budget_problem
from mmm_pipeline.mmm.budget.reallocation import reallocation
from mmm_pipeline.mmm.budget.request import BudgetRequest
from mmm_pipeline.mmm.budget.rounding import CENTS, round_to_total
from mmm_pipeline.mmm.budget.solver import Allocation, AllocationProblem, allocate
from mmm_pipeline.mmm.budget.targets import smallest_total, spend_while_worthwhile
from mmm_pipeline.mmm.fit.fit import Fit
from mmm_pipeline.mmm.response.channel_responses import ChannelResponse, channel_responses
from mmm_pipeline.mmm.response.response import current_spend, latest_spend, media_prices
from mmm_pipeline.mmm.sensitivity.verdicts import Evidence

__all__ = ["MATERIAL_GAIN", "BudgetPlan", "plan_budget", "unplanned"]

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
        today: (C,) spend of the last horizon, in currency, to the cent.
    """

    table: pd.DataFrame
    summary: pd.DataFrame
    reallocation: pd.DataFrame
    uplift: np.ndarray
    today: np.ndarray


def plan_budget(
    fit: Fit,
    request: BudgetRequest | None = None,
    *,
    credible_interval: float = 0.9,
    evidence: Mapping[str, Evidence] | None = None,
) -> BudgetPlan:
    """The best allocation under the request, with its optimality certificate.

    The plan maximises the posterior mean of the incremental media KPI (see `response`), or the cautious figure or the
    target of the request, and is compared with the current allocation scaled to the same total. The gain is
    `material_gain` when the lower end of its credible interval is above 0 and it is at least `MATERIAL_GAIN` of the
    current allocation's KPI, else `no_material_gain`. Of a cautious plan, which may give up some expected KPI, the
    figure that it maximises must rise by at least that much instead. Deterministic.

    Args:
        fit: the posterior; the days after its window are planned. Organic channels are no part of a budget. Of a
            panel, a channel's spend is split over the markets as in the last horizon.
        request: constraints; default: last horizon's total, every channel within 0.5 to 2 times its current spend.
        credible_interval: probability of the interval of the uplift.
        evidence: channel -> where its return comes from; those of `prior` are held at today's spend unless the request
            moves them. None: nobody has judged them.

    Raises:
        InfeasibleBudget: the request cannot be met.
    """
    request, fit = request or BudgetRequest(), fit.paid
    latest, basis_end = latest_spend(fit, request.horizon)
    now = current_spend(fit, request.horizon)
    unproven = [channel for channel, kind in (evidence or {}).items() if kind == "prior"]
    problem = budget_problem(fit.data.channels, now, request, latest, unproven)
    responses = [
        response.per(problem.unit)
        for response in channel_responses(fit, request.horizon, count_after_horizon=request.count_after_horizon)
    ]
    allocation = _allocated(problem, responses, request)
    reference = problem.reference(allocation.cents)
    if request.risk.measure != "mean":
        allocation = cautious_plan(responses, problem, request.risk, _starts(problem, allocation.cents, reference))
    today = _outcome(responses, problem.current / CENTS)
    current = today if np.array_equal(reference, problem.current) else _outcome(responses, reference / CENTS)
    optimal = _outcome(responses, allocation.cents / CENTS)
    table = pd.DataFrame(
        {
            "channel": problem.channels,
            "current_spend": problem.currency(reference),
            "optimal_spend": problem.currency(allocation.cents),
            "change": problem.currency(allocation.cents - reference),
            "low": problem.currency(problem.low),
            "high": problem.currency(problem.high),
            "is_locked": problem.locked & ~problem.held,
            "is_held": problem.held,
            "evidence": _judged(problem.channels, evidence),
            "price": media_prices(fit),
            "current_kpi": current.kpi,
            "optimal_kpi": optimal.kpi,
            "marginal_roi_current": current.marginal_roi / problem.unit,
            "marginal_roi_optimal": optimal.marginal_roi / problem.unit,
        }
    )
    compared = _Compared(request, allocation, today, current, optimal)
    basis = basis_end if not now.any() else np.datetime64(fit.data.grid.end)
    return BudgetPlan(
        table=table,
        summary=compared.summary(problem, basis, credible_interval).assign(**_gain(table, evidence)),
        reallocation=reallocation(table, [block.members for block in problem.blocks], problem.unit),
        uplift=compared.uplift,
        today=problem.currency(problem.current),
    )


def _judged(channels: Sequence[str], evidence: Mapping[str, Evidence] | None) -> pd.Series:
    return pd.Series([None if evidence is None else evidence[channel] for channel in channels], dtype=object)


def _gain(table: pd.DataFrame, evidence: Mapping[str, Evidence] | None) -> dict[str, float]:
    """Columns of the summary: what the gain rests on."""
    parts = gain_parts(table, evidence) if evidence is not None else dict.fromkeys(GAIN_PARTS, float("nan"))
    return {f"uplift_by_{kind}": value for kind, value in parts.items()}


def unplanned(
    fit: Fit,
    request: BudgetRequest,
    why: InfeasibleBudget,
    evidence: Mapping[str, Evidence] | None = None,
) -> BudgetPlan:
    """What stands in a plan's place where there is none: today's spend, unchanged, and the reason.

    Args:
        fit: the posterior.
        request: that cannot be met.
        why: what `plan_budget` says.
        evidence: channel -> where its return comes from.
    """
    fit = fit.paid
    spend = current_spend(fit, request.horizon)
    responses = channel_responses(fit, request.horizon, count_after_horizon=request.count_after_horizon)
    today = _outcome(responses, spend)
    table = pd.DataFrame(
        {
            "channel": fit.data.channels,
            **dict.fromkeys(("current_spend", "optimal_spend"), spend),
            "change": 0.0,
            **dict.fromkeys(("low", "high"), spend),
            "is_locked": False,
            "is_held": False,
            "evidence": _judged(fit.data.channels, evidence),
            "price": media_prices(fit),
            **dict.fromkeys(("current_kpi", "optimal_kpi"), today.kpi),
            **dict.fromkeys(("marginal_roi_current", "marginal_roi_optimal"), today.marginal_roi),
        }
    )
    expected, figure = today.expected, request.risk.value(today.draws)
    summary = pd.DataFrame(
        {
            "objective": [request.objective],
            **{key: [float(spend.sum())] for key in ("total", "total_today")},
            "horizon": [request.horizon],
            "step": [str(request.step)],
            "basis_end": np.array([latest_spend(fit, request.horizon)[1]], dtype="datetime64[ns]"),
            **{key: [expected] for key in ("expected_kpi_today", "expected_kpi_current", "expected_kpi_optimal")},
            **{key: [0.0] for key in ("uplift", "uplift_low", "uplift_high", "probability_of_gain")},
            "risk_measure": [request.risk.measure],
            **{key: [figure] for key in ("risk_value_current", "risk_value_optimal")},
            "upper_bound": [float("nan")],
            "optimality_gap": [float("nan")],
            "certificate": ["none"],
            "verdict": ["no_plan"],
            "no_plan": pd.Series([why.code], dtype=object),
            "reason": pd.Series([str(why)], dtype=object),
            **{f"uplift_by_{kind}": [0.0] for kind in GAIN_PARTS},
        }
    )
    return BudgetPlan(table, summary, reallocation(table, []), np.zeros_like(today.draws), spend)


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
            part = smallest_total(curves, low, high, request.target_kpi, start, problem.unit)
        else:
            assert request.target_marginal_roi is not None
            part = spend_while_worthwhile(curves, low, high, request.target_marginal_roi * problem.unit, start)
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


def _outcome(responses: Sequence[ChannelResponse], spend: np.ndarray) -> _Outcome:
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        outcomes = list(pool.map(lambda response, spend: response.outcome(spend), responses, spend.tolist()))
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

    def summary(self, problem: BudgetProblem, basis_end: np.datetime64, credible_interval: float) -> pd.DataFrame:
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
                "total": [float(problem.currency(allocation.cents.sum()))],
                "total_today": [float(problem.currency(problem.current.sum()))],
                "horizon": [self.request.horizon],
                "step": [str(self.request.step)],
                "basis_end": np.array([basis_end], dtype="datetime64[ns]"),
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
                "no_plan": pd.Series([None], dtype=object),
                "reason": pd.Series([None], dtype=object),
            }
        )
