"""Beside the model: what the data itself says, deterministically."""

from __future__ import annotations

import datetime as dt
from typing import Any

import dagster as dg
import pandas as pd

from mmm_pipeline.ingestion.rows.totals import breakdown
from mmm_pipeline.orchestration.resources.workspace import WorkspaceResource
from mmm_pipeline.reporting.results.stored import EDA_PROFILE


@dg.asset(
    name=EDA_PROFILE,
    deps=["campaign_totals"],
    group_name="inputs",
    kinds={"json"},
    description="Deterministic statistics of the data: activity, collinearity, lagged correlation, outliers, profile.",
)
def eda_profile(media_matrix: pd.DataFrame, model_inputs: Any, workspace: WorkspaceResource) -> dg.MaterializeResult:
    """Profile the daily series; the facts under every narrative."""
    from mmm_pipeline.mmm.eda.profile import eda_profile as profile_of

    totals = workspace.warehouse().read_table("campaign_totals")
    refused = totals.loc[totals["reason"].notna()]
    profile = profile_of(
        media_matrix,
        holdout_start=dt.date.fromisoformat(str(model_inputs.attrs["holdout_start"])),
        rejected=refused.loc[refused.index.repeat(refused["row_count"])],
        breakdown=breakdown(totals),
    )
    path = workspace.artifacts().write_json(EDA_PROFILE, profile)
    findings = profile["findings"]
    return dg.MaterializeResult(
        metadata={
            "path": dg.MetadataValue.path(str(path)),
            "findings": len(findings),
            "first_findings": dg.MetadataValue.json(findings[:10]),
        }
    )
