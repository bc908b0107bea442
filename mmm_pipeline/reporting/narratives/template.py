"""The offline narratives: what an analyst would write about the tables, by template, in English or Korean."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from mmm_pipeline.reporting.advice.proposals import Proposal
from mmm_pipeline.reporting.advice.rules import data_proposals, model_proposals
from mmm_pipeline.reporting.advice.values import advice_values, error_words, proposal_values, spec_words
from mmm_pipeline.reporting.findings.findings import NEGLIGIBLE_MOVE, ChannelFinding, Findings, Move, findings
from mmm_pipeline.reporting.gemini.faults import Reason
from mmm_pipeline.reporting.results.tables import Language, ResultTables, records
from mmm_pipeline.reporting.text.formatting import Formatter
from mmm_pipeline.reporting.text.markdown import Markdown
from mmm_pipeline.reporting.text.names import clean
from mmm_pipeline.reporting.text.remarks import remarks
from mmm_pipeline.reporting.text.templating import render_block, render_markdown
from mmm_pipeline.reporting.text.wording import Wording, wording

__all__ = [
    "Narratives",
    "budget_report",
    "chart_report",
    "eda_report",
    "model_advice",
    "offline_narrative",
    "offline_narratives",
    "proposals_section",
    "verdict",
]

NOT_CONFIGURED = Reason("not_configured")
LISTED = 8
VERDICT_PARTS = ("headline", "trust", "channels", "budget")


@dataclass(frozen=True)
class Narratives:
    """Four texts in Markdown, by whoever wrote them.

    Attributes:
        eda: about the data.
        charts: about the channels.
        budget: about the plan.
        advice: about the model.
    """

    eda: str
    charts: str
    budget: str
    advice: str = ""


def offline_narratives(tables: ResultTables, language: Language) -> Narratives:
    """All four narratives by template."""
    return Narratives(
        eda=eda_report(tables, language),
        charts=chart_report(tables, language),
        budget=budget_report(tables, language),
        advice=model_advice(tables, language),
    )


def offline_narrative(
    name: str, tables: ResultTables, language: Language, reason: Reason, proposals: Sequence[Proposal] = ()
) -> Markdown:
    """The narrative `name` by template.

    Args:
        name: of its asset, e.g. `eda_report`.
        tables: the results.
        language: of the text.
        reason: why no language model wrote it; told in the first line.
        proposals: changes of settings to be listed at the end.

    Raises:
        StoredResultError: a table has no rows, or there is no champion.
    """
    values = narrative_values(tables, language)
    words = values["words"]
    note = words("narrative.note", reason=words(f"narrative.reason.{reason.code}", detail=reason.detail))
    values |= {"note": note, **proposal_values(proposals, language)}
    if name == "model_advice":
        values |= advice_values(tables, values["found"], words, values["f"])
    return render_markdown(f"{language}/{name}.md.j2", values)


def eda_report(tables: ResultTables, language: Language) -> Markdown:
    """What the data can carry: window, warnings of the profile, refused rows, channels left out, what to clean."""
    return offline_narrative("eda_report", tables, language, NOT_CONFIGURED, data_proposals(tables))


def chart_report(tables: ResultTables, language: Language) -> Markdown:
    """What each channel brings and how good the model is; first of all whether it beats a naive forecast."""
    return offline_narrative("chart_report", tables, language, NOT_CONFIGURED)


def budget_report(tables: ResultTables, language: Language) -> Markdown:
    """Whether to change the budget, how, and how sure that is."""
    return offline_narrative("budget_report", tables, language, NOT_CONFIGURED)


def model_advice(tables: ResultTables, language: Language) -> Markdown:
    """Which spec won and what that means, what the data cannot tell, where to test, what to change."""
    return offline_narrative("model_advice", tables, language, NOT_CONFIGURED, model_proposals(tables))


def proposals_section(proposals: Sequence[Proposal], language: Language) -> Markdown:
    """The suggested changes as a section; empty when there are none."""
    return (
        render_markdown(f"{language}/proposals.md.j2", proposal_values(proposals, language))
        if proposals
        else Markdown()
    )


def verdict(tables: ResultTables, language: Language) -> dict[str, Markdown]:
    """The short answers that open a report: headline, trust, channels, budget. Always by template."""
    values = narrative_values(tables, language)
    return {part: render_block(f"{language}/verdict.md.j2", part, values) for part in VERDICT_PARTS}


def narrative_values(tables: ResultTables, language: Language) -> dict[str, Any]:
    """Everything the templates mention; they format, but they do not compute.

    Raises:
        StoredResultError: a table has no rows, or there is no champion.
    """
    found = findings(tables)
    words = wording(language)
    write = Formatter(language, tables.settings.report.currency)
    said = remarks(tables.eda_profile, words, write)
    budget = found.budget
    spend = sum(float(channel.row["spend"]) for channel in found.channels)
    unknown = [channel for channel in found.channels if not channel.has_evidence]
    rows = tables.rows
    rejected = rows.rejected + rows.accepted
    return {
        "words": words,
        "f": write,
        "found": found,
        "quick": tables.quick,
        "doubtful": found.trust in ("none", "low"),
        "kpi": found.kpi,
        "interval": write.percent(tables.settings.report.credible_interval),
        "window": tables.window,
        "rows": rows,
        "rejected_share": rows.rejected / rejected if rejected else 0.0,
        "reasons": [(rejection_words(words, reason), count) for reason, count in rows.reasons.items()],
        "champion": spec_words(words, found.champion),
        "champion_error": error_words(tables, write, found.champion),
        "naive_error": error_words(tables, write, found.best_naive),
        "disputed": list(found.disputed),
        "naive": words.get(f"naive.{found.best_naive['forecast']}", clean(found.best_naive["forecast"])),
        "horizon": int(budget["horizon_days"]),
        "asked": asked_words(tables, found, words, write),
        "at_plan_total": budget["objective"] != "most_kpi",
        "after_horizon": tables.settings.budget.count_after_horizon,
        "moved": float(tables.budget_plan["change"].abs().sum()) / 2,
        "uplift": ("+" if float(budget["uplift"]) > 0 else "") + write.compact(budget["uplift"]),
        "uplift_span": write.span(write.compact(budget["uplift_low"]), write.compact(budget["uplift_high"])),
        "paying": found.with_evidence("pays_back"),
        "losing": found.with_evidence("below_spend"),
        "unclear": found.with_evidence("unclear"),
        "unknown": found.with_evidence("no_evidence"),
        "shown": LISTED,
        "unknown_spend_share": sum(float(c.row["spend"]) for c in unknown) / spend if spend else 0.0,
        "paying_rows": _judged(found.channels, "pays_back"),
        "losing_rows": _judged(found.channels, "below_spend"),
        "unclear_rows": _judged(found.channels, "unclear"),
        "unknown_rows": _judged(found.channels, "no_evidence"),
        "unusable": [
            (
                spec_words(words, row),
                words.get(f"status.{row['status']}", str(row["status"])),
                clean(row["reason"], limit=300) if isinstance(row["reason"], str) else "",
            )
            for row in records(found.unusable_specs)
        ],
        "span": lambda row, quantity, form: _span(write, row, quantity, form),
        "increases": [move.label for move in found.increases],
        "decreases": [move.label for move in found.decreases],
        "beyond": [move.label for move in found.moves if move.beyond_data],
        "moved_blind": [move.label for move in found.moves if not move.has_evidence],
        "at_limit": [move.label for move in found.moves if move.at_bound],
        "locked": [
            found.labels.get(row["channel"], clean(row["channel"]))
            for row in records(tables.budget_plan)
            if row["is_locked"]
        ],
        "negligible": NEGLIGIBLE_MOVE,
        "remarks_on": lambda move: mind_words(words, move),
        "profiled": bool(tables.eda_profile),
        "warnings": [remark.text for remark in said if remark.severity == "warning"],
        "infos": [remark.text for remark in said if remark.severity == "info"],
    }


def asked_words(tables: ResultTables, found: Findings, words: Wording, write: Formatter) -> str:
    """What the plan was asked for, in a sentence or two; empty for the most KPI at a total, which needs no words."""
    budget, settings = found.budget, tables.settings.budget
    objective, measure = str(budget["objective"]), str(budget["risk_measure"])
    said = []
    if pd.Timestamp(budget["basis_end"]).date() < tables.window.end:
        said.append(words("basis", date=write.date(budget["basis_end"]), days=int(budget["horizon_days"])))
    if objective != "most_kpi":
        target = settings.target_kpi if objective == "smallest_total" else settings.target_marginal_roi
        said.append(
            words(
                f"asked.{objective}",
                kpi=found.kpi,
                target=write.number(target) if objective == "smallest_total" else write.figure(target),
                total=write.money(budget["total"]),
                today=write.money(budget["total_today"]),
                days=int(budget["horizon_days"]),
            )
        )
    if measure != "mean":
        figure = words(
            f"asked.measure.{measure}",
            kpi=found.kpi,
            kappa=write.figure(settings.risk.kappa),
            share=write.percent(settings.risk.probability),
        )
        before, after = (write.number(budget[f"risk_value_{which}"]) for which in ("current", "optimal"))
        said.append(words("asked.risk", kpi=found.kpi, measure=figure, before=before, after=after))
    return " ".join(said)


def rejection_words(words: Wording, reason: str) -> str:
    """A rejection's code in words."""
    return words.get(f"rejection.{reason}", clean(reason.replace("_", " ")))


def _judged(channels: tuple[ChannelFinding, ...], evidence: str) -> list[ChannelFinding]:
    """The largest contributors judged so; a list of forty is not read."""
    return [channel for channel in channels if channel.evidence == evidence][:LISTED]


def _span(write: Formatter, row: Mapping[str, Any], quantity: str, form: Callable[[Any], str]) -> str:
    return write.span(form(row[f"{quantity}_low"]), form(row[f"{quantity}_high"]))


def mind_words(words: Wording, move: Move) -> str:
    """What to mind about one move, in a few words."""
    notes = []
    if move.at_bound:
        notes.append(words(f"mind.at_{move.at_bound}"))
    if move.beyond_data:
        notes.append(words("mind.beyond_data"))
    if not move.has_evidence:
        notes.append(words("mind.no_evidence"))
    return ", ".join(notes)
