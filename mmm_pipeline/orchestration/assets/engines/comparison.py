"""Stage 4d: what other engines say beside ours, where any has been asked."""

# Dagster reads the type of `context` itself, so annotations are not postponed here.
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg
import pandas as pd

from mmm_pipeline.engines.answers import stored_answer
from mmm_pipeline.engines.catalog import Engine
from mmm_pipeline.engines.request import build_request
from mmm_pipeline.errors import StoredResultError
from mmm_pipeline.orchestration.assets.engines.engine_runs import ENGINES_GROUP, stored_engines
from mmm_pipeline.orchestration.assets.fits.fitting import FITTED_MODEL
from mmm_pipeline.orchestration.metadata.table_outputs import preview, table_out
from mmm_pipeline.orchestration.resources.workspace import WorkspaceResource
from mmm_pipeline.orchestration.runs.partitions import spec_keys
from mmm_pipeline.settings.pipeline import Settings
from mmm_pipeline.tables.catalog import CONTRACTS, empty_table

if TYPE_CHECKING:
    from mmm_pipeline.engines.comparison import View

__all__ = ["build_engine_comparison"]


def build_engine_comparison(deps: Sequence[str]) -> dg.AssetsDefinition:
    """The asset, after the engines' own assets `deps`."""

    @dg.multi_asset(
        outs={
            "engine_comparison": table_out("engine_comparison", group=ENGINES_GROUP),
            "engine_scores": table_out("engine_scores", group=ENGINES_GROUP),
        },
        deps=[FITTED_MODEL, *deps],
        name="engine_comparison",
    )
    def engine_comparison(
        context: dg.AssetExecutionContext, model_inputs: Any, champion_fit: pd.DataFrame, workspace: WorkspaceResource
    ) -> tuple[dg.Output[pd.DataFrame], dg.Output[pd.DataFrame]]:
        settings = workspace.settings()
        engines = stored_engines(settings, workspace)
        if not engines:
            told = "no other engine was asked (engines.run, or `mmm engines run NAME`)"
            return (
                dg.Output(empty_table("engine_comparison"), metadata={"engines": told}),
                dg.Output(empty_table("engine_scores"), metadata={"engines": told}),
            )
        from mmm_pipeline.engines.comparison import comparison_table, scores_table
        from mmm_pipeline.mmm.data.model_data import holdout_of
        from mmm_pipeline.mmm.evaluation.ranking import champion_key

        views = _views(engines, champion_key(champion_fit), model_inputs, settings, workspace)
        for view in views:
            if view.status != "ok":
                context.log.warning(f"{view.title} {view.model}: {view.status}: {view.reason}")
        scores = _typed("engine_scores", scores_table(views, holdout_of(model_inputs).kpi.to_numpy()))
        comparison = _typed("engine_comparison", comparison_table(views))
        verdicts = comparison.drop_duplicates("channel")["verdict"].value_counts()
        return (
            dg.Output(
                comparison,
                metadata={
                    "table": preview(comparison, rows=100),
                    **{f"channels_{verdict}": int(count) for verdict, count in verdicts.items()},
                },
            ),
            dg.Output(
                scores,
                metadata={"table": preview(scores, rows=50), "without_answer": int((scores["status"] != "ok").sum())},
            ),
        )

    return engine_comparison


def _views(
    engines: Sequence[Engine], champion: str, dataset: Any, settings: Settings, workspace: WorkspaceResource
) -> "list[View]":
    """Ours first: the champion's spec, and every other spec that an engine with our grid has fitted, too."""
    from mmm_pipeline.engines.comparison import View, view_of_result
    from mmm_pipeline.engines.ours import our_view
    from mmm_pipeline.mmm.data.model_data import holdout_of

    artifacts, theirs, keys = workspace.artifacts(), [], {champion}
    for engine in engines:
        grid = spec_keys(settings.model) if engine.grid else [champion]
        for key in grid:
            request = build_request(dataset, settings, engine, key)
            answer = stored_answer(artifacts, engine, key if engine.grid else None, request)
            if answer.result is not None:
                theirs.append(view_of_result(engine.name, engine.title, answer.result, counts=key == champion))
                keys.add(key if engine.grid else champion)
            elif key == champion or answer.status == "failed":
                counts = key == champion
                theirs.append(
                    View(engine.name, engine.title, key, status=answer.status, reason=answer.reason, counts=counts)
                )
    ours, interval = [], settings.report.credible_interval
    for key in sorted(keys, key=lambda key: key != champion):
        try:
            fit, _ = artifacts.read_fit(FITTED_MODEL, key)
        except StoredResultError:
            continue  # the leaderboard says why a spec of ours is missing
        ours.append(our_view(fit, holdout_of(dataset), credible_interval=interval, counts=key == champion))
    return [*ours, *theirs]


def _typed(name: str, table: pd.DataFrame) -> pd.DataFrame:
    return empty_table(name) if table.empty else CONTRACTS[name].validate(table)
