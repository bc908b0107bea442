"""Tables that have types already (Parquet, DuckDB, the demo) into staging, as text like every other source."""

from __future__ import annotations

import glob
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from mmm_pipeline.errors import CampaignDataError, StoredResultError
from mmm_pipeline.ingestion.sources.headers import WantedColumns
from mmm_pipeline.ingestion.sources.layout import Layout
from mmm_pipeline.ingestion.sources.staging import RowBuffer, StagedTable, Staging

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["duckdb_identifier", "stage_duckdb", "stage_frame", "stage_parquet"]

_BATCH_ROWS = 100_000
_OFFSET = re.compile(r"(?:UTC|GMT)?([+-])(\d{2}):?(\d{2})")
_ZONE_NAME = re.compile(r"[A-Za-z0-9_+/-]{1,64}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,127}\Z")


def stage_parquet(staging: Staging, path: Path, wanted: WantedColumns) -> StagedTable:
    """Stage a Parquet file; `line_number` counts as in a CSV file of the same rows, the first row being line 2.

    A timestamp with a time zone is read in that zone, so that its day is the one that was meant.

    Raises:
        CampaignDataError: the file is not a readable Parquet file, lacks columns, or has a time zone that is not known.
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
        layout = Layout.of(names, wanted, f"{path}")
        staging.create(layout, number_columns=_numbers(schema))
        positions = range(len(names))
        texts = _as_text(layout, {at: schema.field(at).type.tz for at in positions if _is_zoned(schema.field(at).type)})
        staging.connection.execute(
            f"""INSERT INTO source SELECT line_number + 2, {texts}
            FROM read_parquet($path, file_row_number = true, hive_partitioning = false)
                AS t({", ".join([*map(_column, positions), "line_number"])})""",
            {"path": glob.escape(str(path))},
        )
    except _UnknownZone as error:
        raise CampaignDataError(
            f"{path}: column {names[error.position]!r} has the time zone {error.zone!r}, which is not known: accepted "
            "are an offset such as +09:00 and a name such as Asia/Seoul. Write it as dates, or in one of these zones"
        ) from error
    except duckdb.OutOfMemoryException:
        raise
    except (pa.ArrowException, duckdb.Error, OSError, UnicodeError) as error:
        raise CampaignDataError(
            f"{path}: is not a readable Parquet file: {_first_line(error)}. "
            "It may be truncated or damaged: write it again"
        ) from error
    return StagedTable(layout, f"{path}")


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
            staging.create(layout, number_columns=_numbers(stream.schema))
            staging.connection.register("incoming", stream)
            staging.connection.execute(
                f"""INSERT INTO source SELECT row_number() OVER () + 1, {_as_text(layout, {})}
                FROM incoming AS t({", ".join(map(_column, range(len(names))))})"""
            )
            staging.connection.unregister("incoming")
    except duckdb.CatalogException as error:
        raise CampaignDataError(f"{path}: has no table {table!r} (source.table): {_first_line(error)}") from error
    except duckdb.OutOfMemoryException:
        raise
    except (duckdb.Error, StoredResultError) as error:
        raise CampaignDataError(f"{path}: cannot be read as a DuckDB database: {_first_line(error)}") from error
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


def _numbers(schema: pa.Schema) -> list[int]:
    """Positions of the columns of numbers."""
    import pyarrow as pa

    tests = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
    return [at for at, field in enumerate(schema) if any(test(field.type) for test in tests)]


def _is_zoned(field: pa.DataType) -> bool:
    return getattr(field, "tz", None) is not None


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]


def _column(position: int) -> str:
    return f"c{position}"


def _as_text(layout: Layout, zones: Mapping[int, str]) -> str:
    """The columns of staging as expressions over those of the source, which are called c0, c1, ...

    Args:
        layout: which ones.
        zones: position -> time zone of a column of timestamps.

    Raises:
        _UnknownZone: there is no such zone.
    """
    texts = []
    for position in layout.kept:
        value = _in_zone(position, zones[position]) if position in zones else _column(position)
        texts.append(f"NULLIF(CAST({value} AS VARCHAR), '')")
    if layout.is_wide:
        others = [_column(position) for position in range(len(layout.headers)) if position not in layout.kept]
        nothing = ", ".join(["NULL"] * len(others))
        texts.append(f"CAST(NULLIF(hash({', '.join(others)}), hash({nothing})) AS VARCHAR)")
    return ", ".join(texts)


def _in_zone(position: int, zone: str) -> str:
    """The local time of a timestamp; DuckDB knows zones by name only, Arrow also by offset."""
    if offset := _OFFSET.fullmatch(zone):
        minutes = int(offset[2]) * 60 + int(offset[3])
        return f"timezone('UTC', {_column(position)}) {offset[1]} INTERVAL {minutes} MINUTE"
    if not _ZONE_NAME.fullmatch(zone) or not _is_zone(zone):
        raise _UnknownZone(position, zone)
    return f"timezone('{zone}', {_column(position)})"


def _is_zone(name: str) -> bool:
    import duckdb

    query = "SELECT COUNT(*) FROM pg_timezone_names() WHERE lower(name) = lower($name)"
    [(found,)] = duckdb.execute(query, {"name": name}).fetchall()
    return bool(found)


class _UnknownZone(Exception):
    def __init__(self, position: int, zone: str) -> None:
        super().__init__(zone)
        self.position = position
        self.zone = zone
