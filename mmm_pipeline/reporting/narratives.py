"""The offline narratives: what an analyst would write about the tables, by template, in English or Korean."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mmm_pipeline.reporting.findings import NEGLIGIBLE_MOVE, ChannelFinding, Move, findings
from mmm_pipeline.reporting.formatting import Formatter
from mmm_pipeline.reporting.markdown import Markdown
from mmm_pipeline.reporting.names import clean
from mmm_pipeline.reporting.remarks import remarks
from mmm_pipeline.reporting.tables import Language, ResultTables, records
from mmm_pipeline.reporting.templating import render_block, render_markdown
from mmm_pipeline.reporting.wording import Wording, wording

__all__ = ["Narratives", "budget_report", "chart_report", "eda_report", "offline_narratives", "verdict"]

LISTED = 8
VERDICT_PARTS = ("headline", "trust", "channels", "budget")


@dataclass(frozen=True)
class Narratives:
    """Three texts in Markdown, by whoever wrote them.

    Attributes:
        eda: about the data.
        charts: about the channels and the model.
        budget: about the plan.
    """

    eda: str
    charts: str
    budget: str


def offline_narratives(tables: ResultTables, language: Language) -> Narratives:
    """All three narratives by template."""
    return Narratives(
        eda=eda_report(tables, language), charts=chart_report(tables, language), budget=budget_report(tables, language)
    )


def eda_report(tables: ResultTables, language: Language) -> Markdown:
    """What the data can carry: window, warnings of the profile, refused rows, channels left out."""
    return render_markdown(f"{language}/eda_report.md.j2", narrative_values(tables, language))


def chart_report(tables: ResultTables, language: Language) -> Markdown:
    """What each channel brings and how good the model is; first of all whether it beats a naive forecast."""
    return render_markdown(f"{language}/chart_report.md.j2", narrative_values(tables, language))


def budget_report(tables: ResultTables, language: Language) -> Markdown:
    """Whether to change the budget, how, and how sure that is."""
    return render_markdown(f"{language}/budget_report.md.j2", narrative_values(tables, language))


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
        "note": words("narrative.note"),
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
        "naive": words.get(f"naive.{found.best_naive['forecast']}", clean(found.best_naive["forecast"])),
        "horizon": int(budget["horizon_days"]),
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


def spec_words(words: Wording, row: Mapping[str, Any]) -> str:
    """A leaderboard row's spec in words."""
    adstock = str(row["adstock"])
    return words("chart_text.spec", adstock=words.get(f"adstock.{adstock}", clean(adstock)), degrees=row["degrees"])


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
