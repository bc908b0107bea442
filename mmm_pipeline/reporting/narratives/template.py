"""The offline narratives: what an analyst would write about the tables, by template, in English or Korean."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from mmm_pipeline.mmm.evaluation.plausibility import Implausible
from mmm_pipeline.mmm.reasons import read_reasons
from mmm_pipeline.reporting.advice.proposals import Proposal
from mmm_pipeline.reporting.advice.rules import data_proposals, model_proposals
from mmm_pipeline.reporting.advice.values import advice_values, error_words, proposal_values, spec_words
from mmm_pipeline.reporting.findings.findings import NEGLIGIBLE_MOVE, ChannelFinding, Findings, Move, findings
from mmm_pipeline.reporting.gemini.faults import Reason
from mmm_pipeline.reporting.narratives.today import unlike_the_mean
from mmm_pipeline.reporting.results.tables import Language, ResultTables, records
from mmm_pipeline.reporting.text.formatting import Formatter
from mmm_pipeline.reporting.text.markdown import Markdown
from mmm_pipeline.reporting.text.names import clean
from mmm_pipeline.reporting.text.remarks import remarks
from mmm_pipeline.reporting.text.returns import language_words, stated
from mmm_pipeline.reporting.text.templating import render_block, render_markdown
from mmm_pipeline.reporting.text.wording import Wording

__all__ = [
    "Narratives",
    "alarm_words",
    "budget_report",
    "chart_report",
    "eda_report",
    "implausible_words",
    "model_advice",
    "offline_narrative",
    "offline_narratives",
    "proposals_section",
    "reason_words",
    "verdict",
    "warning_section",
]

NOT_CONFIGURED = Reason("not_configured")
_NOBODY_ELSE = frozenset({"not_configured", "no_key", "off"})
"""Reasons for a template's text that are no news: nobody else was asked to write."""
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
        reason: why no language model wrote it; told in the first line where one was to write it.
        proposals: changes of settings to be listed at the end.

    Raises:
        StoredResultError: a table has no rows, or there is no champion.
    """
    values = narrative_values(tables, language)
    words = values["words"]
    why = words(f"narrative.reason.{reason.code}", detail=reason.detail)
    note = "" if reason.code in _NOBODY_ELSE else words("narrative.note", reason=why)
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


def warning_section(tables: ResultTables, language: Language) -> Markdown:
    """Why the results cannot be right, to stand before all else; empty when nothing speaks against them."""
    values = narrative_values(tables, language)
    return render_markdown(f"{language}/alarm.md.j2", values) if values["alarms"] else Markdown()


def verdict(tables: ResultTables, language: Language) -> dict[str, Markdown]:
    """The short answers that open a report: headline, trust, channels, budget. Always by template."""
    values = narrative_values(tables, language)
    return {part: render_block(f"{language}/verdict.md.j2", part, values) for part in VERDICT_PARTS}


def narrative_values(tables: ResultTables, language: Language) -> dict[str, Any]:
    """Everything the templates mention; they format, but they do not compute.

    Raises:
        StoredResultError: a table has no rows, or there is no champion.
    """
    tables = stated(tables)
    found = findings(tables)
    write = Formatter(language, tables.settings.report.currency)
    words = language_words(tables, write, found.kpi)
    said = remarks(tables.eda_profile, words, write)
    budget = found.budget
    spend = sum(float(channel.row["spend"]) for channel in found.channels)
    unknown = [channel for channel in found.channels if not channel.has_evidence]
    rows = tables.rows
    rejected = rows.rejected + rows.accepted
    return {
        "words": words,
        "f": write,
        "alarms": alarm_words(found, words, write),
        "not_converged": "" if found.champion_converged else words("not_converged"),
        "per": write.money(found.returns.per),
        "roi_name": words("term.roi"),
        "marginal_name": words("term.marginal_roi"),
        "best": _best(found),
        "gain_rests": _gain_rests(found, words, write),
        "held": list(found.held),
        "held_spend": _held_share(tables),
        "gain": words(
            "gain.amount", amount=(write.compact_money if found.returns.is_money else write.compact)(budget["uplift"])
        ),
        "gain_share": write.signed_percent(found.gain_share, 1),
        "found": found,
        "quick": tables.quick,
        "uncertain": found.trust in ("none", "low"),
        "kpi": found.kpi,
        "money": found.returns.is_money,
        "interval": write.percent(tables.settings.report.credible_interval),
        "window": tables.window,
        "rows": rows,
        "rejected_share": rows.rejected / rejected if rejected else 0.0,
        "excluded": [(clean(row["channel"]), reason_words(words, row)) for row in records(tables.excluded_channels)],
        "reasons": [(rejection_words(words, reason), count) for reason, count in rows.reasons.items()],
        "champion": spec_words(words, found.champion),
        "champion_error": error_words(tables, write, found.champion),
        "naive_error": error_words(tables, write, found.best_naive),
        "and_controls": _and_controls(tables, words, write),
        "disputed": list(found.disputed),
        "naive": words.get(f"naive.{found.best_naive['forecast']}", clean(found.best_naive["forecast"])),
        "horizon": int(budget["horizon"]),
        "asked": asked_words(tables, found, words, write),
        "at_plan_total": budget["objective"] != "most_kpi",
        "after_horizon": tables.settings.budget.count_after_horizon,
        "moved": float(tables.budget_plan["change"].abs().sum()) / 2,
        "uplift": ("+" if float(budget["uplift"]) > 0 else "") + write.compact(budget["uplift"]),
        "uplift_span": write.span(write.compact(budget["uplift_low"]), write.compact(budget["uplift_high"])),
        "paying": found.with_evidence("pays_back"),
        "losing": found.with_evidence("below_spend"),
        "unclear": found.with_evidence("unclear"),
        "measured": found.with_evidence("measured"),
        "implausible": found.with_evidence("implausible"),
        "unknown": found.with_evidence("no_evidence"),
        "shown": LISTED,
        "unknown_spend_share": sum(float(c.row["spend"]) for c in unknown) / spend if spend else 0.0,
        "paying_rows": _judged(found.channels, "pays_back"),
        "losing_rows": _judged(found.channels, "below_spend"),
        "unclear_rows": _judged(found.channels, "unclear"),
        "measured_rows": _judged(found.channels, "measured"),
        "implausible_rows": _judged(found.channels, "implausible"),
        "unknown_rows": _judged(found.channels, "no_evidence"),
        "organic": found.with_evidence("organic"),
        "organic_rows": _judged(found.channels, "organic"),
        "unusable": [
            (
                spec_words(words, row),
                words.get(f"status.{row['status']}", str(row["status"])),
                reason_words(words, row),
            )
            for row in records(found.unusable_specs)
        ],
        "span": lambda row, quantity, form: _span(write, row, quantity, form),
        "increases": [_moved_name(words, move) for move in found.increases],
        "decreases": [_moved_name(words, move) for move in found.decreases],
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


def alarm_words(found: Findings, words: Wording, write: Formatter) -> list[str]:
    """Why the results cannot be right, each in a sentence; empty: nothing speaks against them."""
    return implausible_words(found.implausible, found.kpi, found.interval, words, write)


def implausible_words(
    reasons: Sequence[Implausible], kpi: str, interval: float, words: Wording, write: Formatter
) -> list[str]:
    """The reasons of `implausibilities`, each in a sentence.

    Args:
        reasons: why results cannot be right.
        kpi: name of the KPI, safe to show.
        interval: probability of the credible intervals.
        words: of the language.
        write: formats of the language.
    """
    forms: dict[str, Callable[[Any], str]] = {
        "share": write.percent,
        "share_low": write.percent,
        "share_high": write.percent,
        "probability_above_kpi": write.probability,
        "periods_below_zero": write.number,
        "periods": write.number,
        "gain_per_period": write.compact,
        "kpi_low": write.compact,
        "kpi_high": write.compact,
    }
    return [
        words(
            f"implausible.{reason.code}",
            kpi=kpi,
            interval=write.percent(interval),
            **{name: forms[name](value) for name, value in reason.values.items()},
        )
        for reason in reasons
    ]


def _gain_rests(found: Findings, words: Wording, write: Formatter) -> str:
    """How much of the plan's gain rests on which evidence, in a sentence; empty where there is no gain to split."""
    parts = {kind: float(found.budget[f"uplift_by_{kind}"]) for kind in ("data", "both", "prior")}
    if found.gain_rests_on is None or not all(map(math.isfinite, parts.values())):
        return ""
    form = write.compact_money if found.returns.is_money else write.compact
    told = [words(f"gain.part_{kind}", amount=form(value)) for kind, value in parts.items() if round(value)]
    return words("gain.rests", parts=write.names(told)) if told else ""


