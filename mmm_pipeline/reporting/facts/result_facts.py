"""From the tables of a run to the facts of its narratives, under the names that a reader (or a model) is shown."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mmm_pipeline.reporting.advice.changes import CHANGEABLE
from mmm_pipeline.reporting.facts.profile_facts import profile_tables
from mmm_pipeline.reporting.facts.table_facts import stored_tables
from mmm_pipeline.reporting.findings.findings import CLEAR_PROBABILITY, NEGLIGIBLE_MOVE, Findings, findings
from mmm_pipeline.reporting.grounding.facts import Column, Facts, FactTable, single, table
from mmm_pipeline.reporting.results.tables import ResultTables, records
from mmm_pipeline.reporting.text.names import clean
from mmm_pipeline.reporting.text.returns import stated
from mmm_pipeline.settings.pipeline import Settings

__all__ = ["result_facts"]


def result_facts(tables: ResultTables, *, with_settings: bool = False) -> Facts:
    """Every fact that a narrative may use; the values of changeable settings only where they are wanted.

    Raises:
        StoredResultError: a table has no rows, or there is no champion.
    """
    tables = stated(tables)
    found = findings(tables)
    shown = {**{row["channel"]: clean(row["channel"]) for row in records(tables.excluded_channels)}, **found.labels}
    made = [
        _window(tables),
        _run(tables, found),
        _definitions(tables, found),
        _implausible(found),
        _counts(tables, found),
        *stored_tables(tables, found),
        *profile_tables(tables, shown),
        *([_settings(tables.settings)] if with_settings else []),
    ]
    values = [str(part["value"]) for part in tables.eda_profile.get("breakdown", ()) if part["value"]]
    profiled = [str(row["channel"]) for row in tables.eda_profile.get("channels", ())]
    names = [
        *found.labels.values(),
        *shown.values(),
        *(shown.get(name, clean(name)) for name in profiled),
        found.kpi,
        *map(clean, values),
    ]
    return Facts({made_table.name: made_table for made_table in made if made_table.rows}, tuple(dict.fromkeys(names)))


def _window(tables: ResultTables) -> FactTable:
    window, rows = tables.window, tables.rows
    seen = rows.accepted + rows.rejected
    return single(
        "data",
        "the periods and rows of the campaign table",
        [
            Column("start", "date", "first day"),
            Column("end", "date", "last day"),
            Column("holdout_start", "date", "first day kept from the fit, to score it"),
            Column("step", "text", "what a period is: day, week or month"),
            Column("periods", "count"),
            Column("train_periods", "count"),
            Column("holdout_periods", "count"),
            Column("scored_periods", "count", "periods that no model saw, over all forecast windows"),
            Column("rows_used", "count"),
            Column("rows_refused", "count"),
            Column("refused_share", "share"),
        ],
        {
            "start": window.start,
            "end": window.end,
            "holdout_start": window.holdout_start,
            "step": str(window.step),
            "periods": window.periods,
            "train_periods": window.train_periods,
            "holdout_periods": window.holdout_periods,
            "scored_periods": window.holdout_periods * max(1, tables.rolling_origins["origin"].nunique()),
            "rows_used": rows.accepted,
            "rows_refused": rows.rejected,
            "refused_share": rows.rejected / seen if seen else 0.0,
        },
    )


def _run(tables: ResultTables, found: Findings) -> FactTable:
    spend = float(tables.attribution["spend"].sum())
    unknown = sum(float(channel.row["spend"]) for channel in found.channels if not channel.has_evidence)
    fitted = float(tables.contribution_over_time["mean"].sum())
    media = float(tables.attribution["contribution"].sum())
    plan = tables.budget_plan
    planned, held = float(plan["optimal_spend"].sum()), float(plan.loc[plan["is_held"], "optimal_spend"].sum())
    return single(
        "run",
        "judgements on the run as a whole",
        [
            Column("trust", "text", "how far the numbers carry a decision: none, low, fair, good"),
            Column("quick", "text", "true: too few draws to decide on"),
            Column("champion_converged", "text", "false: the figures may change with every run"),
            Column("champion", "text", "the winning spec: adstock and seasonality degrees"),
            Column("champion_beats_naive", "text", "whether it predicts better than the best forecast without a model"),
            Column("any_spec_beats_naive", "text"),
            Column("best_naive_forecast", "text"),
            Column("kpi", "text", "what is explained, e.g. sales"),
            Column("kpi_kind", "text", "money; or count: nothing may be compared with a return of 1 or break-even"),
            Column("returns_per", "money", "amount of spend that every roi and marginal_roi is stated for"),
            Column("currency", "text"),
            Column("media_share", "share", "share of the KPI that media caused, best estimate"),
            Column("media_rests_on", "text", "where that share comes from: data, both, or prior"),
            Column("baseline_share", "share"),
            Column("media_share_low", "share"),
            Column("media_share_high", "share"),
            Column("media_contribution", "kpi", "KPI that media caused over the window"),
            Column("fitted_kpi", "kpi", "all KPI of the window, as fitted"),
            Column("spend", "money", "over the window, all channels"),
            Column("roi_of_all_media", "ratio"),
            Column("spend_without_evidence", "money", "spend on channels for which the data cannot tell"),
            Column("spend_share_without_evidence", "share"),
            Column("spend_held", "money", "plan's spend on channels that it leaves as they are for want of evidence"),
            Column("spend_share_held", "share"),
            Column("moved", "money", "spend that changes place in the plan"),
        ],
        {
            "trust": found.trust,
            "quick": tables.quick,
            "champion_converged": found.champion_converged,
            "champion": f"{found.champion['adstock']}, degrees {found.champion['degrees']}",
            "champion_beats_naive": found.beats_naive,
            "any_spec_beats_naive": found.any_beats_naive,
            "best_naive_forecast": str(found.best_naive["forecast"]),
            "kpi": found.kpi,
            "kpi_kind": "money" if found.returns.is_money else "count",
            "returns_per": found.returns.per,
            "currency": clean(tables.settings.report.currency),
            "media_share": found.media_share,
            "media_rests_on": found.media_rests_on,
            "baseline_share": 1 - found.media_share,
            "media_share_low": found.media_total["share_low"],
            "media_share_high": found.media_total["share_high"],
            "media_contribution": media,
            "fitted_kpi": fitted,
            "spend": spend,
            "roi_of_all_media": found.returns.per * media / spend if spend else None,
            "spend_without_evidence": unknown,
            "spend_share_without_evidence": unknown / spend if spend else 0.0,
            "spend_held": held,
            "spend_share_held": held / planned if planned else 0.0,
            "moved": float(tables.budget_plan["change"].abs().sum()) / 2,
        },
    )


def _definitions(tables: ResultTables, found: Findings) -> FactTable:
    settings, risk = tables.settings, tables.settings.budget.risk
    return single(
        "definitions",
        "constants: thresholds, bounds and what intervals cover",
        [
            Column("break_even_roi", "ratio", "ROI at which the spend came back; empty: the KPI is no money"),
            Column("credible_interval", "share", "probability that every _low.._high interval covers"),
            Column("clear_probability", "share", "at least this probability is called clear"),
            Column("should_be_inside_50", "share", "share of periods that should lie inside the 50% band"),
            Column("should_be_inside_90", "share", "share of periods that should lie inside the 90% band"),
            Column("negligible_move", "share", "changes below this share of the budget are not listed"),
            Column("least_optimality_gap", "share", "smaller gaps are rounded up to this"),
            Column("lower_bound", "ratio", "of every channel, times its current spend"),
            Column("upper_bound", "ratio", "of every channel, times its current spend"),
            Column("target_kpi", "kpi", "media KPI that the plan was asked to reach; empty: a total was given"),
            Column("target_marginal_roi", "ratio", "what the next unit of spend must bring; empty: not asked for"),
            Column("risk_kappa", "ratio", "standard deviations taken off, where risk_measure is mean_minus_sd"),
            Column("risk_probability", "share", "share of the worst outcomes, where a tail or quantile is asked"),
            Column("rhat_max", "ratio", "largest R-hat of a converged fit"),
            Column("ess_min", "count", "smallest effective sample size of a converged fit"),
            Column("whole", "share", "all of it"),
        ],
        {
            "break_even_roi": 1 if found.returns.is_money else None,
            "credible_interval": settings.report.credible_interval,
            "clear_probability": CLEAR_PROBABILITY,
            "should_be_inside_50": 0.5,
            "should_be_inside_90": 0.9,
            "negligible_move": NEGLIGIBLE_MOVE,
            "least_optimality_gap": 0.0001,
            "lower_bound": settings.budget.lower,
            "upper_bound": settings.budget.upper,
            "target_kpi": settings.budget.target_kpi,
            "target_marginal_roi": found.returns.per * settings.budget.target_marginal_roi
            if settings.budget.target_marginal_roi
            else None,
            "risk_kappa": risk.kappa if risk.measure == "mean_minus_sd" else None,
            "risk_probability": risk.probability if risk.measure in ("lower_tail_mean", "quantile") else None,
            "rhat_max": settings.convergence.rhat_max,
            "ess_min": settings.convergence.ess_min,
            "whole": 1.0,
        },
    )


def _implausible(found: Findings) -> FactTable:
    columns = [
        Column("share", "share", "of the KPI that media would have caused"),
        Column("share_low", "share"),
        Column("share_high", "share"),
        Column("probability_above_kpi", "share", "that media would have caused more than all of the KPI"),
        Column("periods_below_zero", "count", "periods whose expected baseline is below zero"),
        Column("periods", "count"),
        Column("gain_per_period", "kpi", "that the plan promises"),
        Column("kpi_low", "kpi", "nine of ten periods of the KPI lie between this and kpi_high"),
        Column("kpi_high", "kpi"),
    ]
    rows = [(reason.code, reason.values) for reason in found.implausible]
    return table("implausible", "why the results cannot be right: say so before anything else", columns, rows)


def _counts(tables: ResultTables, found: Findings) -> FactTable:
    counts = {
        "channels": len(found.channels),
        "excluded_channels": len(found.excluded),
        "channels_paying_back": len(found.with_evidence("pays_back")),
        "channels_below_spend": len(found.with_evidence("below_spend")),
        "channels_measured": len(found.with_evidence("measured")),
        "channels_implausible": len(found.with_evidence("implausible")),
        "channels_unclear": len(found.with_evidence("unclear")),
        "channels_without_evidence": len(found.with_evidence("no_evidence")),
        "specs": len(tables.leaderboard),
        "specs_that_cannot_win": len(found.unusable_specs),
        "specs_not_converged": int((tables.leaderboard["status"] == "not_converged").sum()),
        "disputed_channels": len(found.disputed),
        "locked_channels": int(tables.budget_plan["is_locked"].sum()),
        "held_channels": len(found.held),
        "moves": len(found.moves),
        "moves_beyond_data": sum(move.beyond_data for move in found.moves),
        "moves_without_evidence": sum(not move.has_evidence for move in found.moves),
        "moves_at_a_bound": sum(bool(move.at_bound) for move in found.moves),
        "increases": len(found.increases),
        "decreases": len(found.decreases),
        "warnings": sum(finding["severity"] == "warning" for finding in tables.eda_profile.get("findings", ())),
        "unusual_kpi_days": len(tables.eda_profile.get("kpi", {}).get("outliers", ())),
        **_remarked(tables.eda_profile),
    }
    return single("counts", "how many there are", [Column(name, "count") for name in counts], counts)


def _remarked(profile: Mapping[str, Any]) -> dict[str, int]:
    """How many channels or pairs of channels there is the same remark about."""
    codes = [str(finding["code"]) for finding in profile.get("findings", ()) if finding.get("channel")]
    return {f"remarked_{clean(code)}": codes.count(code) for code in dict.fromkeys(codes)}


def _settings(settings: Settings) -> FactTable:
    content = settings.model_dump(mode="json")
    rows = []
    for key in CHANGEABLE:
        section, name = key.split(".")
        value = content[section][name]
        rows.append(
            (key, {"value": value if isinstance(value, int | float) else json.dumps(value, ensure_ascii=False)})
        )
    about = "values in force of everything that may be changed"
    return table("settings", about, [Column("value", "ratio", "as in pipeline.yaml")], rows)
