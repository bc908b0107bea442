"""Stage 5a: the decisions' tables market by market, when `columns.market` keeps markets apart."""

from __future__ import annotations

import dagster as dg
import pandas as pd

from mmm_pipeline.orchestration.assets.fits.selection import CHAMPION_MODEL
from mmm_pipeline.orchestration.metadata.table_outputs import preview, table_asset, table_out
from mmm_pipeline.orchestration.resources.kpi_reading import kpi_reading
from mmm_pipeline.orchestration.resources.workspace import WorkspaceResource
from mmm_pipeline.tables.catalog import empty_table

__all__ = ["attribution_by_market", "response_curves_by_market"]

_GROUP = "decisions"


@dg.multi_asset(
    outs={
        "attribution_by_market": table_out("attribution_by_market", group=_GROUP),
        "contribution_over_time_by_market": table_out("contribution_over_time_by_market", group=_GROUP),
    },
    deps=[CHAMPION_MODEL, "media_matrix"],
    name="attribution_by_market",
)
def attribution_by_market(workspace: WorkspaceResource) -> tuple[dg.Output[pd.DataFrame], dg.Output[pd.DataFrame]]:
    """Contribution, share, ROI and marginal ROI of every channel in every market."""
    from mmm_pipeline.mmm.response.market_results import attribution_by_market as attribution_of

    settings = workspace.settings()
    fit, _ = workspace.artifacts().read_fit(CHAMPION_MODEL)
    if not fit.data.several_markets:
        nothing = (empty_table("attribution_by_market"), empty_table("contribution_over_time_by_market"))
        return dg.Output(nothing[0]), dg.Output(nothing[1])
    found = attribution_of(
        fit,
        horizon=settings.budget.horizon_periods(fit.data.grid.step),
        count_after_horizon=settings.budget.count_after_horizon,
        credible_interval=settings.report.credible_interval,
        seed=settings.sampler.seed,
    )
    if not kpi_reading(workspace).is_money:
        found.table["probability_roi_above_1"] = float("nan")
    return dg.Output(found.table, metadata={"table": preview(found.table, rows=50)}), dg.Output(found.over_time)


@table_asset("response_curves_by_market", group=_GROUP, deps=[CHAMPION_MODEL])
def response_curves_by_market(workspace: WorkspaceResource) -> pd.DataFrame:
    """Expected KPI per day against daily spend in every market."""
    from mmm_pipeline.mmm.response.market_results import response_curves_by_market as curves_of

    settings = workspace.settings()
    fit, _ = workspace.artifacts().read_fit(CHAMPION_MODEL)
    if not fit.data.several_markets:
        return empty_table("response_curves_by_market")
    horizon = settings.budget.horizon_periods(fit.data.grid.step)
    return curves_of(fit, horizon=horizon, credible_interval=settings.report.credible_interval)
