"""The report as one self-contained HTML page, and the same in Markdown."""

from __future__ import annotations

import base64
import os
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from mmm_pipeline.reporting.charts.catalog import Chart
from mmm_pipeline.reporting.findings.findings import findings
from mmm_pipeline.reporting.narratives.template import Narratives, narrative_values, verdict
from mmm_pipeline.reporting.page.comparisons import comparison_notes, comparison_tables
from mmm_pipeline.reporting.page.engine_section import engine_notes, engine_tables
from mmm_pipeline.reporting.page.page_tables import PageTable, page_tables
from mmm_pipeline.reporting.results.tables import Language, ResultTables
from mmm_pipeline.reporting.text.formatting import Formatter
from mmm_pipeline.reporting.text.markdown import Markdown, defused, demoted, markdown_to_html
from mmm_pipeline.reporting.text.returns import language_words, stated
from mmm_pipeline.reporting.text.templating import render_html, render_markdown
from mmm_pipeline.storage.atomic_files import write_text

__all__ = ["ReportFiles", "write_report"]

SECTION_CHARTS: dict[str, tuple[str, ...]] = {
    "budget": ("budget", "marginal_roi", "drift"),
    "channels": (
        "roi",
        "contribution",
        "roi_and_spend",
        "roi_by_market",
        "spec_agreement",
        "engine_comparison",
        "response_curves",
    ),
    "charts": ("waterfall", "contributions_over_time"),
    "quality": ("kpi_forecast", "leaderboard", "rolling_origins"),
    "data": ("activity", "kpi_profile", "collinearity", "lagged_correlation"),
    "diagnostics": ("prior_check", "prior_posterior", "retention", "predictive_check", "traces"),
}
"""Which chart stands in which section; one that is not named here goes to `charts`."""

_NARRATIVES = ("eda", "charts", "budget", "advice")
_MARKDOWN_SECTIONS = (
    ("channels", ("channels", "agreement", "averaged", "engines", "engine_scores"), "charts"),
    ("budget", ("budget", "reallocation", "drift"), "budget"),
    ("charts", (), ""),
    ("quality", ("leaderboard", "naive", "rolling"), "advice"),
    ("data", ("breakdown", "pairs", "excluded", "reasons", "rejected"), "eda"),
    ("diagnostics", ("prior_check", "sensitivity"), ""),
)
"""Section, its tables, its narrative; one that has only charts is left out where none was drawn."""


@dataclass(frozen=True)
class ReportFiles:
    """Where the report was written.

    Attributes:
        html: one page with every language.
        markdown: one file per language; the first is `report.md`.
    """

    html: Path
    markdown: tuple[Path, ...]


@dataclass(frozen=True)
class Picture:
    """A chart as a page needs it."""

    chart: Chart
    source: str
    width: int
    height: int

    @property
    def is_tall(self) -> bool:
        """Whether it takes a printed page of its own."""
        return self.height > self.width


def write_report(
    tables: ResultTables,
    charts: Mapping[Language, Sequence[Chart]],
    narratives: Mapping[Language, Narratives],
    folder: Path,
) -> ReportFiles:
    """Write `report.html`, `report.md` and, per further language, `report.<language>.md`, each atomically.

    The HTML page asks for nothing from anywhere and runs no script; its content policy forbids both. Narratives may be
    by a language model: they are rendered without HTML, links and images.

    Args:
        tables: the results.
        charts: by language, for every language of the settings.
        narratives: by language, likewise.
        folder: of the report; the Markdown refers to the charts relative to it.

    Raises:
        StoredResultError: a table has no rows, or there is no champion.
        OSError: a chart cannot be read, or the folder cannot be written.
    """
    languages = tables.settings.report.languages
    parts = {language: _values(tables, charts[language], narratives[language], language) for language in languages}
    first = parts[languages[0]]
    style = resources.files("mmm_pipeline.reporting").joinpath("templates", "report.css").read_text(encoding="utf-8")
    page = render_html(
        "report.html.j2", {"parts": parts, "style": Markup(style), "title": first["words"]("page.title")}
    )
    html = write_text(folder / "report.html", page)
    written = []
    for language, values in parts.items():
        name = "report.md" if language == languages[0] else f"report.{language}.md"
        written.append(write_text(folder / name, render_markdown("report.md.j2", _for_markdown(values, folder))))
    return ReportFiles(html, tuple(written))


