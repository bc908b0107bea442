"""Tables that are no files of their own (DuckDB, the demo) into staging."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from mmm_pipeline.errors import CampaignDataError, StoredResultError
from mmm_pipeline.ingestion.sources.headers import WantedColumns
from mmm_pipeline.ingestion.sources.layout import Layout
from mmm_pipeline.ingestion.sources.staging import RowBuffer, StagedTable, Staging
from mmm_pipeline.ingestion.sources.typed_columns import as_text, column, first_line, number_positions

__all__ = ["duckdb_identifier", "stage_duckdb", "stage_frame"]

_BATCH_ROWS = 100_000
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,127}\Z")


def stage_duckdb(staging: Staging, path: Path, table: str, wanted: WantedColumns) -> StagedTable:
    """Stage a table of another DuckDB file, opened for reading only; the first row is line 2.

    Raises:
        CampaignDataError: the file cannot be opened, or there is no such table, or it lacks columns.
    """
    import duckdb

    from mmm_pipeline.storage.warehouse.duckdb import open_database

    where = f"{path}:{table}"
    try:
        with open_database(path, read_only=True) as source:
            relation = source.sql(f"SELECT * FROM {duckdb_identifier(path, table)}")
            names = tuple(relation.columns)
            layout = Layout.of(names, wanted, where)
            stream = relation.to_arrow_reader(_BATCH_ROWS)
            staging.create(layout, number_columns=number_positions(stream.schema))
            staging.connection.register("incoming", stream)
            staging.connection.execute(
                f"""INSERT INTO source SELECT row_number() OVER () + 1, {as_text(layout, {})}
                FROM incoming AS t({", ".join(map(column, range(len(names))))})"""
            )
            staging.connection.unregister("incoming")
    except duckdb.CatalogException as error:
        raise CampaignDataError(f"{path}: has no table {table!r} (source.table): {first_line(error)}") from error
    except duckdb.OutOfMemoryException:
        raise
    except (duckdb.Error, StoredResultError) as error:
        raise CampaignDataError(f"{path}: cannot be read as a DuckDB database: {first_line(error)}") from error
    return StagedTable(layout, where)


def stage_frame(staging: Staging, frame: pd.DataFrame, wanted: WantedColumns, where: str) -> StagedTable:
    """Stage a DataFrame; the first row is line 2."""
    layout = Layout.of([str(name) for name in frame.columns], wanted, where)
    numbers = [at for at, kind in enumerate(frame.dtypes) if pd.api.types.is_numeric_dtype(kind)]
    staging.create(layout, number_columns=numbers)
    values = frame.astype(object).where(frame.notna(), None)
    texts = [[None if value is None else str(value) for value in values[name]] for name in frame.columns]
    rows = RowBuffer(staging, layout)
    for line, fields in enumerate(zip(*texts, strict=True), 2):
        rows.add(line, fields)
    rows.flush()
    return StagedTable(layout, where)


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
