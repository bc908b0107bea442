"""Collect what a report is written from: stored tables, never a posterior."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from mmm_pipeline.ingestion.rows.totals import accepted_rows, refusals
from mmm_pipeline.mmm.data.time_grid import Step, TimeGrid
from mmm_pipeline.reporting.results.tables import ResultTables, RowCounts, Window
from mmm_pipeline.storage.champions import champion_is_quick
from mmm_pipeline.storage.workspace import Workspace
from mmm_pipeline.tables.catalog import reported_tables

__all__ = ["EDA_PROFILE", "REPORTED_TABLES", "result_tables"]

EDA_PROFILE = "eda_profile"
"""The stored document that profiles the data."""

_REJECTED_SHOWN = 200

REPORTED_TABLES = reported_tables()


def result_tables(workspace: Workspace) -> ResultTables:
    """All tables of the last run.

    Raises:
        StoredResultError: a table has not been materialized.
    """
    from mmm_pipeline.mmm.evaluation.ranking import champion_key, crowned

    settings, warehouse = workspace.settings(), workspace.warehouse()
    totals = warehouse.read_table("campaign_totals")
    reasons = refusals(totals)
    profile = workspace.artifacts().read_json(EDA_PROFILE)
    frames: dict[str, Any] = {name: warehouse.read_table(name) for name in REPORTED_TABLES}
    frames["leaderboard"] = crowned(frames["leaderboard"], champion_key(frames["champion_fit"]))
    return ResultTables(
        settings=settings,
        quick=settings.quick or champion_is_quick(workspace.artifacts()),
        rejected_rows=warehouse.read_table("rejected_rows", limit=_REJECTED_SHOWN),
        window=_window(profile["window"]),
        rows=RowCounts(accepted=accepted_rows(totals), rejected=sum(reasons.values()), reasons=reasons),
        eda_profile=profile,
        **frames,
    )


def _window(stored: Mapping[str, Any]) -> Window:
    start, end, holdout = (dt.date.fromisoformat(stored[key]) for key in ("start", "end", "holdout_start"))
    grid = TimeGrid.covering(start, end, Step(stored.get("step", "day")), week_start=start.weekday())
    return Window(grid, holdout)