def _held_share(tables: ResultTables) -> float:
    """Share of the plan's spend on channels that it leaves as they are for want of evidence."""
    plan = tables.budget_plan
    total = float(plan["optimal_spend"].sum())
    return float(plan.loc[plan["is_held"], "optimal_spend"].sum()) / total if total else 0.0


def _and_controls(tables: ResultTables, words: Wording, write: Formatter) -> str:
    """The controls as the end of a list of what the baseline is made of; empty: there are none."""
    if tables.settings.control_source is None:
        return ""
    names = [clean(name) for name in tables.settings.controls.columns]
    if not names:
        return words("baseline_controls.unnamed")
    return words("baseline_controls.named", names=write.names(names))


def _best(found: Findings) -> ChannelFinding | None:
    """The channel with the largest return among those that the data has evidence on."""
    known = [channel for channel in found.channels if channel.evidence == "measured"]
    return max(known, key=lambda channel: float(channel.row["roi"]), default=None)


def asked_words(tables: ResultTables, found: Findings, words: Wording, write: Formatter) -> str:
    """What the plan was asked for, in a sentence or two; empty for the most KPI at a total, which needs no words."""
    budget, settings = found.budget, tables.settings.budget
    objective, measure = str(budget["objective"]), str(budget["risk_measure"])
    said = []
    if pd.Timestamp(budget["basis_end"]).date() < tables.window.end:
        said.append(words("basis", date=write.date(budget["basis_end"]), periods=int(budget["horizon"])))
    said += unlike_the_mean(tables, budget, words, write)
    if objective != "most_kpi":
        target = settings.target_kpi if objective == "smallest_total" else settings.target_marginal_roi
        said.append(
            words(
                f"asked.{objective}",
                kpi=found.kpi,
                target=write.kpi(target)
                if objective == "smallest_total"
                else write.figure(target * found.returns.per if target else target),
                total=write.money(budget["total"]),
                today=write.money(budget["total_today"]),
                periods=int(budget["horizon"]),
            )
        )
    if measure != "mean":
        figure = words(
            f"asked.measure.{measure}",
            kpi=found.kpi,
            kappa=write.figure(settings.risk.kappa),
            share=write.percent(settings.risk.probability),
        )
        before, after = (write.kpi(budget[f"risk_value_{which}"]) for which in ("current", "optimal"))
        said.append(words("asked.risk", kpi=found.kpi, measure=figure, before=before, after=after))
    return " ".join(said)


