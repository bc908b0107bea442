"""Stage 1: campaign rows in, each accepted or refused with a reason."""

# Dagster reads the type of `context` itself, so annotations are not postponed here.
from collections.abc import Iterator

import dagster as dg

from mmm_pipeline.assets.table_outputs import column_schema, preview
from mmm_pipeline.contracts import CONTRACTS
from mmm_pipeline.ingestion.load import load_campaigns
from mmm_pipeline.resources.workspace import Workspace

_GROUP = "ingestion"


def _table_spec(name: str) -> dg.AssetSpec:
    return dg.AssetSpec(
        name,
        group_name=_GROUP,
        description=CONTRACTS[name].description,
        kinds={"table", "duckdb"},
        metadata={"dagster/column_schema": column_schema(name)},
    ).with_io_manager_key("tables")


@dg.multi_asset(specs=[_table_spec("raw_campaigns"), _table_spec("rejected_rows")], name="ingest_campaigns")
def ingest_campaigns(context: dg.AssetExecutionContext, workspace: Workspace) -> Iterator[dg.MaterializeResult]:
    """Read the campaign source into the warehouse, inside DuckDB; refuse bad rows by name."""
    summary = load_campaigns(workspace.warehouse(), workspace.settings())
    context.log.info(f"{summary.accepted} rows accepted, {summary.rejected} rejected, from {summary.source}")
    yield dg.MaterializeResult(
        asset_key="raw_campaigns",
        metadata={"dagster/row_count": summary.accepted, "source": summary.source},
        data_version=dg.DataVersion(summary.fingerprint),
    )
    yield dg.MaterializeResult(
        asset_key="rejected_rows",
        metadata={
            "dagster/row_count": summary.rejected,
            "reasons": dg.MetadataValue.json(dict(summary.reasons)),
            "rows": preview(workspace.warehouse().read_table("rejected_rows", limit=20)),
        },
    )
