"""What a report says of other engines: where they agree with ours, how well they forecast, who is missing."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pandas as pd

from mmm_pipeline.reporting.findings.findings import Findings
from mmm_pipeline.reporting.page.page_tables import Cell, PageTable
from mmm_pipeline.reporting.results.tables import ResultTables, records
from mmm_pipeline.reporting.text.formatting import MISSING, Formatter
from mmm_pipeline.reporting.text.names import clean
from mmm_pipeline.reporting.text.wording import Wording

__all__ = ["engine_notes", "engine_tables"]

_VERDICTS = ("agree", "differ", "disagree", "single")


def engine_tables(tables: ResultTables, found: Findings, words: Wording, write: Formatter) -> dict[str, PageTable]:
    """`engines` (ROI side by side) and `engine_scores` by name; one without rows is left out."""
    made = {"engines": _side_by_side(tables, found, words, write), "engine_scores": _scores(tables, words, write)}
    return {name: table for name, table in made.items() if table is not None}


def engine_notes(tables: ResultTables, found: Findings, words: Wording, write: Formatter) -> dict[str, str]:
    """The line above each of these tables; empty: none."""
    if tables.engine_scores.empty:
        return {"engines": "", "engine_scores": ""}
    verdicts = tables.engine_comparison.drop_duplicates("channel").set_index("channel")["verdict"]
    sentences = []
    for verdict in _VERDICTS:
        labels = [label for name, label in found.labels.items() if verdicts.get(name) == verdict]
        if labels:
            sentences.append(words(f"page.engines_{verdict}", channels=write.names(labels)))
    missing = tables.engine_scores[tables.engine_scores["status"] != "ok"]
    if len(missing):
        named = [f"{clean(row['title'])} ({words('engines.' + row['status'])})" for row in records(missing)]
        sentences.append(words("page.engines_without", names=write.names(named)))
    return {
        "engines": words("page.engines_note", verdict=" ".join(sentences)),
        "engine_scores": words("page.engine_scores_note"),
    }


def _side_by_side(tables: ResultTables, found: Findings, words: Wording, write: Formatter) -> PageTable | None:
    """One row a channel, one column an engine: ROI and its interval."""
    table = tables.engine_comparison[tables.engine_comparison["counts"].astype(bool)]
    if table.empty:
        return None
    columns = list(table[["engine", "title", "model"]].drop_duplicates("engine").itertuples(index=False))
    by_place = {(row["channel"], row["engine"]): row for row in records(table)}
    rows = []
    for name, label in found.labels.items():
        if (name, columns[0].engine) not in by_place:
            continue
        verdict = by_place[name, columns[0].engine]["verdict"]
        tone = {"disagree": "unclear", "agree": "pays_back"}.get(verdict, "")
        cells = [Cell(label, words(f"engines.{verdict}"), tone, tag=bool(tone))]
        for column in columns:
            row = by_place[name, column.engine]
            known = not pd.isna(row["roi_low"])
            span = write.span(write.figure(row["roi_low"]), write.figure(row["roi_high"])) if known else ""
            cells.append(Cell(write.figure(row["roi"]), span))
        rows.append(tuple(cells))
    header = (words("tables.engines"), *(clean(column.title) for column in columns))
    return PageTable(header, (False, *(True for _ in columns)), tuple(rows))


def _scores(tables: ResultTables, words: Wording, write: Formatter) -> PageTable | None:
    rows = []
    for row in records(tables.engine_scores):
        failed = row["status"] != "ok"
        rows.append(
            (
                Cell(clean(row["title"]), clean(row["model"])),
                Cell(_known(row["mape"], lambda value: write.percent(value, 1))),
                Cell(_known(row["wape"], lambda value: write.percent(value, 1))),
                Cell(_known(row["coverage"], write.percent)),
                Cell(_known(row["rank_correlation"], write.figure)),
                Cell(_known(row["rhat_max"], lambda value: f"{value:.3f}")),
                Cell(_known(row["ess_roi_min"], write.number)),
                Cell(_known(row["ess_roi_per_second"], write.figure)),
                Cell(_known(row["seconds"], write.figure)),
                Cell(words(f"engines.{row['status']}"), clean(row["reason"], limit=120), "bad" if failed else ""),
            )
        )
    if not rows:
        return None
    header = tuple(part.strip() for part in words("tables.engine_scores").split("|"))
    return PageTable(header, (False, *(True for _ in header[2:]), False), tuple(rows))


def _known(value: Any, form: Callable[[float], str]) -> str:
    return MISSING if value is None or math.isnan(value) else form(float(value))
