"""Frames of a contract's columns and types, made from rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import pandera.pandas as pa

__all__ = ["column_types", "frame_of"]


def column_types(schema: pa.DataFrameSchema) -> dict[str, str]:
    """Column -> pandas type, in the order of the contract; text is `object`, so that it can be missing."""
    types = {name: str(field.dtype) for name, field in schema.columns.items()}
    return {name: "object" if kind == "str" else kind for name, kind in types.items()}


def frame_of(schema: pa.DataFrameSchema, rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """The rows with the contract's columns and types; what a row lacks is empty.

    Raises:
        ValueError: a value that its column's type cannot hold.
    """
    types = column_types(schema)
    return pd.DataFrame(rows, columns=list(types)).astype(types)
