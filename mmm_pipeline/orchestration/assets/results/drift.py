"""Stage 5b: this refresh beside the one before."""

# Dagster reads the type of `context` itself, so annotations are not postponed here.
import dagster as dg
import pandas as pd

from mmm_pipeline.errors import StoredResultError
from mmm_pipeline.operations.budget_requests import budget_request
from mmm_pipeline.orchestration.assets.fits.selection import CHAMPION_MODEL
from mmm_pipeline.orchestration.metadata.table_outputs import preview, table_out
from mmm_pipeline.orchestration.resources.workspace import WorkspaceResource
from mmm_pipeline.storage.champions import champion_is_quick, earlier_champion
from mmm_pipeline.tables.catalog import empty_table

__all__ = ["drift"]


@dg.multi_asset(outs={"drift": table_out("drift", group="decisions")}, deps=[CHAMPION_MODEL], name="drift")
def drift(context: dg.AssetExecutionContext, workspace: WorkspaceResource) -> dg.Output[pd.DataFrame]:
    """ROI and recommended budget against those of the nearest partition before that has another champion."""
    settings, artifacts = workspace.settings(), workspace.artifacts()
    quick = settings.quick or champion_is_quick(artifacts)
    before = earlier_champion(workspace.folder(), settings, quick=quick)
    if before is None:
        told = (
            "no partition before this one has another champion: the next refresh with other data or settings is "
            "compared with this one"
        )
        context.log.info(told)
        return dg.Output(empty_table("drift"), metadata={"compared_with": told})
    try:
        earlier, _ = before.artifacts.read_fit(CHAMPION_MODEL)
    except StoredResultError as error:
        context.log.warning(f"the earlier champion cannot be compared with: {error}")
        return dg.Output(empty_table("drift"), metadata={"compared_with": str(error)})
    present, _ = artifacts.read_fit(CHAMPION_MODEL)

    from mmm_pipeline.mmm.evaluation.drift import drift_table

    request = budget_request(settings.budget, present.data.grid.step)
    table = drift_table(earlier, present, request, seed=settings.sampler.seed)
    return dg.Output(
        table,
        metadata={
            "compared_with": f"{earlier.spec.key} of partition {before.folder.key}, data to {earlier.data.grid.end}",
            "table": preview(table, rows=50),
            "channels_changed_by_data": int((table["verdict"] == "data").sum()),
            "unsupported_flips": int((table["recommendation"] == "flip_unsupported").sum()),
        },
    )
