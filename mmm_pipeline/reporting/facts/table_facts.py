"""The facts of single stored tables: specs, channels, curves, the plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from mmm_pipeline.reporting.findings.findings import Findings
from mmm_pipeline.reporting.grounding.facts import Column, FactTable, single, table
from mmm_pipeline.reporting.results.tables import ResultTables, records
from mmm_pipeline.reporting.text.names import clean

__all__ = ["stored_tables"]


def stored_tables(tables: ResultTables, found: Findings) -> list[FactTable]:
    """Facts of every stored table that a narrative speaks of."""
    return [
        _leaderboard(tables),
        _naive(tables),
        _attribution(found),
        _curves(tables, found.labels),
        _retention(tables, found.labels),
        _budget_plan(tables, found),
        _budget_summary(found),
        _reallocation(tables, found.labels),
        _rolling_origins(tables),
        _agreement(tables, found.labels),
        _drift(tables, found.labels),
        _excluded(found),
    ]


def _leaderboard(tables: ResultTables) -> FactTable:
    columns = [
        Column("rank", "count", "place on the holdout; empty: cannot win"),
        Column("adstock", "text"),
        Column("degrees", "count", "Fourier pairs of the season"),
        Column("status", "text"),
        Column("reason", "text", "why it cannot win"),
        Column("is_champion", "text"),
        Column("mape", "share", "mean absolute percentage error on holdout periods"),
        Column("wape", "share"),
        Column("rmse", "kpi"),
        Column("crps", "kpi"),
        Column("skill", "share", "1 - mape / mape of the best naive forecast; above 0 beats it"),
        Column("coverage_50", "share", "holdout periods inside the 50% band"),
        Column("coverage_90", "share", "holdout periods inside the 90% band"),
        Column("rhat_max", "ratio"),
        Column("ess_bulk_min", "count"),
        Column("divergences", "count"),
        Column("attempts", "count"),
    ]
    rows = [
        (f"{row['adstock']}|{row['degrees']}", {**row, "reason": _text(row["reason"], 2000)})
        for row in records(tables.leaderboard)
    ]
    return table("leaderboard", "every fitted spec, best first", columns, rows)


def _naive(tables: ResultTables) -> FactTable:
    columns = [Column("mape", "share"), Column("wape", "share"), Column("rmse", "kpi"), Column("crps", "kpi")]
    columns.append(Column("is_best", "text"))
    rows = [(clean(row["forecast"]), row) for row in records(tables.naive_forecasts.sort_values("mape"))]
    return table("naive_forecasts", "forecasts without a model, on the same holdout periods", columns, rows)


def _attribution(found: Findings) -> FactTable:
    columns = [
        Column(
            "evidence",
            "text",
            "pays_back, below_spend, unclear; measured (KPI is no money); implausible; no_evidence; organic (no spend)",
        ),
        Column("spend", "money", "over the window"),
        Column("contribution", "kpi", "KPI caused over the window, best estimate"),
        Column("contribution_low", "kpi"),
        Column("contribution_high", "kpi"),
        Column("share", "share", "of the fitted KPI"),
        Column("roi", "ratio", "KPI caused per 'run / returns_per' of spend"),
        Column("roi_low", "ratio"),
        Column("roi_high", "ratio"),
        Column("probability_roi_above_1", "share"),
        Column("marginal_roi", "ratio", "KPI of the next 'run / returns_per' of spend"),
        Column("marginal_roi_low", "ratio"),
        Column("marginal_roi_high", "ratio"),
        Column("cost_per_kpi", "money", "spend per unit of KPI caused"),
        Column("cost_per_kpi_low", "money"),
        Column("cost_per_kpi_high", "money"),
        Column("rests_on", "text", "where its return comes from: data, both, or prior (an assumption, no finding)"),
        Column("prior_width_ratio", "share", "near 1: the data cannot tell"),
        Column("media_variation", "share", "standard deviation of media over its mean; near 0: no evidence"),
    ]
    rows = [
        (
            channel.label,
            {
                **channel.row,
                "evidence": channel.evidence,
                "rests_on": channel.rests_on,
                # A probability that only the prior gives is nothing to be told.
                "probability_roi_above_1": channel.row["probability_roi_above_1"] if channel.has_evidence else None,
            },
        )
        for channel in found.channels
    ]
    return table(
        "attribution", "each channel over the whole window, largest contribution first", columns, rows, _self(rows)
    )


def _curves(tables: ResultTables, labels: Mapping[str, str]) -> FactTable:
    columns = [
        Column("current_spend_per_period", "money"),
        Column("kpi_per_period_now", "kpi", "expected KPI per period at today's spend"),
        Column("kpi_per_period_now_low", "kpi"),
        Column("kpi_per_period_now_high", "kpi"),
        Column("largest_observed_spend_per_period", "money", "beyond it the curve is an assumption"),
        Column("kpi_per_period_at_largest_observed", "kpi"),
    ]
    rows: list[tuple[str, Mapping[str, Any]]] = []
    by_channel = {str(name): curve for name, curve in tables.response_curves.groupby("channel", sort=False)}
    for channel, label in labels.items():
        curve = by_channel.get(channel)
        if curve is None or not curve["is_current"].any():
            continue
        now = curve[curve["is_current"]].iloc[0]
        seen = curve[~curve["is_extrapolated"].astype(bool)]
        largest = seen.iloc[int(seen["spend"].to_numpy().argmax())] if len(seen) else now
        rows.append(
            (
                label,
                {
                    "current_spend_per_period": now["spend"],
                    "kpi_per_period_now": now["kpi"],
                    "kpi_per_period_now_low": now["low"],
                    "kpi_per_period_now_high": now["high"],
                    "largest_observed_spend_per_period": largest["spend"],
                    "kpi_per_period_at_largest_observed": largest["kpi"],
                },
            )
        )
    return table("response_curves", "where each channel stands on its response curve", columns, rows, _self(rows))


def _retention(tables: ResultTables, labels: Mapping[str, str]) -> FactTable:
    columns = [
        Column("prior_mean", "share", "share of the effect carried to the next period, assumed beforehand"),
        Column("posterior_mean", "share", "the same after seeing the data; near the prior: nothing was learnt"),
    ]
    rows: list[tuple[str, Mapping[str, Any]]] = []
    density = tables.retention_density
    for channel, label in labels.items():
        means = {
            f"{source}_mean": _mean(part["retention"].to_numpy(float), part["density"].to_numpy(float))
            for source, part in density[density["channel"] == channel].groupby("source")
        }
        if means:
            rows.append((label, means))
    return table("retention_density", "how long each channel's effect lasts", columns, rows, _self(rows))


def _budget_plan(tables: ResultTables, found: Findings) -> FactTable:
    columns = [
        Column("current_spend", "money", "over the horizon"),
        Column("optimal_spend", "money", "in the plan"),
        Column("change", "money"),
        Column("change_share", "ratio", "change over current spend"),
        Column("low", "money", "least that was allowed"),
        Column("high", "money", "most that was allowed"),
        Column("is_locked", "text"),
        Column("is_held", "text", "true: stays as it is, because the data cannot tell what it brings"),
        Column("at_bound", "text", "low or high: the bound stops it"),
        Column("beyond_data", "text", "true: spends more per period than was ever observed"),
        Column("has_evidence", "text", "false: the data cannot tell what the channel brings"),
        Column("current_kpi", "kpi"),
        Column("optimal_kpi", "kpi"),
        Column("marginal_roi_current", "ratio", "KPI of the next unit of spend, now"),
        Column("marginal_roi_optimal", "ratio", "the same in the plan"),
    ]
    moves = {move.label: move for move in found.moves}
    evidence = {channel.label: channel.has_evidence for channel in found.channels}
    plan = tables.budget_plan
    rows: list[tuple[str, Mapping[str, Any]]] = []
    for row in records(plan.reindex(plan["change"].abs().sort_values(ascending=False, kind="stable").index)):
        label = found.labels.get(row["channel"], clean(row["channel"]))
        move = moves.get(label)
        extra = {
            "change_share": row["optimal_spend"] / row["current_spend"] - 1 if row["current_spend"] > 0 else None,
            "at_bound": move.at_bound if move else "",
            "beyond_data": bool(move and move.beyond_data),
            "has_evidence": evidence.get(label, False),
        }
        rows.append((label, {**row, **extra}))
    return table("budget_plan", "current and proposed spend, largest change first", columns, rows, _self(rows))


def _budget_summary(found: Findings) -> FactTable:
    columns = [
        Column("objective", "text", "most_kpi at a total; smallest_total for a target; worthwhile_spend"),
        Column("total", "money", "budget over the horizon"),
        Column("total_today", "money", "what today's spend comes to over the horizon"),
        Column("horizon", "count"),
        Column("expected_kpi_today", "kpi", "KPI that media would cause with today's spend"),
        Column("expected_kpi_current", "kpi", "the same with today's split of the plan's total"),
        Column("expected_kpi_optimal", "kpi", "the same with the plan"),
        Column("risk_measure", "text", "what of the KPI the plan makes large; mean: the expected KPI"),
        Column("risk_value_current", "kpi", "that figure with today's split"),
        Column("risk_value_optimal", "kpi", "that figure with the plan"),
        Column("uplift", "kpi", "expected gain of the plan"),
        Column("gain_rests_on", "text", "where the gain comes from: data, both, or prior"),
        Column("uplift_by_data", "kpi", "part of the gain that rests on channels told by the data"),
        Column("uplift_by_both", "kpi", "part on channels told by data and prior together"),
        Column("uplift_by_prior", "kpi", "part on channels that only the prior tells"),
        Column("uplift_share", "share", "the gain over expected_kpi_current"),
        Column("uplift_low", "kpi"),
        Column("uplift_high", "kpi"),
        Column("probability_of_gain", "share"),
        Column("optimality_gap", "share", "no plan can beat this one by more, as the model sees it"),
        Column("verdict", "text", "implausible, not_converged: not to be acted on, whatever the gain"),
    ]
    row = {
        **found.budget,
        "uplift_share": found.gain_share,
        "verdict": found.plan_verdict,
        "gain_rests_on": found.gain_rests_on,
    }
    return single("budget_summary", "what the plan promises", columns, row)


def _reallocation(tables: ResultTables, labels: Mapping[str, str]) -> FactTable:
    columns = [
        Column("amount", "money", "moved over the horizon"),
        Column("from_marginal_roi_current", "ratio"),
        Column("from_marginal_roi_optimal", "ratio"),
        Column("to_marginal_roi_current", "ratio"),
        Column("to_marginal_roi_optimal", "ratio"),
    ]
    rows: list[tuple[str, Mapping[str, Any]]] = []
    owners: dict[str, tuple[str, ...]] = {}
    for row in records(tables.reallocation):
        giver, taker = (labels.get(row[side], clean(row[side])) for side in ("from_channel", "to_channel"))
        rows.append((f"{giver} to {taker}", row))
        owners[rows[-1][0]] = (giver, taker)
    return table("reallocation", "the plan as moves from one channel to another, largest first", columns, rows, owners)


def _rolling_origins(tables: ResultTables) -> FactTable:
    columns = [
        Column("mape", "share"),
        Column("wape", "share"),
        Column("rmse", "kpi"),
        Column("crps", "kpi"),
    ]
    rows = []
    for row in records(tables.rolling_origins):
        window = "all windows" if pd.isna(row["origin"]) else str(row["origin"])[:10]
        rows.append((f"{row['adstock']}|{row['degrees']} {window}", row))
    return table("rolling_origins", "errors of every spec by forecast window", columns, rows)


def _agreement(tables: ResultTables, labels: Mapping[str, str]) -> FactTable:
    columns = [
        Column(
            "verdict", "text", "agree, disagree_decision (what to do depends on the model), disagree_size, single_spec"
        ),
        Column("specs", "count", "models that predict about equally well"),
        Column("roi_champion", "ratio"),
        Column("roi_lowest", "ratio", "by one of these models"),
        Column("roi_highest", "ratio", "by one of these models"),
    ]
    rows = [(labels[row["channel"]], row) for row in records(tables.spec_agreement) if row["channel"] in labels]
    return table(
        "spec_agreement",
        "whether the decision on a channel depends on which of the equally accurate models is right",
        columns,
        rows,
        _self(rows),
    )


def _drift(tables: ResultTables, labels: Mapping[str, str]) -> FactTable:
    columns = [
        Column("verdict", "text", "why ROI changed: sampler_noise, within_uncertainty, data, new_channel, gone"),
        Column("recommendation", "text", "flip_unsupported: the advice reversed although the data does not support it"),
        Column("roi_before", "ratio", "by the champion of the refresh before"),
        Column("roi_now", "ratio"),
    ]
    rows = [(labels[row["channel"]], row) for row in records(tables.drift) if row["channel"] in labels]
    return table("drift", "what changed since the refresh before", columns, rows, _self(rows))


def _excluded(found: Findings) -> FactTable:
    rows = [(name, {"reason": reason}) for name, reason in found.excluded]
    about = "channels that the model leaves out, and why"
    return table("excluded_channels", about, [Column("reason", "text")], rows, _self(rows))


def _self(rows: Sequence[tuple[str, Mapping[str, Any]]]) -> dict[str, tuple[str, ...]]:
    """Rows that are about the channel they are named for."""
    return {key: (key,) for key, _ in rows}


def _mean(points: np.ndarray, density: np.ndarray) -> float | None:
    total = float(density.sum())
    return float((points * density).sum()) / total if total > 0 else None


def _text(value: object, limit: int) -> str | None:
    return clean(value, limit) if isinstance(value, str) and value else None
