"""Stage 1: campaign rows in, each accepted or refused with a reason."""

# Dagster reads the type of `context` itself, so annotations are not postponed here.
from collections import Counter
from collections.abc import Iterator, Sequence

import dagster as dg

from mmm_pipeline.ingestion.input_warnings import INPUT_WARNINGS, LOAD_WARNINGS
from mmm_pipeline.ingestion.rows.campaign_rows import rows_stay_in_bigquery
from mmm_pipeline.ingestion.rows.campaigns import load_campaigns
from mmm_pipeline.ingestion.shapes.row_tables import media_table
from mmm_pipeline.orchestration.metadata.table_outputs import column_schema, preview
from mmm_pipeline.orchestration.metadata.warehouse_jobs import job_metadata
from mmm_pipeline.orchestration.resources.workspace import WorkspaceResource
from mmm_pipeline.storage.settings_in_force import require_same_source
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
    """The tables that become of the sources; `deps`: assets that bring rows into them."""
    specs = [_table_spec(name, deps) for name in ("media_rows", "kpi_rows", "rejected_rows", "campaign_totals")]

    @dg.multi_asset(specs=specs, name="ingest_campaigns")
    def ingest_campaigns(
        context: dg.AssetExecutionContext, workspace: WorkspaceResource
    ) -> Iterator[dg.MaterializeResult]:
        """Judge the rows of media and KPI where they are; refuse bad rows by name."""
        settings, warehouse, home = workspace.settings(), workspace.warehouse(), workspace.home
        if not workspace.replace:
            require_same_source(home, settings.source)
        summary = load_campaigns(warehouse, settings)
        home.remember_settings(workspace.full_settings())
        context.log.info(
            f"{summary.accepted} rows accepted, {summary.rejected} rejected, from {summary.source}"
            + (f"; {summary.kpi.accepted} KPI rows from {summary.kpi.source}" if summary.kpi else "")
            + (f"; {summary.later} rows after {settings.split.as_of} are not seen" if summary.later else "")
        )
        for note in summary.notes:
            context.log.info(f"{summary.source}: {note}")
        read = {"sheets": ", ".join(summary.sheets)} if summary.sheets else {}
        if summary.notes:
            read["reading"] = "; ".join(summary.notes)
        for warning in summary.warnings:
            context.log.warning(warning)
        workspace.artifacts().write_json(LOAD_WARNINGS, {"warnings": list(summary.warnings)})
        kept = summary.source if rows_stay_in_bigquery(settings, media_table(settings)) else warehouse.place
        jobs = job_metadata([*summary.jobs, *warehouse.take_jobs()])
        yield dg.MaterializeResult(
            asset_key="media_rows",
            metadata={
                "dagster/row_count": summary.accepted,
                "source": summary.source,
                **read,
                "rows_are_in": kept,
                INPUT_WARNINGS: dg.MetadataValue.json([*summary.notes, *summary.warnings]),
                **jobs,
            },
            data_version=workspace.made("media_rows", summary.fingerprint),
        )
        own_kpi = summary.kpi
        yield dg.MaterializeResult(
            asset_key="kpi_rows",
            metadata={
                "dagster/row_count": 0 if own_kpi is None else own_kpi.accepted,
                "source": summary.source if own_kpi is None else own_kpi.source,
            },
            data_version=workspace.made("kpi_rows", summary.fingerprint),
        )
        rejected = summary.rejected + (0 if own_kpi is None else own_kpi.rejected)
        reasons = Counter(summary.reasons) + Counter({} if own_kpi is None else own_kpi.reasons)
        refused = warehouse.read_table("rejected_rows", limit=20)
        yield dg.MaterializeResult(
            asset_key="rejected_rows",
            metadata={
                "dagster/row_count": rejected,
                "reasons": dg.MetadataValue.json(dict(reasons)),
                "rows": preview(refused),
            },
            data_version=workspace.made("rejected_rows", summary.fingerprint),
        )
        yield dg.MaterializeResult(
            asset_key="campaign_totals",
            metadata={
                "dagster/row_count": warehouse.row_count("campaign_totals"),
                "totals": preview(warehouse.read_table("campaign_totals", limit=20)),
            },
            data_version=workspace.made("campaign_totals", summary.fingerprint),
        )

    return ingest_campaigns
