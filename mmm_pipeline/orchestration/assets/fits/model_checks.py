"""Stage 5, beside the decisions: what a careful reader wants to see before believing them."""

from __future__ import annotations

from typing import Any

import dagster as dg
import pandas as pd

from mmm_pipeline.orchestration.assets.fits.fitting import FITTED_MODEL
from mmm_pipeline.orchestration.assets.fits.selection import CHAMPION_MODEL
from mmm_pipeline.orchestration.metadata.table_outputs import table_asset, table_out
from mmm_pipeline.orchestration.resources.workspace import WorkspaceResource

__all__ = ["predictive_check", "prior_posterior_density", "worst_parameter_draws"]

_GROUP = "model_checks"


@dg.multi_asset(
    outs={
        "predictive_pit": table_out("predictive_pit", group=_GROUP),
        "predictive_distribution": table_out("predictive_distribution", group=_GROUP),
    },
    deps=[FITTED_MODEL],
    name="predictive_check",
)
def predictive_check(
    champion_fit: pd.DataFrame, model_inputs: Any, workspace: WorkspaceResource
) -> tuple[dg.Output[pd.DataFrame], dg.Output[pd.DataFrame]]:
    """Whether the observed KPI looks like data that the champion spec would have produced."""
    from mmm_pipeline.mmm.data.model_data import holdout_of
    from mmm_pipeline.mmm.evaluation.predictive_check import predictive_check as check_of
    from mmm_pipeline.mmm.evaluation.ranking import champion_key

    settings = workspace.settings()
    fit, _ = workspace.artifacts().read_fit(FITTED_MODEL, champion_key(champion_fit))
    holdout = holdout_of(model_inputs)
    check = check_of(
        fit,
        holdout.media,
        holdout.kpi,
        holdout.features,
        credible_interval=settings.report.credible_interval,
        seed=settings.sampler.seed,
    )
    ahead = check.pit[check.pit["is_holdout"]]
    inside = float(ahead["pit"].between(0.05, 0.95).mean()) if len(ahead) else float("nan")
    return (
        dg.Output(check.pit, metadata={"holdout_days_between_5_and_95_percent": inside}),
        dg.Output(check.distribution),
    )


@table_asset("prior_posterior_density", group=_GROUP, deps=[CHAMPION_MODEL])
def prior_posterior_density(workspace: WorkspaceResource) -> pd.DataFrame:
    """What was assumed of each channel's ROI, and what the data made of it."""
    from mmm_pipeline.mmm.evaluation.prior_posterior import prior_posterior_density as density_of

    fit, _ = workspace.artifacts().read_fit(CHAMPION_MODEL)
    return density_of(fit, seed=workspace.settings().sampler.seed)


@table_asset("worst_parameter_draws", group=_GROUP, deps=[CHAMPION_MODEL])
def worst_parameter_draws(workspace: WorkspaceResource) -> pd.DataFrame:
    """The chains of the parameters that mixed worst, to look at."""
    from mmm_pipeline.mmm.evaluation.worst_parameters import worst_parameter_draws as draws_of

    fit, _ = workspace.artifacts().read_fit(CHAMPION_MODEL)
    return draws_of(fit)
