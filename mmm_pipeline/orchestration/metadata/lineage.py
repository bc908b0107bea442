"""Which columns a table's columns are made of, for the tables where that can be said column by column."""

from __future__ import annotations

import dagster as dg

from mmm_pipeline.tables.catalog import CONTRACTS, about

__all__ = ["column_lineage"]


def column_lineage(table: str) -> dg.TableColumnLineage | None:
    """As Dagster stores it; None for a table whose columns come from a posterior as a whole."""
    lines = about(table).lineage.strip().splitlines() if table in CONTRACTS else []
    if not lines:
        return None
    made_of: dict[str, list[dg.TableColumnDep]] = {}
    for line in lines:
        columns, _, sources = line.partition(" = ")
        pairs = [source.strip().split(".") for source in sources.split(",")]
        for column in columns.split():
            made_of[column] = [dg.TableColumnDep(asset_key=asset, column_name=name) for asset, name in pairs]
    return dg.TableColumnLineage(deps_by_column=made_of)
