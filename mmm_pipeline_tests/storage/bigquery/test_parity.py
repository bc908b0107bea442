"""The same rows in a file and in BigQuery: the same matrix, the same totals, the same refusals, cell for cell."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from mmm_pipeline.ingestion.check import check_source
from mmm_pipeline.ingestion.matrix import build_media_matrix
from mmm_pipeline.ingestion.rows.campaigns import load_campaigns
from mmm_pipeline.ingestion.rows.load import LoadSummary
from mmm_pipeline.settings.pipeline import Settings
from mmm_pipeline.storage.warehouse.duckdb import DuckDBWarehouse
from mmm_pipeline_tests.ingestion.conftest import settings_for
from mmm_pipeline_tests.storage.bigquery.conftest import Put, bigquery_settings
from mmm_pipeline_tests.storage.bigquery.faulty_proxy import Proxy

COLUMNS = ["Date", "Brand_Alias", "Ad_group_alias", "ASIN_SKU_Alias", "Marketplace", "Impressions", "Spend", "Sales"]
BAD_DATES = [
    "17/10/2021",
    "2021-02-30",
    "Feb 30, 2021",
    "44486",
    "10.17.2021",
    "0021-10-17",
    "0000-01-01",
    "tomorrow",
    "",
]
BAD_NUMBERS = ["-1", "(3.5)", "NaN", "1e400", "-inf", "1.234,50", "1,23", "=1+1", "#N/A", "", "１２"]


def torture() -> pd.DataFrame:
    """Every spelling of dates and numbers, hostile names, exact duplicates and every kind of refusal; 70 days."""
    rows: list[list[str]] = []
    spellings = ["%b %d, %Y", "%m/%d/%Y", "%m/%d/%Y 0:00:00", "%Y-%m-%d", "%Y-%m-%dT00:00:00Z", "%B %d, %Y", "%Y/%m/%d"]
    channels = [
        "Search",
        "한글 브랜드",
        "\u1112\u1161\u11ab\u1100\u1173\u11af",
        "Robert'); DROP TABLE x;--",
        ' say "hi"\\ ',
        "a\u00a0",
    ]
    numbers = ["12", "1,234.5", "$7.25", "0", "1e3", "12.", "+3", "€ 5", "0.1", "1,000,000"]
    for position, day in enumerate(pd.date_range("2021-10-17", periods=70)):
        for other, channel in enumerate(channels):
            pick = [numbers[(position * 3 + other + shift) % len(numbers)] for shift in range(3)]
            date = day.strftime(spellings[(position + other) % len(spellings)])
            rows.append([date, "Apex", channel, f"SKU{other}", "Ebay" if other % 2 else "", *pick])
    good = ["2021-10-20", "Apex", "Search", "SKU", "Ebay"]
    rows += [["2021-10-18", "", "Search", "twice", "Ebay", "1", "1", "1"]] * 3
    rows += [[date, *good[1:], "1", "1", "1"] for date in BAD_DATES]
    rows += [[*good, "1", number, "1"] for number in BAD_NUMBERS]
    rows += [[*good[:2], " \u200b", *good[3:], "1", "1", "1"], [*good, "", "", "x"], ["never", *good[1:], "-1", "", ""]]
    return pd.DataFrame(rows, columns=COLUMNS)


@dataclass(frozen=True)
class Outcome:
    summary: LoadSummary
    matrix: pd.DataFrame
    rejected: pd.DataFrame
    totals: pd.DataFrame


def outcome(home: Path, settings: Settings) -> Outcome:
    warehouse = DuckDBWarehouse(home / "warehouse.duckdb")
    summary = load_campaigns(warehouse, settings)
    matrix = build_media_matrix(warehouse, settings)
    return Outcome(summary, matrix, warehouse.read_table("rejected_rows"), warehouse.read_table("campaign_totals"))


def both(tmp_path: Path, put: Put, rows: pd.DataFrame) -> tuple[Outcome, Outcome]:
    file = tmp_path / "rows.parquet"
    rows = rows.where(rows != "", None)
    rows.to_parquet(file, index=False)
    table = put(rows)
    return outcome(tmp_path / "file", settings_for(file)), outcome(tmp_path / "table", bigquery_settings(table))


def refusals(rejected: pd.DataFrame) -> pd.DataFrame:
    """All but the line, which a table does not have; a duplicate names its line where there is one."""
    value = rejected["value"].replace(r"^equals (line \d+|another row)$", "equals another row", regex=True)
    # Which characters JSON text escapes is free; what it says is compared.
    row = rejected["row"].map(lambda text: json.dumps(json.loads(text)))
    cells = rejected.assign(value=value, row=row)[["reason", "column", "value", "row"]]
    return cells.sort_values(["row", "reason"], ignore_index=True)


@pytest.fixture(scope="module")
def tortured() -> pd.DataFrame:
    return torture()


def test_the_torture_file_gives_the_same_cells_in_both_engines(
    tmp_path: Path, put: Put, proxy: Proxy, tortured: pd.DataFrame
) -> None:
    in_file, in_bigquery = both(tmp_path, put, tortured)

    pd.testing.assert_frame_equal(in_bigquery.matrix, in_file.matrix, check_exact=True)
    pd.testing.assert_frame_equal(in_bigquery.totals, in_file.totals, check_exact=True)
    pd.testing.assert_frame_equal(refusals(in_bigquery.rejected), refusals(in_file.rejected))
    assert in_bigquery.summary.reasons == in_file.summary.reasons
    assert in_bigquery.summary.reasons["exact_duplicate"] == 2
    assert in_bigquery.summary.rejected >= len(BAD_DATES) + len(BAD_NUMBERS) + 2
    assert in_bigquery.summary.warnings == in_file.summary.warnings
    assert in_bigquery.rejected["line_number"].isna().all()


def test_the_real_export_gives_the_same_cells_in_both_engines(
    tmp_path: Path, put: Put, proxy: Proxy, campaign_export: Path
) -> None:
    rows = pd.read_excel(campaign_export, dtype=str).fillna("")
    rows.columns = [name.replace(" ", "_").replace("/", "_") for name in rows.columns]

    in_file, in_bigquery = both(tmp_path, put, rows)

    pd.testing.assert_frame_equal(in_bigquery.matrix, in_file.matrix, check_exact=True)
    pd.testing.assert_frame_equal(in_bigquery.totals, in_file.totals, check_exact=True)
    assert in_bigquery.summary.accepted == in_file.summary.accepted > 9_000


def test_typed_columns_mean_what_their_text_means(tmp_path: Path, put: Put, proxy: Proxy) -> None:
    days = pd.date_range("2025-01-01", periods=60)
    rows = pd.DataFrame(
        {
            "day": days.date,
            "seen_at": days.tz_localize("UTC") + pd.Timedelta("23:30:00"),
            "campaign": "A",
            "clicks": range(60),
            "cost": [value / 8 for value in range(60)],
            "revenue": [float(value) for value in range(60)],
        }
    )
    table = put(rows, types=["DATE", "TIMESTAMP", "STRING", "INT64", "FLOAT64", "FLOAT64"])
    roles = {"channel": "campaign", "media": "clicks", "spend": "cost", "kpi": "revenue"}

    by_date = outcome(tmp_path, bigquery_settings(table, columns={"date": "day", **roles}))
    # A check writes nothing, wherever the tables of a run would go.
    elsewhere = {"kind": "bigquery", "dataset": "demo-project.nowhere"}
    by_timestamp = check_source(bigquery_settings(table, columns={"date": "seen_at", **roles}, warehouse=elsewhere))

    assert by_date.matrix["date"].tolist() == list(days)
    assert by_date.matrix["spend"].tolist() == rows["cost"].tolist()
    assert (by_timestamp.start, by_timestamp.end) == ("2025-01-01", "2025-03-01")
    assert by_timestamp.rows.accepted == 60


def test_later_rows_are_unseen_in_both_engines(tmp_path: Path, put: Put, proxy: Proxy, tortured: pd.DataFrame) -> None:
    file = tmp_path / "rows.parquet"
    tortured.where(tortured != "", None).to_parquet(file, index=False)
    split = {"as_of": "2021-12-15"}

    in_file = outcome(tmp_path / "file", settings_for(file, split=split))
    in_bigquery = outcome(tmp_path / "table", bigquery_settings(put(tortured.where(tortured != "", None)), split=split))

    pd.testing.assert_frame_equal(in_bigquery.matrix, in_file.matrix, check_exact=True)
    pd.testing.assert_frame_equal(in_bigquery.totals, in_file.totals, check_exact=True)
    assert in_file.matrix["date"].max() == pd.Timestamp("2021-12-15")
    assert in_bigquery.summary.later == in_file.summary.later > 0
