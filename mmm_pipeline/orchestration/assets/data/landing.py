"""Stage 0, when `landing.file` is set: an export is merged into the campaign table before the table is read."""

# Dagster reads the type of `context` itself, so annotations are not postponed here.
import dagster as dg

from mmm_pipeline.ingestion.input_warnings import INPUT_WARNINGS
from mmm_pipeline.orchestration.metadata.warehouse_jobs import job_metadata
from mmm_pipeline.orchestration.resources.workspace import WorkspaceResource

LANDED_CAMPAIGNS = "landed_campaigns"


@dg.asset(
    name=LANDED_CAMPAIGNS,
    group_name="ingestion",
    kinds={"table"},
    description="The campaign table, with the rows of landing.file merged into it by their key.",
)
def landed_campaigns(context: dg.AssetExecutionContext, workspace: WorkspaceResource) -> dg.MaterializeResult:
    """Merge the export: new rows are added, rows sent again replace, nothing else is touched."""
    from mmm_pipeline.ingestion.landing.landing import land
    from mmm_pipeline.ingestion.landing.tables import campaign_table

    settings, scratch = workspace.settings(), workspace.home.root
    if settings.landing.file is None:
        if workspace.full_settings().landing.file is None:
            raise dg.Failure("landing.file is empty: there is nothing to land")
        context.log.info("this partition is over: the export is landed by a refresh of the present one")
        return dg.MaterializeResult(metadata={"landed": False})
    done = land(settings.landing.file, campaign_table(settings, scratch=scratch), settings, scratch=scratch)
    context.log.info(f"{done.file}: {done.inserted} rows new, {done.replaced} replaced in {done.table}")
    for note in done.notes:
        context.log.info(f"{done.file}: {note}")
    for warning in done.warnings:
        context.log.warning(warning)
    return dg.MaterializeResult(
        metadata={
            "table": done.table,
            "file": done.file,
            **({"sheets": ", ".join(done.sheets)} if done.sheets else {}),
            "key": ", ".join(done.key),
            "inserted": done.inserted,
            "replaced": done.replaced,
            "removed": done.removed,
            INPUT_WARNINGS: dg.MetadataValue.json([*done.notes, *done.warnings]),
            "refused": dg.MetadataValue.json(dict(done.refused)),
            **job_metadata(done.jobs),
        }
    )
