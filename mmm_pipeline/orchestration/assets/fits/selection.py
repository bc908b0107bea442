"""Stage 4: rank the grid on the holdout, refit the champion on all periods."""

# Dagster reads the type of `context` itself, so annotations are not postponed here.
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import dagster as dg
import pandas as pd

from mmm_pipeline.mmm.reasons import told_reasons
from mmm_pipeline.orchestration.assets.fits.evaluation import evaluated
from mmm_pipeline.orchestration.assets.fits.fitting import (
    FITTED_MODEL,
    fit_metadata,
    fit_or_reuse,
    reusable_fit,
    take_from_another_partition,
)
from mmm_pipeline.orchestration.assets.fits.retries import retried
from mmm_pipeline.orchestration.assets.fits.specs import fit_fingerprint, spec_of_key
from mmm_pipeline.orchestration.assets.reporting.pictures import inline_picture
from mmm_pipeline.orchestration.metadata.table_outputs import preview, table_asset, table_out
from mmm_pipeline.orchestration.resources.workspace import WorkspaceResource
from mmm_pipeline.orchestration.runs.coordination import FIT_POOL
from mmm_pipeline.storage.champions import CHAMPION_MODEL, mark_champion

if TYPE_CHECKING:
    from mmm_pipeline.mmm.data.model_data import ModelData
    from mmm_pipeline.mmm.fit.fit import Fit
    from mmm_pipeline.mmm.specs import ModelSpec

__all__ = ["CHAMPION_MODEL", "champion_fit", "champion_model", "forecast", "leaderboard"]

_REFITS = "champion_refits"
"""Refits that did not converge, kept so that the same inputs need not draw them again."""
_MOST_REFITS = 3
"""Specs that are refitted at most before a run gives up."""
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
    """Refit the best converged spec on train and holdout days together; where that misses, the next one."""
    from mmm_pipeline.errors import ModelNotConverged
    from mmm_pipeline.mmm.data.model_data import model_data
    from mmm_pipeline.mmm.evaluation.ranking import champion_candidates

    settings, artifacts = workspace.settings(), workspace.artifacts()
    data = model_data(model_inputs)
    least = settings.ranking.least_converged_specs
    # A quick look ends in a report, and says everywhere that the fit did not converge where it did not.
    candidates = champion_candidates(leaderboard, least, accept_unconverged=settings.quick)
    passed_over: dict[str, str] = {}
    for key in candidates[: 1 if settings.quick else _MOST_REFITS]:
        with retried(context, settings):
            fit, reused = _refit(spec_of_key(settings, key, data), data, workspace, context.log.info)
        if fit.convergence.converged or settings.quick:
            break
        passed_over[key] = told_reasons(fit.convergence.failures)
        context.log.warning(f"{key} did not converge when refitted on all days: {passed_over[key]}")
    else:
        listed = "\n".join(f"  {key}: {missed}" for key, missed in passed_over.items())
        raise ModelNotConverged(
            f"{len(passed_over)} spec(s) converged on the train window, but not when refitted on all days, the best of "
            f"them {len(fit.attempts)} time(s):\n{listed}\n"
            "Raise sampler.warmup, sampler.draws, sampler.max_extensions or sampler.max_escalations"
        )
    if not fit.convergence.converged:
        context.log.warning(f"{key} did not converge: {told_reasons(fit.convergence.failures)}")
    artifacts.write_json(CHAMPION_MODEL, {"spec": key, "passed_over": passed_over})
    mark_champion(artifacts, quick=settings.quick)
    file = dg.MetadataValue.path(str(artifacts.path(CHAMPION_MODEL)))
    return dg.MaterializeResult(
        metadata={"spec": key, **fit_metadata(fit, reused), "file": file},
        data_version=workspace.made(CHAMPION_MODEL, artifacts.fit_fingerprint(CHAMPION_MODEL)),
    )


