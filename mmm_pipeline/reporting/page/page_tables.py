"""The tables of a report as text cells, ready for HTML and Markdown alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mmm_pipeline.reporting.advice.values import spec_words
from mmm_pipeline.reporting.findings.findings import ChannelFinding, Findings
from mmm_pipeline.reporting.narratives.template import mind_words, reason_words, rejection_words
from mmm_pipeline.reporting.results.tables import ResultTables, records
from mmm_pipeline.reporting.text.formatting import MISSING, Formatter
from mmm_pipeline.reporting.text.names import clean
from mmm_pipeline.reporting.text.wording import Wording

__all__ = ["Cell", "Glyph", "PageTable", "page_tables"]

REJECTED_SHOWN = 20
_PAIRS_SHOWN = 10
_MOVES_SHOWN = 15


@dataclass(frozen=True)
class Glyph:
    """A tiny interval picture; positions are shares of its width.

    Attributes:
        reference: where 1 is, if that is break-even.
        clipped: whether the interval goes on beyond the right end.
    """

    low: float
    middle: float
    high: float
    reference: float | None
    clipped: bool


@dataclass(frozen=True)
class Cell:
    """One cell: a first line, a quieter second one, and how it is meant.

    Attributes:
        tone: name of a colour class, e.g. `pays_back`, `bad`; empty: none.
        tag: whether the second line is a label rather than a number.
    """

    text: str
    small: str = ""
    tone: str = ""
    tag: bool = False
    glyph: Glyph | None = None


@dataclass(frozen=True)
class PageTable:
    """A table with its header; `numeric` says which columns are aligned right."""

    header: tuple[str, ...]
    numeric: tuple[bool, ...]
    rows: tuple[tuple[Cell, ...], ...]
    marked: tuple[bool, ...] = ()

    def is_marked(self, row: int) -> bool:
        """Whether a row stands out, e.g. the champion."""
        return bool(self.marked) and self.marked[row]


def page_tables(tables: ResultTables, found: Findings, words: Wording, write: Formatter) -> dict[str, PageTable]:
    """Every table of the report by name; one without rows is left out."""
    made = {
        "channels": _channels(found, words, write),
        "budget": _budget(tables, found, words, write),
        "reallocation": _reallocation(tables, found, words, write),
        "leaderboard": _leaderboard(tables, found, words, write),
        "naive": _naive(tables, words, write),
        "prior_check": _priors(tables, found, words, write),
        "sensitivity": _sensitivity(tables, found, words, write),
        "excluded": _table(
            words,
            "excluded",
            "ll",
            (
                [Cell(clean(row["channel"])), Cell(reason_words(words, row))]
                for row in records(tables.excluded_channels)
            ),
        ),
        "reasons": _table(
            words,
            "reasons",
            "lr",
            ([Cell(rejection_words(words, why)), Cell(write.number(n))] for why, n in tables.rows.reasons.items()),
        ),
        "rejected": _rejected(tables, words),
        "pairs": _pairs(tables, words, write),
        "breakdown": _breakdown(tables, words, write),
        "settings": _settings(tables, words),
    }
    return {name: table for name, table in made.items() if table.rows}


def _table(
    words: Wording, name: str, alignment: str, rows: Iterable[list[Cell]], marked: Iterable[bool] = ()
) -> PageTable:
    """A table whose header is the phrase `tables.<name>`, columns separated by `|`; alignment is l or r each."""
    header = tuple(part.strip() for part in words(f"tables.{name}").split("|"))
    return PageTable(header, tuple(side == "r" for side in alignment), tuple(map(tuple, rows)), tuple(marked))


def _channels(found: Findings, words: Wording, write: Formatter) -> PageTable:
    money = found.returns.is_money
    limit = _glyph_limit(found.channels, 2.0 if money else 0.0)
    rows = []
    for channel in found.channels:
        row, judged = channel.row, channel.has_evidence and not found.implausible
        rows.append(
            [
                Cell(channel.label, words(f"evidence.{channel.evidence}"), channel.evidence, tag=True),
                Cell(write.money(row["spend"])),
                Cell(write.compact(row["contribution"]), _span(write, row, "contribution", write.compact)),
                Cell(write.percent(row["share"], 1), _span(write, row, "share", write.percent)),
                Cell(write.figure(row["roi"]), _span(write, row, "roi", write.figure), glyph=_glyph(row, limit, money)),
                Cell(write.probability(row["probability_roi_above_1"]) if judged else MISSING)
                if money
                else Cell(write.money(row["cost_per_kpi"]), _span(write, row, "cost_per_kpi", write.money)),
                Cell(write.figure(row["marginal_roi"]), _span(write, row, "marginal_roi", write.figure)),
                Cell(words(f"rests_on.{channel.rests_on}")),
            ]
        )
    return _table(words, "channels", "lrrrrrrl", rows)


def _budget(tables: ResultTables, found: Findings, words: Wording, write: Formatter) -> PageTable:
    minded = {move.label: mind_words(words, move) for move in found.moves}
    blind = {label: words("mind.no_evidence") for label in found.without_evidence}
    rows = []
    for row in records(tables.budget_plan.sort_values("current_spend", ascending=False, kind="stable")):
        label = found.labels.get(row["channel"], clean(row["channel"]))
        locked = bool(row["is_locked"])
        share = row["optimal_spend"] / row["current_spend"] - 1 if row["current_spend"] > 0 else None
        tone = "" if abs(row["change"]) <= 0.005 * row["current_spend"] else "up" if row["change"] > 0 else "down"
        stays = locked or bool(row["is_held"])
        told = minded.get(label) or (blind.get(label, "") if row["change"] else "")
        if stays:
            told = words("mind.locked" if locked else "mind.held")
        rows.append(
            [
                Cell(label, told, tag=True),
                Cell(write.money(row["current_spend"])),
                Cell(write.money(row["optimal_spend"])),
                Cell(write.change(row["change"]), write.signed_percent(share) if share is not None else "", tone),
                Cell(MISSING if stays else write.span(write.money(row["low"]), write.money(row["high"]))),
                Cell(write.compact(row["current_kpi"])),
                Cell(write.compact(row["optimal_kpi"])),
                Cell(write.figure(row["marginal_roi_current"])),
                Cell(write.figure(row["marginal_roi_optimal"])),
            ]
        )
    plan, summary = tables.budget_plan, found.budget
    total = Cell(words("tables.total"))
    rows.append(
        [
            total,
            Cell(write.money(plan["current_spend"].sum())),
            Cell(write.money(plan["optimal_spend"].sum())),
            Cell(""),
            Cell(""),
            Cell(write.compact(summary["expected_kpi_current"])),
            Cell(write.compact(summary["expected_kpi_optimal"])),
            Cell(""),
            Cell(""),
        ]
    )
    return _table(words, "budget", "lrrrrrrrr", rows, [row[0] is total for row in rows])


def _priors(tables: ResultTables, found: Findings, words: Wording, write: Formatter) -> PageTable:
    """What was believed beforehand, by the champion's transform."""
    believed = tables.prior_check.loc[tables.prior_check["adstock"] == found.champion["adstock"]]
    rows = [
        [
            Cell(_channel_name(row["channel"], found, words)),
            Cell(write.percent(row["share"], 1), _span(write, row, "share", write.percent)),
            Cell(write.figure(row["roi"]), _span(write, row, "roi", write.figure)),
            Cell(write.probability(row["probability_above_kpi"])),
        ]
        for row in records(believed)
    ]
    return _table(words, "prior_check", "lrrr", rows, [not isinstance(name, str) for name in believed["channel"]])


