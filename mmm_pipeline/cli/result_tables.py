"""What commands print of their results: tables and warnings."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from rich.markup import escape
from rich.table import Table

from mmm_pipeline.ingestion.landing.landing import LandingSummary
from mmm_pipeline.mmm.data.time_grid import Step
from mmm_pipeline.reporting.text.formatting import Formatter

if TYPE_CHECKING:
    import pandas as pd

    from mmm_pipeline.operations.backtest import BacktestResult
    from mmm_pipeline.operations.scenario import Scenario


__all__ = [
    "backtest_tables",
    "budget_table",
    "check_summary",
    "engine_table",
    "landing_summary",
    "leaderboard_table",
    "plausibility_warning",
    "scenario_table",
]

_FIGURES = Formatter("en", "")
_ENGINE_FIGURES = {
    "mape": ".1%",
    "coverage": ".0%",
    "rank_correlation": ".2f",
    "rhat_max": ".3f",
    "ess_roi_min": ".0f",
    "ess_roi_per_second": ".1f",
    "seconds": ".0f",
}


_NOT_TO_ACT_ON = {
    "implausible": "do not act on this plan, its results are not plausible: ",
    "not_converged": "do not act on this plan yet, the fit did not converge: ",
    "unproven": "do not act on this plan, its gain comes from what was assumed beforehand: ",
}
_HELD = " (held: no evidence)"


def plausibility_warning(summary: Mapping[str, Any]) -> list[str]:
    """What has to be read before any table: why the results cannot be right; nothing where nothing speaks against."""
    found = summary.get("plausibility") or {}
    if found.get("verdict") != "implausible":
        return []
    return [
        f"[bold red]{escape(found['headline'])}[/bold red]",
        *(f"[red]![/red] {escape(reason['text'])}" for reason in found["reasons"]),
    ]


def leaderboard_table(summary: Mapping[str, Any]) -> Table:
    """Specs, best first, with the naive forecasts they have to beat."""
    table = Table(title="Leaderboard (holdout)", title_justify="left")
    table.add_column("spec", no_wrap=True)
    for column in ("MAPE", "R-hat", "ESS", "tail", "div.", "s"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("converged", no_wrap=True)
    champion = summary["champion"] or {}
    for spec in summary["specs"]:
        wins = (spec["adstock"], spec["degrees"]) == (champion.get("adstock"), champion.get("degrees"))
        table.add_row(
            f"{spec['adstock']} | {spec['degrees']}" + (" ★" if wins else ""),
            _percent(spec["mape"]),
            _number(spec["rhat_max"], 3),
            _number(spec["ess_bulk_min"], 0),
            _number(spec["ess_tail_min"], 0),
            _number(spec["divergences"], 0),
            _number(spec["seconds"], 0),
            "yes" if spec["converged"] else "NO",
            style="bold" if wins else None,
        )
    naive = ", ".join(f"{name} {_percent(value)}" for name, value in summary["naive_mape"].items())
    table.caption = f"naive forecasts: {naive}"
    return table


def budget_table(summary: Mapping[str, Any]) -> Table:
    """Current and optimal spend per channel."""
    budget = summary["budget"]
    currency = escape(summary["settings"]["report"]["currency"])
    planned = budget["verdict"] != "no_plan"
    title = f"{_money(budget['total'])} {currency} over {_periods(budget)}"
    table = Table(title=f"Budget: {title}" if planned else f"No budget plan; today: {title}", title_justify="left")
    for column in ("channel", "current", "optimal", "change"):
        table.add_column(column, justify="left" if column == "channel" else "right")
    for row in budget["channels"]:
        change = row["optimal_spend"] - row["current_spend"]
        table.add_row(
            escape(row["channel"])
            + (_HELD if row["is_held"] else _blind(planned and change != 0 and row.get("evidence") == "no_evidence")),
            _money(row["current_spend"]),
            _money(row["optimal_spend"]) if planned else "–",
            _money(change, "+") if planned else "–",
        )
    table.caption = (
        escape(budget["reason"] or "")
        if not planned
        else (
            _NOT_TO_ACT_ON.get(budget["verdict"], "")
            + f"expected media KPI {_kpi(budget['expected_kpi_current'])} → {_kpi(budget['expected_kpi_optimal'])}; "
            f"optimality gap {_gap(budget['optimality_gap'])}"
        )
    )
    return table


def scenario_table(scenario: Scenario, currency: str, credible_interval: float) -> Table:
    """What `mmm scenario` found: spend per channel today and in the scenario, and what that promises."""
    summary = scenario.summary
    table = Table(
        title=f"Scenario {scenario.name}: {_money(summary['total'])} {escape(currency)} over "
        f"{_periods(summary)} (today {_money(summary['total_today'])})",
        title_justify="left",
    )
    for column in ("channel", "today", "scenario", "change", "marginal ROI in today's mix", "in the scenario"):
        table.add_column(column, justify="left" if column == "channel" else "right")
    for row in scenario.table.to_dict("records"):
        table.add_row(
            escape(row["channel"])
            + (
                " (locked)"
                if row["is_locked"]
                else _HELD
                if row["is_held"]
                else _blind(row["change"] != 0 and not row["has_evidence"])
            ),
            _money(row["today_spend"]),
            _money(row["optimal_spend"]),
            _money(row["change"], "+"),
            f"{row['marginal_roi_current']:,.3g}",
            f"{row['marginal_roi_optimal']:,.3g}",
        )
    verdict = "do not act on it" if scenario.implausible else str(summary["verdict"]).replace("_", " ")
    table.caption = (
        f"expected media KPI {_kpi(summary['expected_kpi_today'])} today → {_kpi(summary['expected_kpi_optimal'])}; "
        f"against the same money in today's mix {'+' if summary['uplift'] > 0 else ''}{_kpi(summary['uplift'])} "
        f"({credible_interval:.0%} interval {_kpi(summary['uplift_low'])} to {_kpi(summary['uplift_high'])}, "
        f"probability of a gain {summary['probability_of_gain']:.0%}): {verdict}; "
        f"optimality gap {_gap(_known(summary['optimality_gap']))}"
    ) + "".join(f"\n{escape(note)}" for note in scenario.notes)
    return table


def backtest_tables(finished: BacktestResult) -> tuple[Table, Table]:
    """What `mmm backtest` found: the forecasts by date, and how steady ROI and advice were."""
    summary = finished.summary
    ahead = Table(title=f"Forecasts of up to {_periods(summary)} ahead", title_justify="left")
    steady = Table(title="Steadiness, against the date before", title_justify="left")
    for table, columns in (
        (ahead, ("as of", "champion", Step(summary["step"]).plural, "WAPE", "naive", "skill", "in 90 %")),
        (steady, ("as of", "ROI moved", "outside", "turned", "no cause", "promised", "hindsight")),
    ):
        for column in columns:
            table.add_column(column, justify="left" if column in ("as of", "champion") else "right", no_wrap=True)
    notes = []
    for row in finished.table.to_dict("records"):
        date = f"{row['as_of']:%Y-%m-%d}"
        if row["status"] != "scored":
            ahead.add_row(date, "[red]failed[/red]")
            notes.append(f"{date}: {row['note']}")
            continue
        errors = (_percent(_known(float(row[name]))) for name in ("wape", "naive_wape"))
        skill = _number(_known(float(row["skill"])), 2)
        ahead.add_row(date, escape(row["spec"]), str(row["periods"]), *errors, skill, _percent(row["coverage_90"]))
        moved = _known(float(row["roi_change"]))
        counts = [str(row[name]) if row["channels"] else "–" for name in ("roi_outside", "flips", "flips_unsupported")]
        gains = (_kpi(float(row[name])) for name in ("uplift_promised", "uplift_in_hindsight"))
        steady.add_row(date, _percent(moved), *counts, *gains)
    ahead.caption = escape(
        "\n".join(
            [
                f"together: MAPE {summary['mape']:.1%}, WAPE {summary['wape']:.1%} (best naive forecast "
                f"{summary['naive_wape']:.1%}), skill {summary['skill']:.2f}, better on {summary['beaten']} of "
                f"{summary['scored']} date(s); {summary['coverage_90']:.0%} of the {Step(summary['step']).plural} "
                "inside the 90 % interval",
                *notes,
            ]
        )
    )
    steady.caption = (
        "outside: channels whose ROI left the interval of the date before; turned: whose advice reversed, "
        f"{summary['flips']} of {summary['compared']} in all; no cause: without the data or today's spend saying so; "
        "promised: gain of the plan when it was made; hindsight: as the last date's champion sees it"
    )
    return ahead, steady


def _blind(is_blind: bool) -> str:
    """What stands beside a channel that money moves to or from although the data cannot tell what it brings."""
    return " (no evidence)" if is_blind else ""


def _periods(plan: Mapping[str, Any]) -> str:
    return Step(plan["step"]).counted(int(plan["horizon"]))


def check_summary(report: Mapping[str, Any]) -> Table:
    """What `mmm check` found."""
    table = Table(show_header=False, title="Campaign data", title_justify="left")
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    window, rows, source = report["window"], report["rows"], report["source"]
    table.add_row("read from", escape(source["name"]))
    if source["sheets"]:
        what = "sheet" if len(source["sheets"]) == 1 else f"sheets ({len(source['sheets'])})"
        table.add_row(what, escape(", ".join(source["sheets"])))
    for note in source["reading"]:
        table.add_row("reading", escape(note))
    table.add_row("step", window["step"])
    table.add_row("window", f"{window['start']} to {window['end']}, holdout from {window['holdout_start']}")
    table.add_row("rows accepted", f"{rows['accepted']:,}")
    table.add_row("rows rejected", f"{rows['rejected']:,}")
    for reason, count in rows["reasons"].items():
        table.add_row("", f"{count:,} {escape(reason)}")
    table.add_row(f"channels ({len(report['channels'])})", escape(", ".join(report["channels"])))
    totals = report["totals"]
    columns = (f"{role}: {header}" for role, header in report["columns"].items())
    table.add_row("columns", escape(", ".join(columns)))
    table.add_row("sums of all rows", f"KPI {totals['kpi']:,.2f}")
    for row in totals["channels"]:
        table.add_row("", f"{escape(row['channel'])}: media {row['media']:,.2f}, spend {row['spend']:,.2f}")
    excluded = report["excluded_channels"]
    text = "\n".join(f"{row['channel']}: {row['reason']}" for row in excluded) or "none"
    table.add_row(f"excluded ({len(excluded)})", escape(text))
    for warning in report["warnings"]:
        table.add_row("note", escape(warning))
    return table


def landing_summary(done: LandingSummary) -> Table:
    """What `mmm load` did."""
    table = Table(show_header=False, title="Loaded", title_justify="left")
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    table.add_row("from", escape(done.file))
    if done.sheets:
        table.add_row("sheet" if len(done.sheets) == 1 else "sheets", escape(", ".join(done.sheets)))
    for note in done.notes:
        table.add_row("reading", escape(note))
    table.add_row("into", escape(done.table))
    table.add_row("key", escape(", ".join(done.key)))
    for what, count in (("new", done.inserted), ("replaced", done.replaced), ("removed", done.removed)):
        table.add_row(f"rows {what}", f"{count:,}")
    table.add_row("rows refused", f"{sum(done.refused.values()):,}")
    for reason, count in done.refused.items():
        table.add_row("", f"{count:,} {escape(reason)}")
    for warning in done.warnings:
        table.add_row("note", escape(warning))
    for job in done.jobs:
        table.add_row("job", escape(f"{job.job_id} ({job.purpose}, {job.bytes_processed:,} bytes): {job.console_url}"))
    return table


def _money(value: float, sign: Literal["", "+"] = "") -> str:
    """With cents, and with five significant digits where cents would not show the amount."""
    return f"{value:{sign},.2f}" if value == 0 or abs(value) >= 0.1 else f"{value:{sign}.5g}"


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _gap(value: float | None) -> str:
    return "unknown (no certificate)" if value is None else f"{value:.3%}"


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:,.{digits}f}"


def _kpi(value: float) -> str:
    """An amount of KPI, whatever its unit: never 0 where it is not."""
    return _FIGURES.kpi(value)


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def engine_table(scores: pd.DataFrame) -> Table:
    """The table `engine_scores` in short: errors on the same holdout, agreement with ours, cost."""
    table = Table(title="Engines (holdout; rank correlation and effective draws of ROI)", title_justify="left")
    table.add_column("engine")
    for column in ("MAPE", "inside", "rank", "R-hat", "ESS", "ESS/s", "s"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("status", no_wrap=True)
    for row in scores.to_dict("records"):
        table.add_row(
            escape(f"{row['title']} {row['model']}"),
            *(_or_dash(row[column], form) for column, form in _ENGINE_FIGURES.items()),
            row["status"],
        )
    return table


def _or_dash(value: Any, form: str) -> str:
    return "-" if value is None or math.isnan(value) else format(float(value), form)
