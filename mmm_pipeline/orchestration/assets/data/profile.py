"""Beside the model: what the data itself says, deterministically."""

from __future__ import annotations

import datetime as dt
from typing import Any

import dagster as dg
import pandas as pd

from mmm_pipeline.ingestion.input_warnings import LOAD_WARNINGS, input_warnings
from mmm_pipeline.ingestion.rows.totals import breakdown
from mmm_pipeline.orchestration.resources.workspace import WorkspaceResource
from mmm_pipeline.reporting.results.stored import EDA_PROFILE
from mmm_pipeline.storage.generations import version_of


@dg.asset(
    name=EDA_PROFILE,
    deps=["campaign_totals", "excluded_channels"],
    group_name="inputs",
    kinds={"json"},
    description="Deterministic statistics of the data: activity, collinearity, lagged correlation, outliers, profile.",
)
def eda_profile(
    media_matrix: pd.DataFrame, kpi_series: pd.DataFrame, model_inputs: Any, workspace: WorkspaceResource
) -> dg.MaterializeResult:
    """Profile the daily series; the facts under every narrative."""
    from mmm_pipeline.mmm.eda.profile import eda_profile as profile_of

    settings, warehouse, artifacts = workspace.settings(), workspace.warehouse(), workspace.artifacts()
    totals = warehouse.read_table("campaign_totals")
    refused = totals.loc[totals["reason"].notna()]
    profile = profile_of(
        media_matrix,
        series=kpi_series,
        holdout_start=dt.date.fromisoformat(str(model_inputs.attrs["holdout_start"])),
        rejected=refused.loc[refused.index.repeat(refused["row_count"])],
        breakdown=breakdown(totals),
        season_days=settings.model.seasonality_period_days if any(settings.model.degrees) else None,
    )
    loaded = artifacts.read_json(LOAD_WARNINGS) if artifacts.has(LOAD_WARNINGS, suffix=".json") else {"warnings": []}
    warnings = input_warnings(model_inputs, warehouse.read_table("excluded_channels"), settings)
    profile["warnings"] = [*loaded["warnings"], *warnings]
    path = artifacts.write_json(EDA_PROFILE, profile)
    findings = profile["findings"]
    return dg.MaterializeResult(
        metadata={
            "path": dg.MetadataValue.path(str(path)),
            "findings": len(findings),
            "data_warnings": dg.MetadataValue.json(profile["warnings"]),
            "first_findings": dg.MetadataValue.json(findings[:10]),
        },
        data_version=workspace.made(EDA_PROFILE, version_of(profile)),
    )