def _sensitivity(tables: ResultTables, found: Findings, words: Wording, write: Formatter) -> PageTable:
    rows = [
        [
            Cell(words("tables.gain") if row["quantity"] == "gain" else _channel_name(row["channel"], found, words)),
            Cell(words(f"rests_on.{row['evidence']}")),
            Cell(write.percent(row["opinion"])),
            Cell(write.number(row["prior_sensitivity"], 3)),
            Cell(write.number(row["likelihood_sensitivity"], 3)),
        ]
        for row in records(tables.sensitivity)
    ]
    of_all = [row["quantity"] != "roi" for row in records(tables.sensitivity)]
    return _table(words, "sensitivity", "llrrr", rows, of_all)


def _channel_name(channel: Any, found: Findings, words: Wording) -> str:
    return found.labels.get(channel, clean(channel)) if isinstance(channel, str) else words("tables.all_media")


def _reallocation(tables: ResultTables, found: Findings, words: Wording, write: Formatter) -> PageTable:
    rows = [
        [
            *(_moved(row[side], found, words) for side in ("from_channel", "to_channel")),
            Cell(write.money(row["amount"])),
            *(
                Cell(write.figure(row[f"{side}_marginal_roi_{when}"]))
                for side in ("from", "to")
                for when in ("current", "optimal")
            ),
        ]
        for row in records(tables.reallocation.head(_MOVES_SHOWN))
    ]
    return _table(words, "reallocation", "llrrrrr", rows)


