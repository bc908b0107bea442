"""From a table contract to what Dagster shows of it: description, column schema, preview."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import dagster as dg
import pandas as pd

from mmm_pipeline.orchestration.metadata.table_preview import preview
from mmm_pipeline.tables.catalog import CONTRACTS

__all__ = ["column_schema", "preview", "table_asset", "table_out"]


def column_schema(name: str) -> dg.TableSchema:
    """Columns, types, units and meaning of a contract, as the UI shows them."""
    columns = []
    for column, field in CONTRACTS[name].columns.items():
        unit = (field.metadata or {}).get("unit")
        description = f"{field.description} [{unit}]" if unit else field.description
        columns.append(
            dg.TableColumn(
                name=str(column),
                type=str(field.dtype),
                description=description,
                constraints=dg.TableColumnConstraints(nullable=field.nullable),
            )
        )
    return dg.TableSchema(columns=columns)


def table_out(name: str, *, group: str, kinds: set[str] | None = None) -> dg.AssetOut:
    """An output that is the warehouse table `name`, described by its contract."""
    return dg.AssetOut(
        key=dg.AssetKey([name]),
        dagster_type=pd.DataFrame,
        io_manager_key="tables",
        description=CONTRACTS[name].description,
        metadata={"dagster/column_schema": column_schema(name)},
        group_name=group,
        kinds={"table"} | (kinds or set()),
    )


def table_asset(
    name: str, *, group: str, deps: Sequence[str] = ()
) -> Callable[[Callable[..., pd.DataFrame | dg.Output[pd.DataFrame]]], dg.AssetsDefinition]:
    """Decorator: an asset that returns the warehouse table `name`, described by its contract."""
    return dg.asset(
        name=name,
        deps=list(deps),
        io_manager_key="tables",
        description=CONTRACTS[name].description,
        metadata={"dagster/column_schema": column_schema(name)},
        group_name=group,
        kinds={"table"},
    )
