"""What the totals of a load say."""

from __future__ import annotations

import pandas as pd

from mmm_pipeline.ingestion.rows.totals import accepted_rows, breakdown, channels_spelled_alike, refusals
from mmm_pipeline.storage.warehouse.duckdb import DuckDBWarehouse
from mmm_pipeline.tables.catalog import violations
from mmm_pipeline_tests.ingestion.conftest import Load, rows

HEADER = "Date,Brand,Ad group alias,Impressions,Spend,Sales"
LINES = (
    "2025-01-01,Apex,A,1,0.1,1",
    "2025-01-02,Apex,B,2,0.2,1",
    "2025-01-01,,A,4,40,1",
    "never,Apex,A,1,1,1",
    "never,,A,1,1,1",
    "2025-01-01,Apex,A,1,-1,1",
)


def totals_of(load: Load, warehouse: DuckDBWarehouse) -> pd.DataFrame:
    load(rows(*LINES, header=HEADER))
    return warehouse.read_table("campaign_totals")


def test_totals_keep_their_contract(load: Load, warehouse: DuckDBWarehouse) -> None:
    assert violations("campaign_totals", totals_of(load, warehouse)).empty


def test_rows_are_counted_by_verdict(load: Load, warehouse: DuckDBWarehouse) -> None:
    totals = totals_of(load, warehouse)

    assert accepted_rows(totals) == 3
    assert refusals(totals) == {"unparseable_date": 2, "negative_spend": 1}


def test_accepted_rows_are_broken_down_by_the_dimensions_the_source_has(load: Load, warehouse: DuckDBWarehouse) -> None:
    found = breakdown(totals_of(load, warehouse))

    assert found["dimension"].unique().tolist() == ["brand"]
    assert found["value"].tolist() == ["Apex", None]
    assert found["rows"].tolist() == [2, 1]
    assert found["spend"].tolist() == [0.3, 40.0]


def test_a_source_without_dimensions_has_no_breakdown(load: Load, warehouse: DuckDBWarehouse) -> None:
    load(rows("2025-01-01,A,1,1,1"))

    assert breakdown(warehouse.read_table("campaign_totals")).empty


def test_channels_that_look_alike_are_named_together() -> None:
    assert channels_spelled_alike(["b", "A b", "ab", "C"]) == (
        "channels 'A b', 'ab' differ in case or spaces only and are kept apart",
    )