def _values(
    tables: ResultTables, charts: Sequence[Chart], narratives: Narratives, language: Language
) -> dict[str, Any]:
    tables = stated(tables)
    found = findings(tables)
    write = Formatter(language, tables.settings.report.currency)
    words = language_words(tables, write, found.kpi)
    values = narrative_values(tables, language)
    opening = verdict(tables, language)
    shown_tables = page_tables(tables, found, words, write) | comparison_tables(tables, found, words, write)
    shown_tables |= engine_tables(tables, found, words, write)
    shown = {name for names in SECTION_CHARTS.values() for name in names}
    by_name = {chart.name: chart for chart in charts}
    sections = {
        section: [by_name[name] for name in names if name in by_name] for section, names in SECTION_CHARTS.items()
    }
    sections["charts"] += [chart for chart in charts if chart.name not in shown]
    return {
        **values,
        "language": language,
        "verdict_markdown": opening,
        "verdict": {part: markdown_to_html(text) for part, text in opening.items()},
        "figures": _figures(tables, values),
        "alerts": _alerts(values),
        "tables": shown_tables,
        "notes": _notes(values, shown_tables)
        | comparison_notes(tables, found, words, write)
        | engine_notes(tables, found, words, write),
        "charts": sections,
        "pictures": {section: [_picture(chart) for chart in group] for section, group in sections.items()},
        "narrative_texts": narratives,
        "narratives": {name: markdown_to_html(demoted(getattr(narratives, name), 1)) for name in _NARRATIVES},
        "glossary": [
            (words(f"glossary.{key}.term"), words(f"glossary.{key}.text"))
            for key in dict.fromkeys(name.split(".")[1] for name in words.texts if name.startswith("glossary."))
        ],
    }


def _figures(tables: ResultTables, values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The four numbers at the top: value and what it is."""
    words, write, found = values["words"], values["f"], values["found"]
    kpi = found.kpi
    uplift = words("page.figure_uplift", kpi=kpi, interval=values["interval"], span=values["uplift_span"])
    return [
        (
            write.percent(found.media_share),
            words(
                "page.figure_media_implausible" if found.implausible else "page.figure_media",
                kpi=kpi,
                interval=values["interval"],
                span=write.span(*(write.percent(found.media_total[end]) for end in ("share_low", "share_high"))),
            ),
        ),
        (
            values["champion_error"],
            words("page.figure_error", naive=values["naive_error"]),
        ),
        (
            write.compact_money(tables.attribution["spend"].sum()),
            words("page.figure_spend", channels=len(found.channels)),
        ),
        *([(values["uplift"], uplift)] if found.plan_verdict in ("material_gain", "no_material_gain") else []),
    ]


def _notes(values: Mapping[str, Any], shown: Mapping[str, PageTable]) -> dict[str, str]:
    """The line under a section's heading, and those above some tables."""
    words, write, found, rows = values["words"], values["f"], values["found"], values["rows"]
    refused = len(shown["rejected"].rows) if "rejected" in shown else 0
    warned = words("page.implausible_note") + " " if found.implausible else ""
    return {
        "channels": warned + words("page.channels_note", interval=values["interval"]),
        "budget": warned
        + words(
            "page.budget_note", periods=values["horizon"], total=write.money(found.budget["total"]), kpi=values["kpi"]
        ),
        "reallocation": words("page.reallocation_note"),
        "charts": warned.strip(),
        "diagnostics": words("page.diagnostics_note"),
        "prior_check": words("page.prior_check_note", interval=values["interval"]),
        "sensitivity": words("page.sensitivity_note"),
        "quality": words("page.quality_note", periods=found.scored_periods),
        "data": words(
            "page.data_note",
            accepted=write.number(rows.accepted),
            rejected=write.number(rows.rejected),
            excluded=len(found.excluded),
        ),
        "rejected": words("page.rejected_note", shown=refused, rejected=write.number(rows.rejected)),
        "pairs": words("page.pairs_note"),
    }


def _alerts(values: Mapping[str, Any]) -> list[str]:
    """What a reader must see before anything else."""
    words, found = values["words"], values["found"]
    alerts = []
    if values["alarms"]:
        alerts.append(" ".join([words("implausible.headline"), *values["alarms"], words("implausible.advice")]))
    if values["quick"]:
        alerts.append(words("page.quick"))
    fit, write = found.champion_fit, values["f"]
    if not found.champion_converged:
        figures = {"rhat": write.number(fit["rhat_max"], 3), "divergences": int(fit["divergences"])}
        least = write.number(min(fit["ess_bulk_min"], fit["ess_tail_min"]), 0)
        alerts.append(words("page.not_converged", champion=values["champion"], ess=least, **figures))
    if isinstance(fit["passed_over"], str):
        alerts.append(words("page.passed_over", champion=values["champion"]))
    if not found.has_plan:
        alerts.append(words("verdict.no_plan"))
    if not found.beats_naive:
        alerts.append(words("page.champion_not_better" if found.any_beats_naive else "page.not_better"))
    return alerts


def _picture(chart: Chart) -> Picture:
    content = chart.path.read_bytes()
    width, height = struct.unpack(">II", content[16:24])  # the PNG's IHDR chunk
    return Picture(chart, f"data:image/png;base64,{base64.b64encode(content).decode()}", width, height)


def _for_markdown(values: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    texts: Narratives = values["narrative_texts"]
    return {
        **values,
        "verdict": {part: Markdown(text.strip()) for part, text in values["verdict_markdown"].items()},
        "sections": [part for part in _MARKDOWN_SECTIONS if any(part[1:]) or values["charts"][part[0]]],
        "narratives": {name: demoted(defused(getattr(texts, name)), 2) for name in _NARRATIVES},
        "link": lambda chart: Markdown(quote(Path(os.path.relpath(chart.path, folder)).as_posix())),
    }
