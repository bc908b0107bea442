"""From a table contract to what Dagster shows of it: description, column schema, preview."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import dagster as dg
import pandas as pd

from mmm_pipeline.contracts import CONTRACTS

__all__ = ["column_schema", "preview", "table_asset", "table_out"]

_PREVIEW_ROWS = 20


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
) -> Callable[[Callable[..., pd.DataFrame]], dg.AssetsDefinition]:
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


def preview(table: pd.DataFrame, rows: int = _PREVIEW_ROWS) -> dg.TableMetadataValue:
    """The first rows as a table that the UI shows inline."""
    records = [
        dg.TableRecord({str(column): _plain(value) for column, value in row.items()})
        for row in table.head(rows).to_dict("records")
    ]
    return dg.MetadataValue.table(
        records, schema=dg.TableSchema([dg.TableColumn(str(column)) for column in table.columns])
    )


def _plain(value: Any) -> str | int | float | bool | None:
    if value is None or value is pd.NaT or (not isinstance(value, str) and pd.isna(value)):
        return None
    if isinstance(value, pd.Timestamp):
        return value.date().isoformat()
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float):
        return float(f"{value:.6g}")
    return value if isinstance(value, str | int | bool) else str(value)
