"""Stage 4b: whether the decision on a channel depends on which of the equally accurate specs is right."""

# Dagster reads the type of `context` itself, so annotations are not postponed here.
import dagster as dg
import pandas as pd

from mmm_pipeline.orchestration.assets.fits.fitting import FITTED_MODEL
from mmm_pipeline.orchestration.metadata.table_outputs import preview, table_out
from mmm_pipeline.orchestration.resources.kpi_reading import kpi_reading
from mmm_pipeline.orchestration.resources.workspace import WorkspaceResource
from mmm_pipeline.tables.catalog import empty_table

__all__ = ["spec_agreement"]

_GROUP = "selection"


@dg.multi_asset(
    outs={
        "spec_agreement": table_out("spec_agreement", group=_GROUP),
        "averaged_attribution": table_out("averaged_attribution", group=_GROUP),
    },
    deps=[FITTED_MODEL, "media_matrix"],
    name="spec_agreement",
)
def spec_agreement(
    leaderboard: pd.DataFrame, champion_fit: pd.DataFrame, workspace: WorkspaceResource
) -> tuple[dg.Output[pd.DataFrame], dg.Output[pd.DataFrame]]:
    """The band of ROI over the specs that may be right, and their average where it is asked for."""
    from mmm_pipeline.mmm.evaluation.averaging import SpecReturns, agreement_table, averaged_attribution, spec_returns
    from mmm_pipeline.mmm.evaluation.ranking import champion_key, crowned

    settings, artifacts = workspace.settings(), workspace.artifacts()
    interval = settings.report.credible_interval
    is_money = kpi_reading(workspace).is_money
    champion = champion_key(champion_fit)
    board = crowned(leaderboard, champion)
    board = board.set_index(board["adstock"] + "|" + board["degrees"].astype(str))
    rivals = board[board["is_rival"] | board["is_champion"]].index
    weights = {str(key): float(weight) for key, weight in board["weight"].dropna().items() if weight > 0}

    def returns_of(key: str) -> SpecReturns:
        fit, _ = artifacts.read_fit(FITTED_MODEL, key)
        horizon = settings.budget.horizon_periods(fit.data.grid.step)
        return spec_returns(fit, horizon, count_after_horizon=settings.budget.count_after_horizon)

    specs = {str(key): returns_of(str(key)) for key in board.index if key in rivals or key in weights}
    agreement = agreement_table(
        [specs[key] for key in rivals], champion, credible_interval=interval, break_even=1.0 if is_money else None
    )
    averaged = empty_table("averaged_attribution")
    if weights:
        averaged = averaged_attribution(list(specs.values()), weights, credible_interval=interval)
        if not is_money:
            averaged["probability_roi_above_1"] = float("nan")
    disputed = agreement[agreement["verdict"].str.startswith("disagree")]
    return (
        dg.Output(agreement, metadata={"table": preview(agreement, rows=50), "channels_disputed": len(disputed)}),
        dg.Output(averaged, metadata={"table": preview(averaged, rows=50), "specs": len(weights)}),
    )
