"""Names and types of stored tables: applied before rows are stored and after they are read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pandas as pd

from mmm_pipeline.errors import StoredResultError
from mmm_pipeline.tables.catalog import CONTRACTS

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["as_arrow", "require_table_name", "typed"]

_TABLE_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}\Z")


def require_table_name(name: str) -> None:
    """Refuse what cannot name a table in every warehouse.

    Raises:
        StoredResultError: the name is not made of lower-case letters, digits and `_`.
    """
    if not _TABLE_NAME.match(name):
        raise StoredResultError(
            f"{name!r} cannot name a table: accepted are up to 63 lower-case letters, digits and _, a letter first"
        )


def as_arrow(name: str, rows: pd.DataFrame | pa.RecordBatchReader) -> pa.Table | pa.RecordBatchReader:
    """A table with the contract's types; a stream passes as it is."""
    import pyarrow as pa

    if not isinstance(rows, pd.DataFrame):
        return rows
    # Arrow, not DuckDB, decides the types: DuckDB guesses those of object columns from a sample.
    columns = {}
    for column, values in typed(name, rows).items():
        is_text = values.dtype == object and _contract_type(name, str(column)) == "str"
        columns[str(column)] = pa.Array.from_pandas(values, type=pa.string() if is_text else None)
    return pa.table(columns)


def typed(name: str, rows: pd.DataFrame) -> pd.DataFrame:
    """`rows` with the contract's types; a column that cannot have it keeps its own, for the checks to report."""
    return pd.DataFrame({column: _cast(values, _contract_type(name, str(column))) for column, values in rows.items()})


def _cast(values: pd.Series, dtype: str | None) -> pd.Series:
    if dtype is None:
        return values
    if dtype == "str":
        present = values.notna()
        return values.astype(object).where(present, None).map(lambda value: None if value is None else str(value))
    try:
        return values.astype(dtype)  # type: ignore[call-overload]
    except (TypeError, ValueError):
        return values


def _contract_type(name: str, column: str) -> str | None:
    schema = CONTRACTS.get(name)
    field = schema.columns.get(column) if schema is not None else None
    return str(field.dtype) if field is not None else None
