"""Workbooks, Parquet files and DuckDB tables; and files that are none of these."""

from __future__ import annotations

import datetime as dt
import os
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from mmm_pipeline.errors import CampaignDataError
from mmm_pipeline.ingestion.rows.campaigns import load_campaigns
from mmm_pipeline.settings.pipeline import parse_settings
from mmm_pipeline.storage.warehouse.duckdb import DuckDBWarehouse
from mmm_pipeline_tests.ingestion.conftest import HEADER, Load, rows

COLUMNS = HEADER.split(",")


def workbook(path: Path, *lines: Sequence[Any], header: Sequence[Any] = COLUMNS, sheet: str = "Data") -> Path:
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    page.title = sheet
    for line in (header, *lines):
        page.append(list(line))
    book.save(path)
    return path


def frame(**columns: Any) -> pd.DataFrame:
    base = {"Date": ["2021-10-17"], "Ad group alias": "A", "Impressions": 1, "Spend": 1.0, "Sales": 1.0}
    return pd.DataFrame({**base, **columns})


def test_a_workbook_mixes_true_dates_with_dates_as_text(load: Load, tmp_path: Path) -> None:
    dates = [dt.datetime(2021, 10, 17), dt.date(2021, 10, 18), "Oct 19, 2021", "10/20/2021 0:00:00", 44490, 44491.5]
    path = workbook(tmp_path / "a.xlsx", *([date, "A", 10, 1.25, "$1,000.00"] for date in dates))

    loaded = load(path)

    assert loaded.rejected.empty
    assert [str(date.date()) for date in loaded.accepted["date"]] == [f"2021-10-{day}" for day in range(17, 23)]
    assert loaded.accepted["kpi"].tolist() == [1000.0] * 6


def test_a_number_that_can_be_no_date_is_refused(load: Load, tmp_path: Path) -> None:
    good = [dt.date(2021, 10, 18), "A", 1, 1, 1]
    loaded = load(workbook(tmp_path / "a.xlsx", good, [2021, "A", 1, 1, 1], ["44486", "A", 1, 1, 1]))

    assert loaded.rejected[["reason", "value"]].to_numpy().tolist() == [
        ["unparseable_date", "2021"],
        ["unparseable_date", "44486"],
    ]


