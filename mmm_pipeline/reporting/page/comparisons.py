"""What a report says where fits are held against one another: between specs, between windows, between refreshes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from mmm_pipeline.reporting.findings.findings import Findings
from mmm_pipeline.reporting.narratives.template import spec_words
from mmm_pipeline.reporting.page.page_tables import Cell, PageTable
from mmm_pipeline.reporting.results.tables import ResultTables, records
from mmm_pipeline.reporting.text.formatting import MISSING, Formatter
from mmm_pipeline.reporting.text.names import clean
from mmm_pipeline.reporting.text.wording import Wording

__all__ = ["comparison_notes", "comparison_tables"]

Form = Callable[[Any], str]


def comparison_tables(tables: ResultTables, found: Findings, words: Wording, write: Formatter) -> dict[str, PageTable]:
    """`agreement` (disputed channels), `averaged`, `rolling` and `drift` by name; one without rows is left out."""
    made = {
        "agreement": _agreement(tables, found, words, write),
        "averaged": _averaged(tables, found, words, write),
        "rolling": _rolling(tables, words, write),
        "drift": _drift(tables, found, words, write),
    }
    return {name: table for name, table in made.items() if table.rows}


def comparison_notes(tables: ResultTables, found: Findings, words: Wording, write: Formatter) -> dict[str, str]:
    """The line above each of these tables; `agreement` and `drift` have one without a table, too. Empty: none."""
    rivals = int(tables.spec_agreement["specs"].max()) if len(tables.spec_agreement) else 0
    agreement = ""
    if rivals > 1:
        key = "page.agreement_disputed" if found.disputed else "page.agreement_note"
        agreement = words(
            key, specs=rivals, channels=write.names(list(found.disputed)), periods=tables.window.holdout_periods
        )
    elif rivals == 1:
        agreement = words("page.agreement_only" if len(tables.leaderboard) == 1 else "page.agreement_single")
    rolling = tables.rolling_origins
    return {
        "agreement": agreement,
        "averaged": _averaged_note(tables, words),
        "rolling": words("page.rolling_note", windows=rolling["origin"].nunique()) if len(rolling) else "",
        "drift": _drift_note(tables, found, words, write),
    }


def _averaged_note(tables: ResultTables, words: Wording) -> str:
    if tables.averaged_attribution.empty:
        return ""
    board = tables.leaderboard
    unreliable = (board["weight"] > 0) & (board["loo_status"] != "reliable")
    # The only spec has all the weight, whatever its estimate.
    weighted = int((board["weight"] > 0).sum())
    note = words("page.averaged_note")
    return f"{note} {words('page.averaged_unreliable')}" if unreliable.any() and weighted > 1 else note


def _drift_note(tables: ResultTables, found: Findings, words: Wording, write: Formatter) -> str:
    if tables.drift.empty:
        return words("page.drift_first")
    first = tables.drift.iloc[0]
    turned = set(tables.drift.loc[tables.drift["recommendation"] == "flip_unsupported", "channel"])
    flipped = [label for name, label in found.labels.items() if name in turned]
    note = words(
        "page.drift_note", before=write.date(first["window_end_before"]), spec=_spec(words, first["spec_before"])
    )
    return f"{note} {words('page.drift_flipped', channels=write.names(flipped))}" if flipped else note


def _agreement(tables: ResultTables, found: Findings, words: Wording, write: Formatter) -> PageTable:
    rows = []
    by_label = {found.labels.get(row["channel"], ""): row for row in records(tables.spec_agreement)}
    refitted = {channel.label: channel.row for channel in found.channels}
    for label in found.disputed:
        row, whole = by_label[label], refitted[label]
        rows.append(
            (
                Cell(label, words(f"agreement.{row['verdict']}"), "unclear", tag=True),
                Cell(write.figure(whole["roi"]), _span(write.figure, write, whole, "roi")),
                Cell(write.figure(row["roi_champion"])),
                Cell(write.figure(row["roi_lowest"]), _spec(words, row["spec_lowest"])),
                Cell(write.figure(row["roi_highest"]), _spec(words, row["spec_highest"])),
                Cell(write.span(write.figure(row["band_low"]), write.figure(row["band_high"]))),
            )
        )
    return _table(words, "agreement", "lrrrrr", rows, periods=tables.window.holdout_periods)


def _averaged(tables: ResultTables, found: Findings, words: Wording, write: Formatter) -> PageTable:
    rows = []
    for row in records(tables.averaged_attribution.sort_values("contribution", ascending=False, kind="stable")):
        rows.append(
            (
                Cell(found.labels.get(row["channel"], clean(row["channel"]))),
                Cell(write.compact(row["contribution"]), _span(write.compact, write, row, "contribution")),
                Cell(write.percent(row["share"], 1), _span(write.percent, write, row, "share")),
                Cell(write.figure(row["roi"]), _span(write.figure, write, row, "roi")),
                *(
                    [Cell(MISSING if found.implausible else write.probability(row["probability_roi_above_1"]))]
                    if found.returns.is_money
                    else []
                ),
            )
        )
    return _table(words, "averaged", "lrrrr"[: 5 if found.returns.is_money else 4], rows)


def _rolling(tables: ResultTables, words: Wording, write: Formatter) -> PageTable:
    """One row a spec, one column a window, by the error that ranks."""
    frame, error = tables.rolling_origins, tables.settings.ranking.error
    origins = sorted(frame["origin"].dropna().unique())
    form = _error_form(error, write)
    rows = []
    for board_row in records(tables.leaderboard):
        own = frame[(frame["adstock"] == board_row["adstock"]) & (frame["degrees"] == board_row["degrees"])]
        if own.empty:
            continue
        pooled = own[own["is_pooled"]].iloc[0]
        cells = [Cell(spec_words(words, board_row)), Cell(form(pooled[error]), f"± {form(pooled['standard_error'])}")]
        if error == "rmse":
            # The standard error of RMSE is that of its square: not the same unit.
            cells[1] = Cell(form(pooled[error]))
        for origin in origins:
            window = own[own["origin"] == origin].iloc[0]
            converged = bool(window["converged"])
            cells.append(
                Cell(
                    form(window[error]),
                    write.signed_percent(window["skill"]) if converged else words("status.not_converged"),
                    "" if converged else "bad",
                )
            )
        rows.append(tuple(cells))
    header = (*words("tables.rolling").split("|"), *(write.date(origin) for origin in origins))
    numeric = (False, *(True for _ in header[1:]))
    return PageTable(tuple(part.strip() for part in header), numeric, tuple(rows))


def _drift(tables: ResultTables, found: Findings, words: Wording, write: Formatter) -> PageTable:
    rows = []
    place = {name: position for position, name in enumerate(found.labels)}
    for row in sorted(records(tables.drift), key=lambda row: place.get(row["channel"], len(place))):
        flipped = row["recommendation"] == "flip_unsupported"
        rows.append(
            (
                Cell(found.labels.get(row["channel"], clean(row["channel"]))),
                Cell(write.figure(row["roi_before"])),
                Cell(write.figure(row["roi_now"]), _signed(write, row["change"])),
                Cell(words(f"drift.{row['verdict']}"), tone="good" if row["verdict"] == "data" else ""),
                Cell(_direction(words, row["direction_before"]), write.money(row["plan_before"])),
                Cell(_direction(words, row["direction_now"]), write.money(row["plan_now"])),
                Cell(words(f"drift.{row['recommendation']}"), tone="bad" if flipped else ""),
            )
        )
    return _table(words, "drift", "lrrllll", rows)


def _table(words: Wording, name: str, alignment: str, rows: Sequence[tuple[Cell, ...]], **values: object) -> PageTable:
    header = tuple(part.strip() for part in words(f"tables.{name}", **values).split("|"))
    return PageTable(header, tuple(side == "r" for side in alignment), tuple(rows))


def _error_form(error: str, write: Formatter) -> Form:
    return (lambda value: write.percent(value, 1)) if error in ("mape", "wape") else write.compact


def _spec(words: Wording, key: str) -> str:
    adstock, _, degrees = str(key).partition("|")
    return spec_words(words, {"adstock": adstock, "degrees": degrees})


def _direction(words: Wording, direction: object) -> str:
    return words(f"drift.{direction}") if isinstance(direction, str) and direction else MISSING


def _signed(write: Formatter, change: float) -> str:
    return "" if pd.isna(change) else ("+" if change > 0 else "") + write.figure(change)


def _span(form: Form, write: Formatter, row: Mapping[str, Any], quantity: str) -> str:
    return write.span(form(row[f"{quantity}_low"]), form(row[f"{quantity}_high"]))
