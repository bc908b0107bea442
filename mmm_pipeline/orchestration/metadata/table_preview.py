"""Figures and the first rows of tables as the Dagster UI shows them in place."""

from __future__ import annotations

from typing import Any

import dagster as dg
import pandas as pd

__all__ = ["for_people", "preview"]

_PREVIEW_ROWS = 20


def preview(table: pd.DataFrame, rows: int = _PREVIEW_ROWS) -> dg.TableMetadataValue:
    """The first rows as a table that the UI shows inline."""
    records = [
        dg.TableRecord({str(column): _plain(value) for column, value in row.items()})
        for row in table.head(rows).to_dict("records")
    ]
    return dg.MetadataValue.table(
        records, schema=dg.TableSchema([dg.TableColumn(str(column)) for column in table.columns])
    )


def for_people(value: float) -> float:
    """A figure with as many digits as a person reads: whole from 1,000 on, four significant ones below."""
    return float(f"{value:.0f}" if 1e3 <= abs(value) < 1e15 else f"{value:.4g}")


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