def _refit(
    spec: "ModelSpec", data: "ModelData", workspace: WorkspaceResource, log: Callable[[str], object]
) -> tuple["Fit", bool]:
    """A spec on all the data. Only a fit that may be used becomes the stored champion; others lie beside it."""
    settings, artifacts = workspace.settings(), workspace.artifacts()
    fingerprint = fit_fingerprint(spec, data, settings)
    stored = reusable_fit(artifacts, CHAMPION_MODEL, None, fingerprint, log)
    if stored is None and take_from_another_partition(workspace, settings, CHAMPION_MODEL, None, fingerprint):
        stored = reusable_fit(artifacts, CHAMPION_MODEL, None, fingerprint, log)
    if stored is not None and (stored.convergence.converged or settings.quick):
        log(f"champion {spec.key}: inputs and settings are unchanged, the stored fit is reused")
        return stored, True
    fit, reused = fit_or_reuse(
        spec, data, settings, artifacts, _REFITS, spec.key, workspace, log, label=f"champion {spec.key}"
    )
    if fit.convergence.converged or settings.quick:
        artifacts.promote(_REFITS, spec.key, CHAMPION_MODEL)
    return fit, reused


@table_asset("champion_fit", group=_GROUP, deps=[CHAMPION_MODEL])
def champion_fit(leaderboard: pd.DataFrame, workspace: WorkspaceResource) -> dg.Output[pd.DataFrame]:
    """Which spec decisions rest on, and whether its fit on all days may be trusted."""
    fit, _ = workspace.artifacts().read_fit(CHAMPION_MODEL)
    passed_over = workspace.artifacts().read_json(CHAMPION_MODEL)["passed_over"]
    place = leaderboard.loc[(leaderboard["adstock"] == fit.spec.adstock) & (leaderboard["degrees"] == fit.spec.degrees)]
    verdict, last = fit.convergence, fit.attempts[-1]
    table = pd.DataFrame(
        {
            "adstock": [fit.spec.adstock],
            "degrees": [fit.spec.degrees],
            "rank": pd.array(place["rank"].to_list()[:1] or [None], dtype="Int64"),
            "status": ["converged" if verdict.converged else "not_converged"],
            "reason": pd.Series([told_reasons(verdict.failures) or None], dtype=object),
            "passed_over": pd.Series(
                ["; ".join(f"{key}: {missed}" for key, missed in passed_over.items()) or None], dtype=object
            ),
            "rhat_max": [verdict.rhat_max],
            "ess_bulk_min": [verdict.ess_bulk_min],
            "ess_tail_min": [verdict.ess_tail_min],
            "divergences": [verdict.divergences],
            "attempts": [len(fit.attempts)],
            "draws": [last.draws * fit.posterior.sizes["chain"]],
            "seconds": [fit.seconds],
        }
    )
    return dg.Output(table, metadata={"table": preview(table)})


@table_asset("forecast", group=_GROUP, deps=[FITTED_MODEL])
def forecast(champion_fit: pd.DataFrame, model_inputs: Any, workspace: WorkspaceResource) -> dg.Output[pd.DataFrame]:
    """What the champion spec, fitted on the train days only, expected of every day."""
    from mmm_pipeline.mmm.data.model_data import holdout_of
    from mmm_pipeline.mmm.evaluation.ranking import champion_key
    from mmm_pipeline.mmm.fit.forecast import forecast_table
    from mmm_pipeline.reporting.charts.decisions.glance import forecast_glance

    settings = workspace.settings()
    fit, _ = workspace.artifacts().read_fit(FITTED_MODEL, champion_key(champion_fit))
    holdout = holdout_of(model_inputs)
    interval = settings.report.credible_interval
    table = forecast_table(fit, holdout.media, holdout.kpi, holdout.features, credible_interval=interval)
    ahead = table.loc[table["is_holdout"]]
    figures = {
        "holdout_periods": len(ahead),
        "holdout_days_inside_interval": float(ahead["observed"].between(ahead["low"], ahead["high"]).mean()),
        "holdout_forecast_over_observed": float(ahead["mean"].sum() / ahead["observed"].sum()),
    }
    return dg.Output(table, metadata={"picture": inline_picture(forecast_glance(table), "forecast"), **figures})
