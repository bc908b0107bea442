"""Stage 4: rank the grid on the holdout, refit the winner on all days."""

# Dagster reads the type of `context` itself, so annotations are not postponed here.
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import dagster as dg
import pandas as pd

from mmm_pipeline.assets.fitting import FIT_POOL, FITTED_MODEL, fit_metadata, fit_or_reuse
from mmm_pipeline.assets.specs import fit_fingerprint, spec_of_key
from mmm_pipeline.assets.table_outputs import preview, table_asset, table_out
from mmm_pipeline.errors import StoredResultError
from mmm_pipeline.partitions import spec_keys
from mmm_pipeline.resources.artifacts import ArtifactStore
from mmm_pipeline.resources.champions import ChampionHistory
from mmm_pipeline.resources.workspace import Workspace
from mmm_pipeline.settings import Settings

if TYPE_CHECKING:
    from mmm_pipeline.mmm.inputs import FitData, PanelData
    from mmm_pipeline.mmm.ranking import Entry

__all__ = ["CHAMPION_MODEL", "champion_model", "forecast", "leaderboard"]

CHAMPION_MODEL = "champion_model"
_GROUP = "selection"


@dg.multi_asset(
    outs={
        "leaderboard": table_out("leaderboard", group=_GROUP),
        "naive_forecasts": table_out("naive_forecasts", group=_GROUP),
    },
    deps=[FITTED_MODEL],
    name="leaderboard",
)
def leaderboard(
    context: dg.AssetExecutionContext, model_inputs: Any, workspace: Workspace
) -> tuple[dg.Output[pd.DataFrame], dg.Output[pd.DataFrame]]:
    """Score every spec and every naive forecast on the same holdout."""
    from mmm_pipeline.mmm.inputs import holdout_of, train_data
    from mmm_pipeline.mmm.naive import score_naive_forecasts
    from mmm_pipeline.mmm.ranking import build_leaderboard

    train = train_data(model_inputs)
    holdout = holdout_of(model_inputs)
    naive = score_naive_forecasts(train.total_kpi, holdout.kpi.to_numpy())
    entries = _entries(workspace.settings(), workspace.artifacts(), train, holdout, context.log.warning)
    board = build_leaderboard(list(entries), naive)
    champion = board.loc[board["is_champion"]]
    figures = {
        f"champion_{column}": float(champion[column].iloc[0])
        for column in ("mape", "skill", "rhat_max", "ess_bulk_min")
        if len(champion)
    }
    return (
        dg.Output(board, metadata={"table": preview(board), **figures}),
        dg.Output(naive, metadata={"table": preview(naive), "best_mape": float(naive["mape"].min())}),
    )


def _entries(
    settings: Settings,
    artifacts: ArtifactStore,
    train: "FitData | PanelData",
    holdout: Any,
    warn: Callable[[str], object],
) -> "Iterator[Entry]":
    """One entry per spec of the grid; one without a usable fit says why."""
    from mmm_pipeline.mmm.ranking import entry_of_fit, entry_without_fit, score_fit

    for adstock, degrees in spec_keys(settings.model):
        key = f"{adstock}|{degrees}"
        spec = spec_of_key(settings, key)
        if artifacts.has(FITTED_MODEL, key, ".failure.json"):
            yield entry_without_fit(spec, "failed", artifacts.read_json(FITTED_MODEL, f"{key}.failure")["error"])
            continue
        try:
            fit, fingerprint = artifacts.read_fit(FITTED_MODEL, key)
        except StoredResultError as error:
            warn(str(error))
            yield entry_without_fit(spec, "missing", str(error))
            continue
        if fingerprint != fit_fingerprint(spec, train, settings):
            yield entry_without_fit(
                spec, "stale", "fitted on other inputs or settings: materialize the partition again"
            )
            continue
        yield entry_of_fit(fit, score_fit(fit, holdout.media, holdout.kpi, holdout.features))


@dg.asset(
    name=CHAMPION_MODEL,
    deps=[FITTED_MODEL],
    group_name=_GROUP,
    kinds={"numpyro", "jax"},
    pool=FIT_POOL,
    description="The winning spec refitted on all the data; everything that is decided on comes from this posterior.",
)
def champion_model(
    context: dg.AssetExecutionContext, leaderboard: pd.DataFrame, model_inputs: Any, workspace: Workspace
) -> dg.MaterializeResult:
    """Refit the best converged spec on train and holdout days together."""
    from mmm_pipeline.errors import ModelNotConverged
    from mmm_pipeline.mmm.inputs import window_data
    from mmm_pipeline.mmm.ranking import choose_champion

    settings = workspace.settings()
    spec = spec_of_key(settings, choose_champion(leaderboard))
    fit, reused = fit_or_reuse(
        spec,
        window_data(model_inputs),
        settings,
        workspace.artifacts(),
        CHAMPION_MODEL,
        None,
        workspace,
        context.log.info,
        label=f"champion {spec.key}",
    )
    if not fit.convergence.converged:
        missed = "; ".join(fit.convergence.failures)
        raise ModelNotConverged(
            f"the winning spec {spec.key} converged on the train window, but not when refitted on all days, after "
            f"{len(fit.attempts)} attempt(s): {missed}. Raise sampler.warmup, sampler.draws or sampler.max_escalations"
        )
    kept = ChampionHistory(workspace.artifacts()).keep(CHAMPION_MODEL, settings.drift.keep_champions, settings.quick)
    return dg.MaterializeResult(metadata={"spec": spec.key, "kept_champions": kept, **fit_metadata(fit, reused)})


@table_asset("forecast", group=_GROUP, deps=[FITTED_MODEL])
def forecast(leaderboard: pd.DataFrame, model_inputs: Any, workspace: Workspace) -> pd.DataFrame:
    """What the champion spec, fitted on the train days only, expected of every day."""
    from mmm_pipeline.mmm.forecast import forecast_table
    from mmm_pipeline.mmm.inputs import holdout_of
    from mmm_pipeline.mmm.ranking import choose_champion

    fit, _ = workspace.artifacts().read_fit(FITTED_MODEL, choose_champion(leaderboard))
    holdout = holdout_of(model_inputs)
    interval = workspace.settings().report.credible_interval
    return forecast_table(fit, holdout.media, holdout.kpi, holdout.features, credible_interval=interval)
