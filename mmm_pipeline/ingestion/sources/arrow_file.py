"""Arrow files (Feather), as R, pandas and Polars write them, into staging."""

from __future__ import annotations

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

__all__ = ["ARROW", "stage_arrow"]


def stage_arrow(staging: Staging, path: Path, wanted: WantedColumns) -> StagedTable:
    """Stage an Arrow IPC file, which is what Feather files are; the first row is line 2.

    Source of the format: Apache Arrow, "IPC File Format" (Feather version 2).

    Raises:
        CampaignDataError: the file is not a readable Arrow file, lacks columns, or has a time zone that is not known.
    """
    import duckdb
    import pyarrow as pa

    names: tuple[str, ...] = ()
    try:
        with pa.memory_map(str(path)) as file:
            reader = pa.ipc.open_file(file)
            names = tuple(reader.schema.names)
            if not names:
                raise CampaignDataError(f"{path}: has no columns")
            layout = Layout.of(names, wanted, f"{path}")
            staging.create(layout, number_columns=number_positions(reader.schema))
            batches = (reader.get_batch(number) for number in range(reader.num_record_batches))
            staging.connection.register("incoming", pa.RecordBatchReader.from_batches(reader.schema, batches))
            staging.connection.execute(
                f"""INSERT INTO source SELECT row_number() OVER () + 1, {as_text(layout, zones_of(reader.schema))}
                FROM incoming AS t({", ".join(map(column, range(len(names))))})"""
            )
            staging.connection.unregister("incoming")
    except UnknownZone as error:
        raise error.refusal(path, names) from error
    except duckdb.OutOfMemoryException:
        raise
    except (pa.ArrowException, duckdb.Error, OSError, UnicodeError) as error:
        raise CampaignDataError(
            f"{path}: is not a readable Arrow file: {first_line(error)}. It may be truncated or damaged: write it again"
        ) from error
    return StagedTable(layout, f"{path}")


ARROW = FileFormat("Arrow", (".arrow", ".feather"), b"ARROW1", stage_arrow)
