"""Tables that have types already (Parquet, DuckDB, the demo) into staging, as text like every other source."""

from __future__ import annotations

import glob
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from mmm_pipeline.errors import CampaignDataError, StoredResultError
from mmm_pipeline.ingestion.sources.staging import Staging

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["duckdb_identifier", "stage_duckdb", "stage_frame", "stage_parquet"]

_BATCH_ROWS = 100_000
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,127}\Z")


def stage_parquet(staging: Staging, path: Path) -> tuple[str, ...]:
    """Stage a Parquet file; `line_number` counts as in a CSV file of the same rows, the first row being line 2.

    A timestamp with a time zone is read in that zone, so that its day is the one that was meant.

    Raises:
        CampaignDataError: the file is not a readable Parquet file, or has no columns.
    """
    import duckdb
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            schema = file.schema_arrow
        names = tuple(schema.names)
        if not names:
            raise CampaignDataError(f"{path}: has no columns")
        staging.create(names)
        zones = {f"zone_{position}": field.type.tz for position, field in enumerate(schema) if _is_zoned(field.type)}
        texts = _as_text(staging.columns, zones)
        staging.connection.execute(
            f"""INSERT INTO source SELECT line_number + 2, {texts}
            FROM read_parquet($path, file_row_number = true, hive_partitioning = false)
                AS t({", ".join([*staging.columns, "line_number"])})""",
            {"path": glob.escape(str(path)), **zones},
        )
    except (pa.ArrowException, duckdb.Error, OSError, UnicodeError) as error:
        raise CampaignDataError(
            f"{path}: is not a readable Parquet file: {_first_line(error)}. "
            "It may be truncated or damaged: write it again"
        ) from error
    return names


def stage_duckdb(staging: Staging, path: Path, table: str) -> tuple[str, ...]:
    """Stage a table of another DuckDB file, opened for reading only; the first row is line 2.

    Raises:
        CampaignDataError: the file cannot be opened, or there is no such table.
    """
    import duckdb

    from mmm_pipeline.storage.warehouse.duckdb import open_database

    try:
        with open_database(path, read_only=True) as source:
            relation = source.sql(f"SELECT * FROM {duckdb_identifier(path, table)}")
            names = tuple(relation.columns)
            staging.create(names)
            stream = relation.to_arrow_reader(_BATCH_ROWS)
            staging.connection.register("incoming", stream)
            staging.connection.execute(
                f"""INSERT INTO source SELECT row_number() OVER () + 1, {_as_text(staging.columns, {})}
                FROM incoming AS t({", ".join(staging.columns)})"""
            )
            staging.connection.unregister("incoming")
    except duckdb.CatalogException as error:
        raise CampaignDataError(f"{path}: has no table {table!r} (source.table): {_first_line(error)}") from error
    except (duckdb.Error, StoredResultError) as error:
        raise CampaignDataError(f"{path}: cannot be read as a DuckDB database: {_first_line(error)}") from error
    return names


def stage_frame(staging: Staging, frame: pd.DataFrame) -> tuple[str, ...]:
    """Stage a DataFrame; the first row is line 2."""
    names = tuple(str(name) for name in frame.columns)
    staging.create(names)
    rows = frame.astype(object).where(frame.notna(), None)
    texts = [[None if value is None else str(value) for value in rows[name]] for name in frame.columns]
    staging.append(range(2, len(frame) + 2), list(zip(*texts, strict=True)))
    return names


def duckdb_identifier(path: Path, table: str) -> str:
    """`[schema.]table`, validated and quoted.

    Raises:
        CampaignDataError: it cannot name a table.
    """
    parts = table.split(".")
    if not 1 <= len(parts) <= 2 or not all(_NAME.match(part) for part in parts):
        raise CampaignDataError(
            f"{path}: {table!r} (source.table) cannot name a table: accepted is table or schema.table, "
            "of letters, digits, _ and -, not starting with a digit"
        )
    return ".".join(f'"{part}"' for part in parts)


def _is_zoned(field: pa.DataType) -> bool:
    return getattr(field, "tz", None) is not None


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]


def _as_text(columns: Sequence[str], zones: dict[str, str]) -> str:
    texts = []
    for position, column in enumerate(columns):
        zone = f"zone_{position}"
        value = f"timezone(${zone}, {column})" if zone in zones else column
        texts.append(f"NULLIF(CAST({value} AS VARCHAR), '')")
    return ", ".join(texts)
