"""The same rows in a file and in BigQuery: the same matrix, the same totals, the same refusals, cell for cell."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from mmm_pipeline.errors import CampaignDataError
from mmm_pipeline.ingestion.check import check_source
from mmm_pipeline.ingestion.matrix import build_media_matrix
from mmm_pipeline.ingestion.rows.campaigns import load_campaigns
from mmm_pipeline.ingestion.rows.load import LoadSummary
from mmm_pipeline.settings.pipeline import Settings, ValidationSettings
from mmm_pipeline.storage.warehouse.duckdb import DuckDBWarehouse
from mmm_pipeline_tests.ingestion.conftest import settings_for
from mmm_pipeline_tests.storage.bigquery.conftest import Put, bigquery_settings
from mmm_pipeline_tests.storage.bigquery.faulty_proxy import Proxy

COLUMNS = ["Date", "Brand_Alias", "Ad_group_alias", "ASIN_SKU_Alias", "Marketplace", "Impressions", "Spend", "Sales"]
ANY_SHARE = ValidationSettings(max_rejected_share=1.0, incomplete_kpi="accept")
AS_TORTURED = {"decimal": "point", "date_order": "month_first"}
BAD_DATES = [
    "17/10/2021",
    "2021-02-30",
    "2021-10-18 - 2021-10-20",
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
    spellings += ["%d %b %Y", "%Y%m%d", "%Y년 %m월 %d일", "%m.%d.%Y"]
    channels = [
        "Search",
        "한글 브랜드",
        "\u1112\u1161\u11ab\u1100\u1173\u11af",
        "Robert'); DROP TABLE x;--",
        ' say "hi"\\ ',
        "a\u00a0",
        "Ｂrand\u3000 \u00ad2",
    ]
    numbers = ["12", "1,234.5", "$7.25", "0", "1e3", "12.", "+3", "5 USD", "0.1", "1,000,000"]
    for position, day in enumerate(pd.date_range("2021-10-17", periods=70)):
        for other, channel in enumerate(channels):
            pick = [numbers[(position * 3 + other + shift) % len(numbers)] for shift in range(3)]
            date = day.strftime(spellings[(position + other) % len(spellings)])
            rows.append([date, "Apex", channel, f"SKU{other}", "Ebay" if other % 2 else "", *pick])
    good = ["2021-10-20", "Apex", "Search", "SKU", "Ebay"]
    rows += [["2021-10-18", "", "Search", "twice", "Ebay", "1", "1", "1"]] * 3
    rows += [["2021-10-18", "", "Search", "nothing", "Ebay", "0", "0", "0"]] * 3
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


def both(
    tmp_path: Path, put: Put, rows: pd.DataFrame, *, spelled: Mapping[str, str] | None = None, **sections: Any
) -> tuple[Outcome, Outcome]:
    tmp_path.mkdir(exist_ok=True)
    file = tmp_path / "rows.parquet"
    rows = rows.where(rows != "", None)
    rows.to_parquet(file, index=False)
    table = put(rows)
    in_file = outcome(tmp_path / "file", settings_for(file, **(spelled or {}), **sections))
    return in_file, outcome(tmp_path / "table", bigquery_settings(table, source=dict(spelled or {}), **sections))


def refusals(rejected: pd.DataFrame) -> pd.DataFrame:
    """All but the line, which a table does not have; a duplicate names its line where there is one."""
    value = rejected["value"].replace(r"^equals (line \d+|another row)$", "equals another row", regex=True)
    # Which characters JSON text escapes is free; what it says is compared.
    row = rejected["row"].map(lambda text: json.dumps(json.loads(text)))
    cells = rejected.assign(value=value, row=row)[["reason", "column", "value", "row"]]
    return cells.sort_values(["row", "reason"], ignore_index=True)


def told(loaded: Outcome) -> list[str]:
    """The warnings without what only a file has, lines and its name."""
    return [re.sub(r"line \d+, |^\S+(?=: )", "", warning) for warning in loaded.summary.warnings]


@pytest.fixture(scope="module")
def tortured() -> pd.DataFrame:
    return torture()


def test_the_torture_file_gives_the_same_cells_in_both_engines(
    tmp_path: Path, put: Put, proxy: Proxy, tortured: pd.DataFrame
) -> None:
    in_file, in_bigquery = both(tmp_path, put, tortured, spelled=AS_TORTURED)

    pd.testing.assert_frame_equal(in_bigquery.matrix, in_file.matrix, check_exact=True)
    pd.testing.assert_frame_equal(in_bigquery.totals, in_file.totals, check_exact=True)
    pd.testing.assert_frame_equal(refusals(in_bigquery.rejected), refusals(in_file.rejected))
    assert in_bigquery.summary.reasons == in_file.summary.reasons
    assert in_bigquery.summary.reasons["exact_duplicate"] == 2
    assert in_bigquery.summary.rejected >= len(BAD_DATES) + len(BAD_NUMBERS) + 2
    assert told(in_bigquery) == told(in_file)
    assert "Brand 2" in set(in_file.totals["channel"])
    assert in_bigquery.rejected["line_number"].isna().all()


def test_every_reading_of_equal_rows_totals_and_repeated_kpi_is_the_same_in_both_engines(
    tmp_path: Path, put: Put, proxy: Proxy
) -> None:
    """Of each day: two channels and their total, all with the KPI of the day, and an order twice."""
    days = [f"{day:%Y-%m-%d}" for day in pd.date_range("2025-01-01", periods=60)]
    rows = pd.DataFrame(
        [
            [day, "", channel, "x", "", str(media), str(media / 8), str(300 + 3 * (number % 7))]
            for number, day in enumerate(days)
            for channel, media in (("A", 8), ("B", 16), ("Ｔotal", 24), ("A", 0), ("A", 0))
        ],
        columns=COLUMNS,
    )
    total = {"Ad group alias": ["Total"]}

    each = both(tmp_path / "each", put, rows, validation={"equal_rows": "each", "total_rows": total})
    once = both(
        tmp_path / "once",
        put,
        rows,
        validation={"equal_rows": "once", "total_rows": total},
        columns={"kpi_per": "date"},
    )

    for in_file, in_bigquery in (each, once):
        pd.testing.assert_frame_equal(in_bigquery.matrix, in_file.matrix, check_exact=True)
        pd.testing.assert_frame_equal(in_bigquery.totals, in_file.totals, check_exact=True)
        assert told(in_bigquery) == told(in_file)
    first_day = each[0].matrix.iloc[:2]
    assert first_day[["channel", "media_units", "spend", "kpi"]].to_numpy().tolist() == [
        ["A", 8.0, 1.0, 900.0],
        ["B", 16.0, 2.0, 300.0],
    ]
    assert once[0].summary.reasons == {"exact_duplicate": 60}
    kpi = once[0].matrix.groupby("date")["kpi"].sum()
    assert kpi.iloc[:8].tolist() == [300, 303, 306, 309, 312, 315, 318, 300]


def test_the_real_export_gives_the_same_cells_in_both_engines(
    tmp_path: Path, put: Put, proxy: Proxy, campaign_export: Path
) -> None:
    rows = pd.read_excel(campaign_export, dtype=str).fillna("")
    rows.columns = [name.replace(" ", "_").replace("/", "_") for name in rows.columns]

    in_file, in_bigquery = both(tmp_path, put, rows)

    pd.testing.assert_frame_equal(in_bigquery.matrix, in_file.matrix, check_exact=True)
    pd.testing.assert_frame_equal(in_bigquery.totals, in_file.totals, check_exact=True)
    assert in_bigquery.summary.accepted == in_file.summary.accepted > 9_000


def of_numbers(media: Sequence[str], spend: Sequence[str], kpi: Sequence[str], note: str = "") -> pd.DataFrame:
    """A table of 70 days with these cells in turn."""
    lines = [
        [f"{day:%Y-%m-%d}", "Apex", "Search", note, "", *(cells[at % len(cells)] for cells in (media, spend, kpi))]
        for at, day in enumerate(pd.date_range("2021-10-17", periods=70))
    ]
    return pd.DataFrame(lines, columns=COLUMNS)


EUROPEAN = ["12", "1.234,5", "€ 7,25", "0", "1e3", "12,", "+3", "5 EUR", "0,1", "1.000.000", "1\u202f234,50", "1.250"]
SWISS = ["1'234.50", "1\u2019234", "CHF 5.5", "CHF 1 000", "12,34,567.5", "(0.00)", "CHF1,234"]


def test_each_column_has_the_same_decimal_mark_in_both_engines(tmp_path: Path, put: Put, proxy: Proxy) -> None:
    in_file, in_bigquery = both(tmp_path, put, of_numbers(SWISS, EUROPEAN, EUROPEAN))

    pd.testing.assert_frame_equal(in_bigquery.matrix, in_file.matrix, check_exact=True)
    pd.testing.assert_frame_equal(in_bigquery.totals, in_file.totals, check_exact=True)
    assert in_bigquery.summary.notes == in_file.summary.notes != ()
    assert in_bigquery.summary.rejected == in_file.summary.rejected == 0
    assert in_file.matrix["media_units"].max() == 1234567.5
    assert in_file.matrix["spend"].tolist()[:12] == [12, 1234.5, 7.25, 0, 1000, 12, 3, 5, 0.1, 1e6, 1234.5, 1250]


def test_a_column_without_a_role_decides_alike_in_both_engines(tmp_path: Path, put: Put, proxy: Proxy) -> None:
    in_file, in_bigquery = both(tmp_path, put, of_numbers(["1.873", "443"], ["5"], ["443", "1.250"], note="0,5"))

    pd.testing.assert_frame_equal(in_bigquery.matrix, in_file.matrix, check_exact=True)
    assert in_file.matrix[["media_units", "kpi"]].max().tolist() == [1873, 1250]
    assert in_bigquery.summary.notes == in_file.summary.notes != ()


def test_numbers_of_two_readings_are_refused_alike_in_both_engines(tmp_path: Path, put: Put, proxy: Proxy) -> None:
    rows = of_numbers(["1.873", "443"], ["12.5", "12,5"], ["43,690", "7"]).drop(columns="ASIN_SKU_Alias")
    file, table = tmp_path / "rows.parquet", put(rows)
    rows.to_parquet(file, index=False)

    said = []
    for where, settings in ((file, settings_for(file)), (table, bigquery_settings(table))):
        with pytest.raises(CampaignDataError) as failure:
            outcome(tmp_path / "home", settings)
        said.append(re.sub(r" \(line \d+\)", "", str(failure.value).replace(str(where), "it")))

    assert said[0] == said[1]
    assert all(header in said[0] for header in ("'Impressions'", "'Spend'", "'Sales'"))


def test_two_currencies_in_a_column_are_refused_alike_in_both_engines(tmp_path: Path, put: Put, proxy: Proxy) -> None:
    rows = of_numbers(["1"], ["$7.25", "7.25 €"], ["5", "$4", "4 USD"])
    file, table = tmp_path / "rows.parquet", put(rows)
    rows.to_parquet(file, index=False)

    said = []
    for where, settings in ((file, settings_for(file)), (table, bigquery_settings(table))):
        with pytest.raises(CampaignDataError) as failure:
            outcome(tmp_path / "home", settings)
        said.append(re.sub(r" \(line \d+\)", "", str(failure.value).replace(str(where), "it")))

    assert said[0] == said[1]
    assert "'Spend' has '$7.25' and '7.25 €'" in said[0]
    assert "'Sales'" not in said[0]


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

    in_file = outcome(tmp_path / "file", settings_for(file, split=split, **AS_TORTURED))
    table = put(tortured.where(tortured != "", None))
    in_bigquery = outcome(tmp_path / "table", bigquery_settings(table, split=split, source=dict(AS_TORTURED)))

    pd.testing.assert_frame_equal(in_bigquery.matrix, in_file.matrix, check_exact=True)
    pd.testing.assert_frame_equal(in_bigquery.totals, in_file.totals, check_exact=True)
    assert in_file.matrix["date"].max() == pd.Timestamp("2021-12-15")
    assert in_bigquery.summary.later == in_file.summary.later > 0


@pytest.mark.parametrize(
    "spelled",
    [
        ["01/02/2021", "13/02/2021", "14/02/2021 0:00"],
        ["2020-W53", "2021W01", "KW 2 2021"],
        ["2020-12", "Jan 2021", "02/2021"],
        ["01.02.2021 - 07.02.2021", "08.02.2021 - 14.02.2021", "15.02.2021 - 18.02.2021"],
        ["44197", "44198", "44199.5"],
        ["202053", "202101", "202102"],
    ],
)
def test_a_column_of_dates_is_read_alike_in_both_engines(
    tmp_path: Path, put: Put, proxy: Proxy, spelled: list[str]
) -> None:
    rows = pd.DataFrame([[date, "", "A", "", "", "--", "1", "1"] for date in spelled], columns=COLUMNS)
    rows["Impressions"] = ["1", "2", "--"]

    file = tmp_path / "rows.parquet"
    rows.to_parquet(file, index=False)
    tables, notes = [], []
    for name, settings in (("file", settings_for(file)), ("table", bigquery_settings(put(rows)))):
        warehouse = DuckDBWarehouse(tmp_path / name / "warehouse.duckdb")
        loaded = load_campaigns(warehouse, settings.model_copy(update={"validation": ANY_SHARE}))
        notes.append(loaded.notes)
        tables.append((warehouse.read_table("campaign_totals"), refusals(warehouse.read_table("rejected_rows"))))

    assert notes[0] == notes[1]
    for in_file, in_bigquery in zip(*tables, strict=True):
        pd.testing.assert_frame_equal(in_bigquery, in_file, check_exact=True)
