"""Wide tables and a KPI of its own: the same cells from files and from BigQuery, also with one table in each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from mmm_pipeline.ingestion.matrix import build_media_matrix
from mmm_pipeline.ingestion.own_kpi import kpi_series, read_own_kpi
from mmm_pipeline.ingestion.rows.campaigns import load_campaigns
from mmm_pipeline.settings.pipeline import parse_settings
from mmm_pipeline.storage.warehouse.duckdb import DuckDBWarehouse
from mmm_pipeline_tests.storage.bigquery.conftest import Put, bigquery_settings
from mmm_pipeline_tests.storage.bigquery.faulty_proxy import Proxy

DAYS = pd.date_range("2025-01-01", periods=70)
COLUMNS = {
    "date": "day",
    "kpi": "sales",
    "wide": {"tv 1": {"spend": "tv_S"}, "한글": {"spend": "se_S", "media": "se_I"}, "mail": {"media": "news"}},
}
TYPES = ["STRING", "STRING", "FLOAT64", "STRING", "FLOAT64", "STRING"]
RULES = {"max_rejected_share": 1.0, "incomplete_kpi": "accept", "missing_kpi": "zero", "equal_rows": "once"}


@pytest.fixture(scope="module")
def wide() -> pd.DataFrame:
    """Numbers as text in several spellings, blank cells, bad cells, refunds, an equal row."""
    count = len(DAYS)
    frame = pd.DataFrame(
        {
            "day": [f"{day:%m/%d/%Y}" if at % 3 else f"{day:%Y-%m-%d} 00:00:00" for at, day in enumerate(DAYS)],
            "tv_S": [["1,234.50", "7", None, "$3.25"][at % 4] for at in range(count)],
            "se_S": [0.1 * at for at in range(count)],
            "se_I": [["10", "1e2", "0"][at % 3] for at in range(count)],
            "news": [float(at % 5) if at % 7 else None for at in range(count)],
            "sales": [f"{100 + at}.25" if at % 11 else "-3.50" for at in range(count)],
        }
    )
    frame.loc[5, ["se_I", "sales"]] = ["-4", "x"]
    return pd.concat([frame, frame.iloc[[9]]], ignore_index=True)


def read(home: Path, settings: Any) -> tuple[dict[str, pd.DataFrame], Mapping[str, int]]:
    warehouse = DuckDBWarehouse(home / "warehouse.duckdb")
    summary = load_campaigns(warehouse, settings)
    own = read_own_kpi(warehouse, settings)
    assert own is not None
    matrix = build_media_matrix(warehouse, settings, own_kpi=own)
    rejected = warehouse.read_table("rejected_rows")
    cells = rejected.assign(row=rejected["row"].map(lambda text: json.dumps(json.loads(text))))
    cells["value"] = cells["value"].replace(r"^equals (line \d+|another row)$", "equals", regex=True)
    order = ["table_name", "reason", "column", "value", "row"]
    frames = {
        "matrix": matrix,
        "series": kpi_series(matrix, None, own),
        "rejected": cells[order].sort_values(order, ignore_index=True),
        "totals": warehouse.read_table("campaign_totals"),
    }
    assert summary.kpi is not None
    return frames, {**summary.reasons, **{f"kpi {it}": count for it, count in summary.kpi.reasons.items()}}


@pytest.mark.parametrize("kpi_in", ["the same table", "a file"])
def test_a_wide_table_gives_the_same_cells_in_both_engines(
    tmp_path: Path, put: Put, proxy: Proxy, wide: pd.DataFrame, kpi_in: str
) -> None:
    usable = wide.assign(sales=wide["sales"].replace("-3.50", "13.50"))
    file = tmp_path / "wide.parquet"
    usable.to_parquet(file, index=False)
    source = {} if kpi_in == "the same table" else {"source": str(file)}
    own = {"kpi": source, "columns": COLUMNS, "validation": RULES}

    in_file, reasons = read(tmp_path / "file", parse_settings({"source": str(file), **own}))
    in_table, reasons_there = read(tmp_path / "table", bigquery_settings(put(usable, types=TYPES), **own))

    for name, frame in in_file.items():
        pd.testing.assert_frame_equal(in_table[name], frame, check_exact=True)
    assert reasons == reasons_there
    assert reasons == {
        "exact_duplicate": 3,
        "negative_media": 1,
        "kpi unparseable_number_kpi": 1,
        "kpi exact_duplicate": 1,
    }


def test_a_kpi_in_bigquery_stays_there_beside_media_of_a_file(tmp_path: Path, put: Put, proxy: Proxy) -> None:
    media = pd.DataFrame({"day": DAYS, "site": "A", "views": 10.0, "cost": 2.5})
    orders = pd.DataFrame({"day": DAYS.repeat(2), "id": [str(at) for at in range(140)], "sales": 7.25})
    file = tmp_path / "ads.parquet"
    media.to_parquet(file, index=False)
    columns = {"date": "day", "channel": "site", "media": "views", "spend": "cost", "kpi": "sales"}
    there = {"kind": "bigquery", "table": put(orders.astype({"day": str, "sales": str}))}
    settings = bigquery_settings("unused.unused", columns=columns, kpi={"source": there})
    settings = settings.model_copy(update={"source": parse_settings({"source": str(file)}).source})

    warehouse = DuckDBWarehouse(tmp_path / "warehouse.duckdb")
    load_campaigns(warehouse, settings)
    own = read_own_kpi(warehouse, settings)

    assert own is not None
    assert not warehouse.has_table("kpi_rows")
    assert own.sums["kpi"].unique().tolist() == [14.5]
    assert "70 of 70 dates have several KPI rows, which add up" in own.notes[0]
