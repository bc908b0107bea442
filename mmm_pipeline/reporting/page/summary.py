"""`summary.json`: the machine-readable contract of a run (docs/summary.schema.json)."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from mmm_pipeline.reporting.findings.findings import findings
from mmm_pipeline.reporting.narratives.template import alarm_words
from mmm_pipeline.reporting.results.tables import ResultTables
from mmm_pipeline.reporting.text.formatting import Formatter
from mmm_pipeline.reporting.text.returns import language_words

__all__ = ["build_summary", "plausibility"]

_SPEC_COLUMNS = ("adstock", "degrees", "mape", "rhat_max", "ess_bulk_min", "ess_tail_min", "divergences", "seconds")
_FIT_COLUMNS = ("rhat_max", "ess_bulk_min", "ess_tail_min", "divergences", "draws")
_CHANNEL_COLUMNS = (
    *("channel", "spend", "contribution", "share", "roi", "roi_low", "roi_high", "marginal_roi"),
    *("cost_per_kpi", "cost_per_kpi_low", "cost_per_kpi_high"),
)
_BUDGET_COLUMNS = ("channel", "current_spend", "optimal_spend", "low", "high", "is_held")


def build_summary(tables: ResultTables) -> dict[str, Any]:
    """The summary of a run as plain JSON values; every figure is a cell of a stored table.

    Values that do not exist (the error of a spec that was never fitted) are null.
    """
    found = findings(tables)
    evidence = {name: channel.evidence for name, channel in zip(found.labels, found.channels, strict=True)}
    rests_on = {name: channel.rests_on for name, channel in zip(found.labels, found.channels, strict=True)}
    champion = tables.champion_fit.iloc[0].to_dict()
    budget = tables.budget_summary.iloc[0]
    return {
        "plausibility": plausibility(tables),
        "trust": found.trust,
        "kpi": {"name": found.kpi, "kind": "money" if found.returns.is_money else "count"},
        "settings": tables.settings.model_dump(mode="json"),
        "quick": tables.quick,
        "window": {
            "step": str(tables.window.step),
            "start": tables.window.start.isoformat(),
            "end": tables.window.end.isoformat(),
            "holdout_start": tables.window.holdout_start.isoformat(),
        },
        "rows": {
            "accepted": tables.rows.accepted,
            "rejected": tables.rows.rejected,
            "reasons": dict(tables.rows.reasons),
        },
        "excluded_channels": _records(tables.excluded_channels, ("channel", "reason")),
        "specs": [
            {
                **_record(row, _SPEC_COLUMNS),
                "converged": row["status"] == "converged",
                "status": row["status"],
                "reason": _plain(row["reason"]),
                "skill": _plain(row["skill"]),
            }
            for row in tables.leaderboard.to_dict("records")
        ],
        "naive_mape": {str(row["forecast"]): _plain(row["mape"]) for row in tables.naive_forecasts.to_dict("records")},
        "champion": {
            **_record(champion, ("adstock", "degrees", "reason", "passed_over", *_FIT_COLUMNS)),
            "converged": champion["status"] == "converged",
        },
        "channels": [
            {
                **_record(row, _CHANNEL_COLUMNS),
                "evidence": evidence[row["channel"]],
                "rests_on": rests_on[row["channel"]],
            }
            for row in tables.attribution.to_dict("records")
        ],
        "media": {
            **_record(tables.media_total.iloc[0].to_dict(), tuple(tables.media_total.columns)),
            "rests_on": found.media_rests_on,
        },
        "budget": {
            "total": _plain(budget["total"]),
            "horizon": _plain(budget["horizon"]),
            "step": str(budget["step"]),
            "channels": [
                {**_record(row, _BUDGET_COLUMNS), "evidence": evidence.get(row["channel"], "no_evidence")}
                for row in tables.budget_plan.to_dict("records")
            ],
            "verdict": found.plan_verdict,
            "gain_rests_on": found.gain_rests_on,
            "reallocation": _records(tables.reallocation, ("from_channel", "to_channel", "amount")),
            **{
                column: _plain(budget[column])
                for column in (
                    "objective",
                    "risk_measure",
                    "certificate",
                    "total_today",
                    "expected_kpi_today",
                    "expected_kpi_current",
                    "expected_kpi_optimal",
                    "optimality_gap",
                    "uplift",
                    "uplift_low",
                    "uplift_high",
                    "uplift_by_data",
                    "uplift_by_both",
                    "uplift_by_prior",
                    "probability_of_gain",
                    "no_plan",
                    "reason",
                )
            },
        },
    }


def plausibility(tables: ResultTables) -> dict[str, Any]:
    """Whether the results can be right, with evidence and English sentences: `verdict`, `headline`, `reasons`."""
    found, write = findings(tables), Formatter("en", tables.settings.report.currency)
    words = language_words(tables, write, found.kpi)
    sentences = alarm_words(found, words, write)
    return {
        "verdict": "implausible" if found.implausible else "plausible",
        "headline": words("implausible.headline") if found.implausible else "",
        "reasons": [
            {
                "code": reason.code,
                "text": text,
                "values": {name: _plain(value) for name, value in reason.values.items()},
            }
            for reason, text in zip(found.implausible, sentences, strict=True)
        ],
    }


def _records(table: pd.DataFrame, columns: tuple[str, ...]) -> list[dict[str, Any]]:
    return [_record(row, columns) for row in table.to_dict("records")]


def _record(row: dict[Any, Any], columns: tuple[str, ...]) -> dict[str, Any]:
    return {column: _plain(row[column]) for column in columns}


def _plain(value: Any) -> Any:
    """A JSON value: numpy scalars unwrapped, missing and non-finite numbers as null."""
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
