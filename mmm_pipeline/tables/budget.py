"""Contracts of the budget plan."""

from __future__ import annotations

import pandera.pandas as pa

from mmm_pipeline.tables.parts import (
    AT_LEAST_0,
    DATE,
    KPI,
    MARKETING,
    About,
    column,
    interval,
    ordered,
    table,
)

__all__ = ["BUDGET_PLAN", "BUDGET_SUMMARY", "REALLOCATION"]

BUDGET_PLAN = table(
    "budget_plan",
    "Current and optimal spend per channel over the horizon.",
    {
        "channel": column(str, "name of the channel"),
        "current_spend": column(float, "spend of the last horizon, scaled to the total", AT_LEAST_0, unit="currency"),
        "optimal_spend": column(float, "spend of the plan", AT_LEAST_0, unit="currency"),
        "change": column(float, "optimal minus current", unit="currency"),
        "low": column(float, "lower bound", AT_LEAST_0, unit="currency"),
        "high": column(float, "upper bound", AT_LEAST_0, unit="currency"),
        "is_locked": column(bool, "whether the settings had it stay as it is"),
        "is_held": column(bool, "whether it stays as it is because its return is the prior's opinion"),
        "evidence": column(
            str,
            "where its return comes from: data, both or prior (table sensitivity)",
            pa.Check.isin(["data", "both", "prior"]),
            nullable=True,
        ),
        "price": column(float, "spend per media unit", AT_LEAST_0, unit="currency per media unit"),
        "current_kpi": column(float, "expected KPI of the current spend", unit=KPI),
        "optimal_kpi": column(float, "expected KPI of the plan", unit=KPI),
        "marginal_roi_current": column(float, "KPI of the next unit of currency at the current spend"),
        "marginal_roi_optimal": column(float, "KPI of the next unit of currency at the plan"),
    },
    unique=["channel"],
    checks=[ordered("low", "high")],
    about=About(
        readers=MARKETING,
        question="How much should each channel get next, within the limits that were set?",
        lineage="""
        channel = media_matrix.channel
        current_spend = media_matrix.spend
        price = media_matrix.spend, media_matrix.media_units
    """,
        is_reported=True,
        published_as="budget",
    ),
)

BUDGET_SUMMARY = table(
    "budget_summary",
    "One row: what the plan promises, how sure that is, and how far it can be from the optimum.",
    {
        "objective": column(
            str,
            "most_kpi (at the total), smallest_total (that reaches the KPI target) or worthwhile_spend (until marginal "
            "ROI falls to its target)",
            pa.Check.isin(["most_kpi", "smallest_total", "worthwhile_spend"]),
        ),
        "total": column(float, "budget over the horizon", AT_LEAST_0, unit="currency"),
        "total_today": column(float, "what the last horizon cost", AT_LEAST_0, unit="currency"),
        "horizon": column("int64", "length of the plan", pa.Check.ge(1), unit="periods"),
        "step": column(str, "what a period is: day, week or month"),
        "basis_end": column(
            DATE,
            "last day of the spend that bounds are multiples of; before the end of the data where nothing was spent "
            "since",
        ),
        "expected_kpi_today": column(float, "expected media KPI of the last horizon's spend", unit=KPI),
        "expected_kpi_current": column(
            float, "expected media KPI of the current allocation, scaled to the total", unit=KPI
        ),
        "expected_kpi_optimal": column(float, "expected media KPI of the plan", unit=KPI),
        "uplift": column(float, "expected gain of the plan over the current allocation", unit=KPI),
        **interval("uplift", KPI),
        "probability_of_gain": column(float, "posterior probability that the plan beats the current allocation"),
        "risk_measure": column(
            str,
            "what of the KPI the plan makes large over the posterior draws",
            pa.Check.isin(["mean", "mean_minus_sd", "lower_tail_mean", "quantile"]),
        ),
        "risk_value_current": column(float, "that figure of the current allocation", unit=KPI),
        "risk_value_optimal": column(float, "that figure of the plan", unit=KPI),
        "upper_bound": column(
            float,
            "no plan of this total within the bounds has a higher figure (Lagrangian dual); empty without certificate",
            unit=KPI,
            nullable=True,
        ),
        "optimality_gap": column(
            float, "(upper bound - plan) / plan, as a share; empty without certificate", AT_LEAST_0, nullable=True
        ),
        "certificate": column(
            str,
            "dual_bound, or none: the plan is the best that was found, and nothing says how far it is from the best",
            pa.Check.isin(["dual_bound", "none"]),
        ),
        "verdict": column(
            str,
            "material_gain, no_material_gain, or no_plan: the plan is today's spend, as the request cannot be met",
            pa.Check.isin(["material_gain", "no_material_gain", "no_plan"]),
        ),
        "no_plan": column(
            str,
            "why there is no plan: no_spend (nothing was spent lately and no total is set), out_of_reach (of the KPI "
            "target) or constraints (they contradict each other)",
            pa.Check.isin(["no_spend", "out_of_reach", "constraints"]),
            nullable=True,
        ),
        "reason": column(str, "the same in words, with what to set", nullable=True),
        **{
            f"uplift_by_{kind}": column(
                float, f"part of the uplift that rests on channels with evidence {kind}", unit=KPI, nullable=True
            )
            for kind in ("data", "both", "prior")
        },
    },
    about=About(
        readers=MARKETING,
        question="What would the plan gain, and how sure is that?",
        lineage="""
        total = budget_plan.optimal_spend
        expected_kpi_current = budget_plan.current_kpi
        expected_kpi_optimal = budget_plan.optimal_kpi
        uplift = budget_plan.current_kpi, budget_plan.optimal_kpi
    """,
        is_reported=True,
    ),
)

REALLOCATION = table(
    "reallocation",
    "The plan's changes as moves of money between channels, largest first; the pairing is a convention.",
    {
        "from_channel": column(str, "channel that gives"),
        "to_channel": column(str, "channel that takes"),
        "amount": column(float, "money moved over the horizon", pa.Check.gt(0), unit="currency"),
        "from_marginal_roi_current": column(float, "KPI of the giver's next unit of currency at its current spend"),
        "from_marginal_roi_optimal": column(float, "KPI of the giver's next unit of currency at the plan"),
        "to_marginal_roi_current": column(float, "KPI of the taker's next unit of currency at its current spend"),
        "to_marginal_roi_optimal": column(float, "KPI of the taker's next unit of currency at the plan"),
    },
    unique=["from_channel", "to_channel"],
    about=About(
        readers=MARKETING,
        question="From which channel to which does money move?",
        lineage="""
        from_channel to_channel = budget_plan.channel
        amount = budget_plan.change
        from_marginal_roi_current to_marginal_roi_current = budget_plan.marginal_roi_current
        from_marginal_roi_optimal to_marginal_roi_optimal = budget_plan.marginal_roi_optimal
    """,
        is_reported=True,
        published_as="reallocation",
    ),
)
