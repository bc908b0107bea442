"""Stage 1: campaign rows in, each accepted or refused with a reason."""

# Dagster reads the type of `context` itself, so annotations are not postponed here.
from collections.abc import Iterator, Sequence

import dagster as dg

from mmm_pipeline.ingestion.rows.campaign_rows import rows_stay_in_bigquery
from mmm_pipeline.ingestion.rows.campaigns import load_campaigns
from mmm_pipeline.orchestration.metadata.table_outputs import column_schema, preview
from mmm_pipeline.orchestration.metadata.warehouse_jobs import job_metadata
from mmm_pipeline.orchestration.resources.workspace import WorkspaceResource
from mmm_pipeline.tables.catalog import CONTRACTS

_GROUP = "ingestion"


def _table_spec(name: str, deps: Sequence[str]) -> dg.AssetSpec:
    return dg.AssetSpec(
        name,
        deps=list(deps),
        group_name=_GROUP,
        description=CONTRACTS[name].description,
        kinds={"table"},
        metadata={"dagster/column_schema": column_schema(name)},
    ).with_io_manager_key("tables")


def build_ingest_campaigns(deps: Sequence[str] = ()) -> dg.AssetsDefinition:
    """The three tables that become of the campaign source; `deps`: assets that bring rows into it."""
    specs = [_table_spec(name, deps) for name in ("raw_campaigns", "rejected_rows", "campaign_totals")]

    @dg.multi_asset(specs=specs, name="ingest_campaigns")
    def ingest_campaigns(
        context: dg.AssetExecutionContext, workspace: WorkspaceResource
    ) -> Iterator[dg.MaterializeResult]:
        """Judge the rows of the campaign source where they are; refuse bad rows by name."""
        settings, warehouse = workspace.settings(), workspace.warehouse()
        summary = load_campaigns(warehouse, settings)
        context.log.info(
            f"{summary.accepted} rows accepted, {summary.rejected} rejected, from {summary.source}"
            + (f"; {summary.later} rows after {settings.split.as_of} are not seen" if summary.later else "")
        )
        kept = summary.source if rows_stay_in_bigquery(settings) else warehouse.place
        jobs = job_metadata([*summary.jobs, *warehouse.take_jobs()])
        yield dg.MaterializeResult(
            asset_key="raw_campaigns",
            metadata={"dagster/row_count": summary.accepted, "source": summary.source, "rows_are_in": kept, **jobs},
            data_version=dg.DataVersion(summary.fingerprint),
        )
        refused = warehouse.read_table("rejected_rows", limit=20)
        yield dg.MaterializeResult(
            asset_key="rejected_rows",
            metadata={
                "dagster/row_count": summary.rejected,
                "reasons": dg.MetadataValue.json(dict(summary.reasons)),
                "rows": preview(refused),
            },
        )
        yield dg.MaterializeResult(
            asset_key="campaign_totals",
            metadata={
                "dagster/row_count": warehouse.row_count("campaign_totals"),
                "totals": preview(warehouse.read_table("campaign_totals", limit=20)),
            },
        )

    return ingest_campaigns