def test_line_numbers_are_rows_of_the_sheet(load: Load, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    for column, name in enumerate(COLUMNS, 1):
        page.cell(3, column, name)
    for row, value in ((4, 1), (7, "oops")):
        for column, cell in enumerate([dt.date(2021, 10, row), "A", 1, 1, value], 1):
            page.cell(row, column, cell)
    book.save(tmp_path / "a.xlsx")

    loaded = load(tmp_path / "a.xlsx")

    assert loaded.accepted["line_number"].tolist() == [4]
    assert loaded.rejected["line_number"].tolist() == [7]


def test_the_sheet_with_the_campaign_columns_is_read(load: Load, tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", ["about this file"], header=["Notes"], sheet="Read me")
    book = openpyxl.load_workbook(path)
    book.create_sheet("Empty")
    campaign_rows = book.create_sheet("Rows")
    campaign_rows.append(COLUMNS)
    campaign_rows.append([dt.date(2021, 10, 17), "A", 1, 1, 1])
    book.save(path)

    assert load(path).summary.accepted == 1


def test_cells_beside_the_table_are_no_part_of_it(load: Load, tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", [dt.date(2021, 10, 17), "A", 1, 1, 1, None, "a remark"])

    assert load(path).summary.accepted == 1


def test_a_wrong_size_in_the_workbook_hides_nothing(load: Load, tmp_path: Path) -> None:
    path = workbook(tmp_path / "good.xlsx", *([dt.date(2021, 10, day), "A", 1, 1, 1] for day in range(1, 4)))
    lying = tmp_path / "lying.xlsx"
    with zipfile.ZipFile(path) as original, zipfile.ZipFile(lying, "w") as copy:
        for item in original.namelist():
            content = original.read(item)
            copy.writestr(item, content.replace(b'<dimension ref="A1:E4"', b'<dimension ref="A1:A1"'))

    assert b'ref="A1:A1"' in zipfile.ZipFile(lying).read("xl/worksheets/sheet1.xml")
    assert load(lying).summary.accepted == 3


def test_spreadsheet_errors_and_truth_values_are_no_numbers(load: Load, tmp_path: Path) -> None:
    day = dt.date(2021, 10, 17)
    path = workbook(tmp_path / "a.xlsx", [day, "A", 1, 1, 1], [day, "A", "#DIV/0!", 1, 1], [day, "A", 1, True, 1])

    assert load(path).rejected["reason"].tolist() == ["unparseable_number_media", "unparseable_number_spend"]


@pytest.mark.parametrize(
    "date",
    [
        pd.Series([dt.date(2021, 10, 17)]),
        pd.Series([pd.Timestamp("2021-10-17")]),
        pd.Series([pd.Timestamp("2021-10-17 13:14:15.123456")]),
        pd.Series([pd.Timestamp("2021-10-17", tz="Asia/Seoul")]),
        pd.Series([pd.Timestamp("2021-10-17 23:30", tz="America/New_York")]),
        pd.Series(["Oct 17, 2021"]),
        pd.Series(["10/17/2021"], dtype="category"),
    ],
    ids=["date", "timestamp", "microseconds", "Seoul", "New York", "text", "category"],
)
def test_parquet_dates_of_any_type_give_the_day_that_is_meant(load: Load, tmp_path: Path, date: pd.Series) -> None:
    path = tmp_path / "a.parquet"
    frame(Date=date).to_parquet(path)

    assert load(path).accepted["date"].tolist() == [pd.Timestamp("2021-10-17")]


@pytest.mark.parametrize(
    ("zone", "hour", "day"),
    [("+09:00", 0, 17), ("+09:00", 23, 17), ("-05:30", 23, 17), ("Asia/Seoul", 1, 17), ("UTC", 23, 17)],
)
def test_a_parquet_time_zone_may_be_an_offset(load: Load, tmp_path: Path, zone: str, hour: int, day: int) -> None:
    local = pa.array([pd.Timestamp(2021, 10, day, hour, 30)], pa.timestamp("us"))
    moments = pc.assume_timezone(local, "UTC") if zone == "UTC" else pc.assume_timezone(local, _named(zone))
    table = pa.Table.from_pandas(frame()).drop_columns("Date")
    pq.write_table(table.append_column("Date", moments.cast(pa.timestamp("us", tz=zone))), tmp_path / "a.parquet")

    assert load(tmp_path / "a.parquet").accepted["date"].tolist() == [pd.Timestamp(2021, 10, 17)]


def _named(zone: str) -> str:
    """A zone of the same offset that has a name."""
    return {"+09:00": "Asia/Tokyo", "-05:30": "-05:30"}.get(zone, zone)


def test_a_parquet_time_zone_that_is_not_known_is_a_clear_error(load: Load, tmp_path: Path) -> None:
    moments = pa.array([pd.Timestamp("2021-10-17")], pa.timestamp("us", tz="Mars/Olympus"))
    table = pa.Table.from_pandas(frame()).drop_columns("Date").append_column("Date", moments)
    pq.write_table(table, tmp_path / "a.parquet")

    with pytest.raises(CampaignDataError, match=r"column 'Date' has the time zone 'Mars/Olympus'.*such as \+09:00"):
        load(tmp_path / "a.parquet")


def test_a_wide_parquet_file_is_read_by_its_roles(load: Load, tmp_path: Path) -> None:
    table = pd.concat([frame(**{f"x{at}": at for at in range(600)})] * 3, ignore_index=True)
    table.loc[1, "x5"] = 99
    table.to_parquet(tmp_path / "a.parquet")

    loaded = load(tmp_path / "a.parquet")

    assert loaded.accepted["line_number"].tolist() == [2, 3]
    assert loaded.rejected["reason"].tolist() == ["exact_duplicate"]


def test_parquet_numbers_of_any_type_are_exact(load: Load, tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    table = frame(Impressions=pd.Series([2**53 - 1], dtype="int64"), Spend=0.1 + 0.2, Sales=pd.Series(["1,234.5"]))
    table.to_parquet(path)

    row = load(path).accepted.iloc[0]
    assert (row["media_units"], row["spend"], row["kpi"]) == (2**53 - 1, 0.1 + 0.2, 1234.5)


def test_parquet_lines_count_like_those_of_a_csv_file(load: Load, tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    table = pd.concat([frame(), frame(Spend=float("nan")), frame(Spend=float("inf")), frame(Sales=-1.0)])
    table.to_parquet(path, row_group_size=2)

    loaded = load(path)
    assert loaded.rejected[["line_number", "reason"]].to_numpy().tolist() == [
        [3, "missing_spend"],
        [4, "non_finite_spend"],
    ]


def test_a_duckdb_table_is_a_source(warehouse: DuckDBWarehouse, tmp_path: Path) -> None:
    path = tmp_path / "sales.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE SCHEMA marketing")
        connection.execute(
            "CREATE TABLE marketing.ads AS SELECT DATE '2021-10-17' + CAST(i AS INTEGER) AS \"Date\", "
            "'A' AS ad_group_alias, i AS Impressions, i / 4 AS Spend, 1.5 AS Sales FROM range(3) AS t(i)"
        )
    source = {"kind": "duckdb", "path": str(path), "table": "marketing.ads"}

    summary = load_campaigns(warehouse, parse_settings({"source": source}))

    assert summary.accepted == 3
    assert warehouse.read_table("media_rows")["spend"].tolist() == [0.0, 0.25, 0.5]


@pytest.mark.parametrize("table", ["nothing", "a.b.c", 'x"; DROP TABLE y; --', "read_csv('/etc/passwd')", "ads\n"])
def test_a_table_that_is_not_there_is_a_clear_error(warehouse: DuckDBWarehouse, tmp_path: Path, table: str) -> None:
    path = tmp_path / "sales.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE ads AS SELECT 1 AS a")
    source = {"kind": "duckdb", "path": str(path), "table": table}

    with pytest.raises(CampaignDataError, match=r"source\.table"):
        load_campaigns(warehouse, parse_settings({"source": source}))


def test_a_file_that_is_no_duckdb_database_is_a_clear_error(warehouse: DuckDBWarehouse, tmp_path: Path) -> None:
    path = tmp_path / "sales.duckdb"
    path.write_bytes(b"no database" * 1000)
    source = {"kind": "duckdb", "path": str(path), "table": "ads"}

    with pytest.raises(CampaignDataError, match="cannot be read as a DuckDB database"):
        load_campaigns(warehouse, parse_settings({"source": source}))


def test_the_demo_market_is_a_source(warehouse: DuckDBWarehouse) -> None:
    summary = load_campaigns(warehouse, parse_settings({"source": {"kind": "demo"}}))

    assert summary.rejected == 4
    assert warehouse.row_count("media_rows") == summary.accepted > 1000


def test_csv_workbook_and_parquet_of_one_table_are_the_same_source(load: Load, tmp_path: Path) -> None:
    from mmm_pipeline.ingestion.sources.demo import write_demo_data

    paths = [write_demo_data(tmp_path / f"demo{suffix}")[0] for suffix in (".csv", ".xlsx", ".parquet")]
    summaries = [load(path).summary for path in paths]

    assert len({summary.fingerprint for summary in summaries}) == 1
    assert summaries[0].reasons == summaries[1].reasons == summaries[2].reasons


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"", "is empty"),
        ("a.csv", rows().encode(), "has a header but no rows"),
        ("a.csv", rows("", ",,,,", "").encode(), "has a header but no rows"),
        ("a.csv", b"PK\x03\x04 and so on", r"is a XLSX file, not CSV"),
        ("a.xlsx", b"Date,Spend\n", r"is no XLSX, which its suffix says"),
        ("a.xlsx", b"PK\x03\x04" + bytes(100), "is not a readable XLSX workbook"),
        ("a.xls", b"\xd0\xcf\x11\xe0", r"\.xls is not a known suffix: accepted are \.csv"),
        ("a.xlsx", b"\xd0\xcf\x11\xe0" + bytes(50), "old Excel"),
        ("a.parquet", b"PAR1" + bytes(100), "is not a readable Parquet file"),
        ("a.parquet", b"hello", "is no Parquet"),
        ("a.csv", bytes(range(256)) * 10, "is not text: line 1 holds the byte 0x00"),
        ("a.csv", b"\x89PNG\r\n\x1a\n" + b"\xff" * 100, "is not text"),
        ("a.csv.gz", b"\x1f\x8b", r"\.gz is not a known suffix"),
        ("noname", b"Date\n", "no suffix is not a known suffix"),
    ],
)
def test_a_file_that_is_no_campaign_table_is_one_clear_error(
    load: Load, name: str, content: bytes, message: str
) -> None:
    with pytest.raises(CampaignDataError, match=message):
        load(content, name=name)


