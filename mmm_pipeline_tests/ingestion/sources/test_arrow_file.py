"""Arrow files (Feather): the rows that were written, and one message for what cannot be read."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pyarrow as pa
import pyarrow.feather as feather
import pytest

from mmm_pipeline.errors import CampaignDataError
from mmm_pipeline.ingestion.rows.campaigns import load_campaigns
from mmm_pipeline.settings.pipeline import parse_settings
from mmm_pipeline.storage.warehouse.duckdb import DuckDBWarehouse


def _table(rows: int, zone: str | None = None) -> pa.Table:
    """Rows of two channels, a day each; spend of row i is i / 4."""
    first = dt.datetime(2025, 3, 3, 23, 30)
    days = [first + dt.timedelta(days=i // 2) for i in range(rows)]
    dates = pa.array(days, pa.timestamp("us")) if zone is None else pa.array(days, pa.timestamp("us", tz=zone))
    return pa.table(
        {
            "Date": dates,
            "Ad group alias": [("Search", "Video")[i % 2] for i in range(rows)],
            "Impressions": pa.array(range(100, 100 + rows), pa.int64()),
            "Spend": pa.array([i / 4 for i in range(rows)]),
            "Sales": pa.array([10.0 + i for i in range(rows)]),
        }
    )


def _loaded(path: Path, tmp_path: Path) -> DuckDBWarehouse:
    warehouse = DuckDBWarehouse(tmp_path / "warehouse.duckdb")
    load_campaigns(warehouse, parse_settings({"source": {"kind": "file", "path": str(path)}}))
    return warehouse


@pytest.mark.parametrize("suffix", [".feather", ".arrow"])
@pytest.mark.parametrize("compression", ["lz4", "uncompressed"])
def test_every_row_is_read(suffix: str, compression: str, tmp_path: Path) -> None:
    path = tmp_path / f"export{suffix}"
    feather.write_feather(_table(120), path, compression=compression, chunksize=50)
    rows = _loaded(path, tmp_path).read_table("media_rows")
    assert len(rows) == 120
    assert rows["spend"].sum() == sum(i / 4 for i in range(120))
    assert rows["media_units"].tolist() == list(range(100, 220))
    assert rows["line_number"].tolist() == list(range(2, 122))
    assert rows["date"].min() == dt.datetime(2025, 3, 3)


def test_a_time_zone_keeps_the_local_day(tmp_path: Path) -> None:
    path = tmp_path / "export.feather"
    feather.write_feather(_table(120, zone="+09:00"), path)
    # 23:30 UTC on the third is the morning of the fourth nine hours east.
    assert _loaded(path, tmp_path).read_table("media_rows")["date"].min() == dt.datetime(2025, 3, 4)


@pytest.mark.parametrize("kept", [8, 400, -8])
def test_a_file_that_is_cut_is_one_message(kept: int, tmp_path: Path) -> None:
    path = tmp_path / "export.feather"
    feather.write_feather(_table(120), path)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(CampaignDataError, match=r"export\.feather: is not a readable Arrow file"):
        _loaded(path, tmp_path)


def test_another_kind_of_file_under_its_name_is_told(tmp_path: Path) -> None:
    path = tmp_path / "export.feather"
    path.write_bytes(b"PAR1 and more")
    with pytest.raises(CampaignDataError, match="is a Parquet file, not Arrow"):
        _loaded(path, tmp_path)
