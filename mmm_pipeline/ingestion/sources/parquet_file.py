"""Parquet files into staging."""

from __future__ import annotations

import glob
from pathlib import Path

from mmm_pipeline.errors import CampaignDataError
from mmm_pipeline.ingestion.sources.file_format import FileFormat
from mmm_pipeline.ingestion.sources.headers import WantedColumns
from mmm_pipeline.ingestion.sources.layout import Layout
from mmm_pipeline.ingestion.sources.staging import StagedTable, Staging
from mmm_pipeline.ingestion.sources.typed_columns import (
    UnknownZone,
    as_text,
    column,
    first_line,
    number_positions,
    zones_of,
)

__all__ = ["PARQUET", "stage_parquet"]


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
        staging.create(layout, number_columns=number_positions(schema))
        texts = as_text(layout, zones_of(schema))
        staging.connection.execute(
            f"""INSERT INTO source SELECT line_number + 2, {texts}
            FROM read_parquet($path, file_row_number = true, hive_partitioning = false)
                AS t({", ".join([*map(column, range(len(names))), "line_number"])})""",
            {"path": glob.escape(str(path))},
        )
    except UnknownZone as error:
        raise error.refusal(path, names) from error
    except duckdb.OutOfMemoryException:
        raise
    except (pa.ArrowException, duckdb.Error, OSError, UnicodeError) as error:
        raise CampaignDataError(
            f"{path}: is not a readable Parquet file: {first_line(error)}. "
            "It may be truncated or damaged: write it again"
        ) from error
    return StagedTable(layout, f"{path}")


PARQUET = FileFormat("Parquet", (".parquet", ".pq"), b"PAR1", stage_parquet)
