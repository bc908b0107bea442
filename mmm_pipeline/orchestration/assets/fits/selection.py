"""Stage 4: rank the grid on the holdout, refit the winner on all days."""

# Dagster reads the type of `context` itself, so annotations are not postponed here.
from typing import Any

import dagster as dg
import pandas as pd

from mmm_pipeline.mmm.reasons import told_reasons
from mmm_pipeline.orchestration.assets.fits.evaluation import evaluated
from mmm_pipeline.orchestration.assets.fits.fitting import FITTED_MODEL, fit_metadata, fit_or_reuse
from mmm_pipeline.orchestration.assets.fits.retries import retried
from mmm_pipeline.orchestration.assets.fits.specs import spec_of_key
from mmm_pipeline.orchestration.assets.reporting.pictures import inline_picture
from mmm_pipeline.orchestration.metadata.table_outputs import preview, table_asset, table_out
from mmm_pipeline.orchestration.resources.workspace import WorkspaceResource
from mmm_pipeline.orchestration.runs.coordination import FIT_POOL
from mmm_pipeline.storage.champions import ChampionHistory, mark_champion

__all__ = ["CHAMPION_MODEL", "champion_model", "forecast", "leaderboard"]

CHAMPION_MODEL = "champion_model"
_GROUP = "selection"


@dg.multi_asset(
    outs={
        "leaderboard": table_out("leaderboard", group=_GROUP),
        "naive_forecasts": table_out("naive_forecasts", group=_GROUP),
        "rolling_origins": table_out("rolling_origins", group=_GROUP),
    },
    deps=[FITTED_MODEL],
    name="leaderboard",
)
def leaderboard(
    context: dg.AssetExecutionContext, model_inputs: Any, workspace: WorkspaceResource
) -> tuple[dg.Output[pd.DataFrame], dg.Output[pd.DataFrame], dg.Output[pd.DataFrame]]:
    """Score every spec and every naive forecast on the same days."""
    from mmm_pipeline.reporting.charts.decisions.glance import leaderboard_glance

    settings = workspace.settings()
    found = evaluated(settings, workspace.artifacts(), model_inputs, context.log.warning)
    champion = found.leaderboard.loc[found.leaderboard["is_champion"]]
    figures = {
        f"champion_{column}": float(champion[column].iloc[0])
        for column in (settings.ranking.error, "skill", "rhat_max", "ess_bulk_min")
        if len(champion)
    }
    best = float(found.naive[settings.ranking.error].min())
    converged = int((found.leaderboard["status"] == "converged").sum())
    context.log.info(
        f"{converged} of {len(found.leaderboard)} specs converged; "
        + (f"champion: {champion['adstock'].iloc[0]}|{champion['degrees'].iloc[0]}" if len(champion) else "no champion")
        + f", {settings.ranking.error} {figures.get(f'champion_{settings.ranking.error}', float('nan')):.4g}, "
        f"best naive forecast {best:.4g}"
    )
    picture = leaderboard_glance(found.leaderboard, found.naive, settings.ranking.error)
    return (
        dg.Output(
            found.leaderboard,
            metadata={
                "table": preview(found.leaderboard),
                "picture": inline_picture(picture, "leaderboard"),
                "converged_specs": converged,
                **figures,
            },
        ),
        dg.Output(found.naive, metadata={"table": preview(found.naive), f"best_{settings.ranking.error}": best}),
        dg.Output(found.rolling, metadata={"table": preview(found.rolling, rows=50)}),
    )


@dg.asset(
    name=CHAMPION_MODEL,
    deps=[FITTED_MODEL],
    group_name=_GROUP,
    kinds={"numpyro", "jax"},
    pool=FIT_POOL,
    description="The winning spec refitted on all the data; everything that is decided on comes from this posterior.",
)
def champion_model(
    context: dg.AssetExecutionContext, leaderboard: pd.DataFrame, model_inputs: Any, workspace: WorkspaceResource
) -> dg.MaterializeResult:
    """Refit the best converged spec on train and holdout days together."""
    from mmm_pipeline.errors import ModelNotConverged
    from mmm_pipeline.mmm.data.inputs import window_data
    from mmm_pipeline.mmm.evaluation.ranking import choose_champion

    settings = workspace.settings()
    data = window_data(model_inputs)
    spec = spec_of_key(settings, choose_champion(leaderboard, settings.ranking.least_converged_specs), data)
    with retried(context, settings):
        fit, reused = fit_or_reuse(
            spec,
            data,
            settings,
            workspace.artifacts(),
            CHAMPION_MODEL,
            None,
            workspace,
            context.log.info,
            label=f"champion {spec.key}",
        )
    if not fit.convergence.converged:
        missed = told_reasons(fit.convergence.failures)
        raise ModelNotConverged(
            f"the winning spec {spec.key} converged on the train window, but not when refitted on all days, after "
            f"{len(fit.attempts)} attempt(s): {missed}. Raise sampler.warmup, sampler.draws or sampler.max_escalations"
        )
    mark_champion(workspace.artifacts(), quick=settings.quick)
    kept = ChampionHistory(workspace.artifacts()).keep(CHAMPION_MODEL, settings.drift.keep_champions, settings.quick)
    file = dg.MetadataValue.path(str(workspace.artifacts().path(CHAMPION_MODEL)))
    return dg.MaterializeResult(
        metadata={"spec": spec.key, "kept_champions": kept, **fit_metadata(fit, reused), "file": file}
    )


@table_asset("forecast", group=_GROUP, deps=[FITTED_MODEL])
def forecast(leaderboard: pd.DataFrame, model_inputs: Any, workspace: WorkspaceResource) -> dg.Output[pd.DataFrame]:
    """What the champion spec, fitted on the train days only, expected of every day."""
    from mmm_pipeline.mmm.data.inputs import holdout_of
    from mmm_pipeline.mmm.evaluation.ranking import choose_champion
    from mmm_pipeline.mmm.fit.forecast import forecast_table
    from mmm_pipeline.reporting.charts.decisions.glance import forecast_glance

    settings = workspace.settings()
    champion = choose_champion(leaderboard, settings.ranking.least_converged_specs)
    fit, _ = workspace.artifacts().read_fit(FITTED_MODEL, champion)
    holdout = holdout_of(model_inputs)
    interval = settings.report.credible_interval
    table = forecast_table(fit, holdout.media, holdout.kpi, holdout.features, credible_interval=interval)
    ahead = table.loc[table["is_holdout"]]
    figures = {
        "holdout_days": len(ahead),
        "holdout_days_inside_interval": float(ahead["observed"].between(ahead["low"], ahead["high"]).mean()),
        "holdout_forecast_over_observed": float(ahead["mean"].sum() / ahead["observed"].sum()),
    }
    return dg.Output(table, metadata={"picture": inline_picture(forecast_glance(table), "forecast"), **figures})
