"""The backtest: what a partition forecast and advised, against what happened since. No part of the refresh."""

# Dagster reads the types of `context` and the resources itself, so annotations are not postponed here.
import math

import dagster as dg
import pandas as pd

from mmm_pipeline.orchestration.assets.fits.selection import CHAMPION_MODEL
from mmm_pipeline.orchestration.metadata.table_outputs import preview, table_out
from mmm_pipeline.orchestration.resources.workspace import WorkspaceResource

__all__ = ["BACKTEST_TABLES", "backtest"]

BACKTEST_TABLES = ("backtest", "backtest_channels")
_GROUP = "backtest"
_PLOTTED = (
    "mape", "wape", "bias", "coverage_50", "coverage_90", "naive_wape", "skill", "roi_change", "flips",
    "flips_unsupported", "uplift_promised", "uplift_in_hindsight",
)  # fmt: skip


@dg.multi_asset(
    outs={name: table_out(name, group=_GROUP) for name in BACKTEST_TABLES},
    deps=[CHAMPION_MODEL, "attribution", "budget_plan", "budget_summary"],
    name="backtest_scores",  # the job has the name of the table, and Dagster wants the step to have another one
)
def backtest(
    context: dg.AssetExecutionContext, workspace: WorkspaceResource
) -> tuple[dg.Output[pd.DataFrame], dg.Output[pd.DataFrame]]:
    """Score the partition on the days that followed it, and its advice against that of the partition before."""
    from mmm_pipeline.mmm.evaluation.backtest import backtest_table
    from mmm_pipeline.operations.backtest import score_partition

    settings = workspace.full_settings()
    row, channels = score_partition(workspace.home, settings, workspace.period())
    table = backtest_table([row])
    scores = {name: float(table[name].iloc[0]) for name in _PLOTTED}
    return (
        dg.Output(table, metadata={"table": preview(table), **_finite(scores)}),
        dg.Output(channels, metadata={"table": preview(channels, rows=50)}),
    )


def _finite(scores: dict[str, float]) -> dict[str, float]:
    """Rounded for people; what does not exist is left out, as the UI cannot plot it."""
    return {name: float(f"{value:.4g}") for name, value in scores.items() if math.isfinite(value)}