@pytest.mark.parametrize("suffix", [".xlsx", ".parquet"])
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9, 0.99])
def test_a_truncated_file_is_one_clear_error(load: Load, tmp_path: Path, suffix: str, kept: float) -> None:
    path = tmp_path / f"whole{suffix}"
    table = pd.concat([frame(Date=[f"2021-10-{day:02}"]) for day in range(1, 31)])
    table.to_parquet(path) if suffix == ".parquet" else table.to_excel(path, index=False)
    content = path.read_bytes()

    with pytest.raises(CampaignDataError, match="is not a readable"):
        load(content[: int(len(content) * kept)], name=f"cut{suffix}")


@pytest.mark.parametrize("suffix", [".xlsx", ".parquet"])
def test_a_damaged_file_is_read_right_or_one_clear_error(load: Load, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"whole{suffix}"
    table = pd.concat([frame(Date=[f"2021-10-{day:02}"]) for day in range(1, 31)])
    table.to_parquet(path) if suffix == ".parquet" else table.to_excel(path, index=False)
    content = bytearray(path.read_bytes())

    outcomes = set()
    for position in range(4, len(content), len(content) // 12):
        damaged = bytearray(content)
        damaged[position : position + 8] = b"\xff" * len(damaged[position : position + 8])
        try:
            outcomes.add(load(bytes(damaged), name=f"damaged{suffix}").summary.accepted <= 30)
        except CampaignDataError:
            outcomes.add(True)
    assert outcomes == {True}


@pytest.mark.parametrize("header", [["Date"], [None, "  "], []])
def test_a_workbook_without_the_columns_is_one_clear_error(load: Load, tmp_path: Path, header: list[Any]) -> None:
    with pytest.raises(CampaignDataError, match=r"missing|is empty"):
        load(workbook(tmp_path / "a.xlsx", header=header))


def test_a_file_that_is_not_there_is_an_error_that_names_its_neighbours(load: Load, tmp_path: Path) -> None:
    (tmp_path / "campaigns.csv").write_text(rows())

    with pytest.raises(CampaignDataError, match=r"there is no such file; in that folder are campaigns\.csv"):
        load(tmp_path / "campaign.csv")


def test_a_folder_is_an_error(load: Load, tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()

    with pytest.raises(CampaignDataError, match="is a folder: name one file"):
        load(tmp_path / "folder.csv")


def test_a_pipe_is_an_error_and_not_waited_for(load: Load, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")

    with pytest.raises(CampaignDataError, match="is not a regular file"):
        load(tmp_path / "pipe.csv")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_an_error(load: Load, tmp_path: Path) -> None:
    path = tmp_path / "secret.csv"
    path.write_text(rows())
    path.chmod(0)

    with pytest.raises(CampaignDataError, match="cannot be opened: Permission denied"):
        load(path)