def _moved(channel: str, found: Findings, words: Wording) -> Cell:
    """A channel that money comes from or goes to; one without evidence says so beside its name."""
    label = found.labels.get(channel, clean(channel))
    return Cell(label, words("mind.no_evidence") if label in found.without_evidence else "", "no_evidence", tag=True)


def _leaderboard(tables: ResultTables, found: Findings, words: Wording, write: Formatter) -> PageTable:
    rows, marked = [], []
    for row in records(tables.leaderboard):
        good = row["status"] == "converged"
        reason = reason_words(words, row, limit=200)
        status = words.get(f"status.{row['status']}", clean(row["status"]))
        skill = row["skill"]
        rows.append(
            [
                Cell(write.number(row["rank"])),
                Cell(
                    spec_words(words, row),
                    words("tables.champion") if row["is_champion"] else "",
                    "pays_back",
                    tag=True,
                ),
                Cell(status, reason, "" if good else "bad"),
                Cell(write.percent(row["mape"], 1)),
                Cell(
                    write.signed_percent(skill), tone="" if not np.isfinite(skill) else "good" if skill > 0 else "bad"
                ),
                Cell(write.percent(row["wape"], 1)),
                Cell(write.compact(row["crps"])),
                Cell(f"{write.percent(row['coverage_50'])} / {write.percent(row['coverage_90'])}"),
                _loo(row, words, write),
                Cell(write.number(row["rhat_max"], 3)),
                Cell(f"{write.number(row['ess_bulk_min'])} / {write.number(row['ess_tail_min'])}"),
                Cell(write.number(row["divergences"])),
                Cell(write.number(row["seconds"])),
            ]
        )
        marked.append(bool(row["is_champion"]))
    return _table(words, "leaderboard", "rllrrrrrrrrrr", rows, marked)


def _loo(row: Mapping[str, Any], words: Wording, write: Formatter) -> Cell:
    """Leave-one-out accuracy with its standard error; one that cannot be believed says so."""
    if not isinstance(row["loo_status"], str):
        return Cell(MISSING)
    if row["loo_status"] == "refused":
        return Cell(MISSING, words("loo.refused"))
    told = (
        "" if row["loo_status"] == "reliable" else words("loo.unreliable", periods=write.number(row["pareto_k_above"]))
    )
    return Cell(f"{write.number(row['elpd_loo'])} ± {write.number(row['elpd_loo_se'])}", told, "bad" if told else "")


def _naive(tables: ResultTables, words: Wording, write: Formatter) -> PageTable:
    ordered = records(tables.naive_forecasts.sort_values("mape", kind="stable"))
    rows = [
        [
            Cell(words.get(f"naive.{row['forecast']}", clean(row["forecast"]))),
            Cell(write.percent(row["mape"], 1)),
            Cell(write.percent(row["wape"], 1)),
            Cell(write.compact(row["rmse"])),
        ]
        for row in ordered
    ]
    return _table(words, "naive", "lrrr", rows, [bool(row["is_best"]) for row in ordered])


