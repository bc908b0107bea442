"""Collect what a report is written from: stored tables, never a posterior."""

from __future__ import annotations

import datetime as dt

from mmm_pipeline.ingestion.rows.totals import accepted_rows, refusals
from mmm_pipeline.orchestration.assets.data.profile import EDA_PROFILE
from mmm_pipeline.orchestration.assets.fits.selection import champion_key
from mmm_pipeline.orchestration.resources.workspace import Workspace
from mmm_pipeline.reporting.results.tables import ResultTables, RowCounts, Window

__all__ = ["REPORTED_TABLES", "result_tables"]

_REJECTED_SHOWN = 200

REPORTED_TABLES = (
    "media_matrix",
    "leaderboard",
    "champion_fit",
    "naive_forecasts",
    "rolling_origins",
    "spec_agreement",
    "averaged_attribution",
    "forecast",
    "attribution",
    "attribution_by_market",
    "contribution_over_time",
    "retention_density",
    "prior_posterior_density",
    "predictive_pit",
    "predictive_distribution",
    "worst_parameter_draws",
    "response_curves",
    "budget_plan",
    "budget_summary",
    "reallocation",
    "drift",
    "engine_comparison",
    "engine_scores",
    "excluded_channels",
)


def result_tables(workspace: Workspace) -> ResultTables:
    """All tables of the last run.

    Raises:
        StoredResultError: a table has not been materialized.
    """
    from mmm_pipeline.mmm.evaluation.ranking import crowned

    settings, warehouse = workspace.settings(), workspace.warehouse()
    totals = warehouse.read_table("campaign_totals")
    reasons = refusals(totals)
    profile = workspace.artifacts().read_json(EDA_PROFILE)
    window = profile["window"]
    tables = {name: warehouse.read_table(name) for name in REPORTED_TABLES}
    tables["leaderboard"] = crowned(tables["leaderboard"], champion_key(tables["champion_fit"]))
    return ResultTables(
        settings=settings,
        quick=settings.quick,
        rejected_rows=warehouse.read_table("rejected_rows", limit=_REJECTED_SHOWN),
        window=Window(*(dt.date.fromisoformat(window[key]) for key in ("start", "end", "holdout_start"))),
        rows=RowCounts(accepted=accepted_rows(totals), rejected=sum(reasons.values()), reasons=reasons),
        eda_profile=profile,
        **tables,
    )
