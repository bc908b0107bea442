"""Media and KPI rows into the warehouse, from wherever they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

import pandas as pd

from mmm_pipeline.ingestion.rows.load import JudgedTable, LoadSummary, RowsRefused, judge_file
from mmm_pipeline.ingestion.rows.totals import stored_totals
from mmm_pipeline.ingestion.shapes.row_tables import kpi_table, media_table
from mmm_pipeline.ingestion.sources.staging import staging_area
from mmm_pipeline.settings.pipeline import Settings
from mmm_pipeline.settings.sources import require_source
from mmm_pipeline.storage.warehouses import Warehouse
from mmm_pipeline.tables.catalog import empty_table

if TYPE_CHECKING:
    import pyarrow as pa

    from mmm_pipeline.ingestion.rows.bigquery import SourceTable

__all__ = ["load_campaigns"]

_ROWS = {"media": "media_rows", "kpi": "kpi_rows"}


def load_campaigns(warehouse: Warehouse, settings: Settings) -> LoadSummary:
    """Read the sources and replace the tables `media_rows`, `kpi_rows`, `rejected_rows` and `campaign_totals`.

    Rows of a file are parsed and judged inside DuckDB, rows in BigQuery there. When a source is refused as a whole,
    `media_rows` and `kpi_rows` stay as they were.

    Raises:
        SettingsError: no source is named.
        CampaignDataError: a source cannot be read, lacks columns or rows, or more than
            `validation.max_rejected_share` of its rows are refused (`rejected_rows` is written then).
        StoredResultError: the warehouse cannot be written.
        WarehouseError: BigQuery refused or cannot be reached.
    """
    require_source(settings.source)
    with ExitStack() as stack:
        judged: list[JudgedTable] = []
        remote: dict[str, SourceTable] = {}
        for table in filter(None, (media_table(settings), kpi_table(settings))):
            try:
                if table.source.kind == "bigquery":
                    from mmm_pipeline.ingestion.rows.bigquery import judge_bigquery_table

                    found, remote[table.name] = judge_bigquery_table(table, settings)
                else:
                    found = judge_file(stack.enter_context(staging_area(warehouse.scratch)), table, settings)
            except RowsRefused as refusal:
                if refusal.rejected is not None:
                    warehouse.write_table("rejected_rows", refusal.rejected)
                raise
            judged.append(found)
        _write(warehouse, judged, remote)
    media, *others = (it.summary for it in judged)
    return _with_kpi(media, others[0]) if others else media


def _write(warehouse: Warehouse, judged: Sequence[JudgedTable], remote: dict[str, SourceTable]) -> None:
    from mmm_pipeline.storage.warehouse.bigquery.warehouse import BigQueryWarehouse

    rows: dict[str, pd.DataFrame | pa.RecordBatchReader] = {}
    if len(judged) == 1:
        rows["kpi_rows"] = empty_table("kpi_rows")
    for it in judged:
        name = _ROWS[it.table.name]
        if it.accepted is not None:
            rows[name] = it.accepted
        elif isinstance(warehouse, BigQueryWarehouse):
            source = remote[it.table.name]
            warehouse.write_query(name, source.accepted(), source.parameters)
        else:
            warehouse.drop_table(name)
    if len(judged) == len(remote) == 1 and isinstance(warehouse, BigQueryWarehouse):
        [source] = remote.values()
        warehouse.write_query("rejected_rows", source.rejected(), source.rejected_parameters)
    else:
        rows["rejected_rows"] = judged[0].rejected if len(judged) == 1 else _joined([it.rejected for it in judged])
    totals = [stored_totals(it.totals).assign(table_name=it.table.name) for it in judged]
    warehouse.write_tables({**rows, "campaign_totals": pd.concat(totals, ignore_index=True)})


def _joined(parts: Sequence[pa.RecordBatchReader | pd.DataFrame]) -> pa.RecordBatchReader:
    """The refused rows of several tables, one table after the other."""
    import pyarrow as pa

    kinds = {"line_number": pa.int64()}
    schema = pa.schema([(name, kinds.get(name, pa.string())) for name in empty_table("rejected_rows").columns])

    def batches(part: pa.RecordBatchReader | pd.DataFrame) -> Iterator[pa.RecordBatch]:
        if isinstance(part, pd.DataFrame):
            yield from pa.Table.from_pandas(part[schema.names], schema, preserve_index=False).to_batches()
            return
        for batch in part:
            yield pa.Table.from_batches([batch]).select(schema.names).cast(schema).combine_chunks().to_batches()[0]

    return pa.RecordBatchReader.from_batches(schema, chain.from_iterable(map(batches, parts)))


def _with_kpi(media: LoadSummary, kpi: LoadSummary) -> LoadSummary:
    """The summary of the media rows, which also says what there is to know of the KPI rows."""
    return replace(
        media,
        warnings=(*media.warnings, *kpi.warnings),
        notes=(*media.notes, *(f"kpi: {note}" for note in kpi.notes)),
        fingerprint=f"{media.fingerprint}-{kpi.fingerprint}",
        jobs=(*media.jobs, *kpi.jobs),
        kpi=kpi,
    )