def _rejected(tables: ResultTables, words: Wording) -> PageTable:
    rows = [
        [
            Cell(_place(row)),
            Cell(rejection_words(words, str(row["reason"]))),
            Cell(_text(row["column"])),
            Cell(_text(row["value"])),
        ]
        for row in records(tables.rejected_rows.head(REJECTED_SHOWN))
    ]
    return _table(words, "rejected", "rlll", rows)


def _place(row: Mapping[str, Any]) -> str:
    """Line of a rejected row; in a workbook its sheet and its row there."""
    if pd.isna(row["line_number"]):
        return "–"
    sheet = row.get("sheet")
    return f"{'' if pd.isna(sheet) else clean(sheet) + ': '}{int(row['line_number']):,}"


def _pairs(tables: ResultTables, words: Wording, write: Formatter) -> PageTable:
    rows = [
        [Cell(clean(pair["channel"])), Cell(clean(pair["other_channel"])), Cell(write.number(pair["correlation"], 2))]
        for pair in tables.eda_profile.get("correlated_pairs", ())[:_PAIRS_SHOWN]
    ]
    return _table(words, "pairs", "llr", rows)


def _breakdown(tables: ResultTables, words: Wording, write: Formatter) -> PageTable:
    rows = [
        [
            Cell(clean(part["dimension"])),
            Cell(_text(part["value"])),
            Cell(write.number(part["rows"])),
            Cell(write.money(part["spend"]), write.percent(part["spend_share"])),
            Cell(write.compact(part["kpi"]), write.percent(part["kpi_share"])),
        ]
        for part in tables.eda_profile.get("breakdown", ())
    ]
    return _table(words, "breakdown", "llrrr", rows)


def _settings(tables: ResultTables, words: Wording) -> PageTable:
    """Every setting; of paths only the name, because reports are sent around."""
    settings = tables.settings
    content = settings.model_dump(mode="json")
    parts = [content["source"], content["kpi"]["source"], content["controls"]["source"]]
    for part in parts:
        part["path"] = Path(part["path"]).name if part["path"] else None
    rows = [[Cell(key), Cell(clean(_setting(value), limit=120))] for key, value in _flat(content)]
    return _table(words, "settings", "ll", rows)


def _flat(content: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    for key, value in content.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{prefix}{clean(key)}.")
        else:
            yield f"{prefix}{clean(key)}", value


def _setting(value: Any) -> str:
    if value is None or value in ([], {}, ""):
        return MISSING
    if isinstance(value, bool):
        return "true" if value else "false"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _text(value: Any) -> str:
    return clean(value) if isinstance(value, str) and value else MISSING


def _span(write: Formatter, row: Mapping[str, Any], quantity: str, form: Any) -> str:
    return write.span(form(row[f"{quantity}_low"]), form(row[f"{quantity}_high"]))


def _glyph_limit(channels: Iterable[ChannelFinding], least: float) -> float:
    """The ROI at the right end of the glyphs: most intervals fit, one vast one does not squeeze them."""
    highs = np.array([float(channel.row["roi_high"]) for channel in channels])
    highs = highs[np.isfinite(highs)]
    return max(least, float(np.quantile(highs, 0.85)) * 1.1, 1e-12) if highs.size else max(least, 1.0)


def _glyph(row: Mapping[str, Any], limit: float, has_break_even: bool) -> Glyph | None:
    low, middle, high = (float(row[key]) for key in ("roi_low", "roi", "roi_high"))
    if not np.isfinite([low, middle, high]).all():
        return None
    low_at, middle_at, high_at = (min(max(value / limit, 0.0), 1.0) for value in (low, middle, high))
    return Glyph(low_at, middle_at, high_at, 1 / limit if has_break_even else None, high > limit)