def reason_words(words: Wording, row: Mapping[str, Any], limit: int = 2000) -> str:
    """Why a spec cannot win or a channel is left out, by the columns `reasons` and `reason`; empty: no reason."""
    reasons = read_reasons(row.get("reasons")) if words.language != "en" else ()
    if not reasons:
        return clean(row["reason"], limit=limit) if isinstance(row["reason"], str) else ""
    told = []
    for each in reasons:
        sentence = words(f"reason.{each.code}", **each.values)
        told.append(words("reason.of_window", before=each.before, reason=sentence) if each.before else sentence)
    return clean("; ".join(told), limit=limit)


def rejection_words(words: Wording, reason: str) -> str:
    """A rejection's code in words; one without words stays a code, which is English only where the text is."""
    return words.get(f"rejection.{reason}", clean(reason.replace("_", " ") if words.language == "en" else reason))


def _judged(channels: tuple[ChannelFinding, ...], evidence: str) -> list[ChannelFinding]:
    """The largest contributors judged so; a list of forty is not read."""
    return [channel for channel in channels if channel.evidence == evidence][:LISTED]


def _span(write: Formatter, row: Mapping[str, Any], quantity: str, form: Callable[[Any], str]) -> str:
    return write.span(form(row[f"{quantity}_low"]), form(row[f"{quantity}_high"]))


def _moved_name(words: Wording, move: Move) -> str:
    """A channel as a sentence about the plan names it: one without evidence never goes without saying so."""
    return move.label if move.has_evidence else f"{move.label} ({words('mind.no_evidence')})"


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
