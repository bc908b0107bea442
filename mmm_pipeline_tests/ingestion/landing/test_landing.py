"""Rows merged into a DuckDB table; what goes for BigQuery too is in `landing_cases`."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from mmm_pipeline.errors import CampaignDataError, SettingsError, StoredResultError
from mmm_pipeline.ingestion.landing.landing import column_name, land
from mmm_pipeline.ingestion.landing.tables import DuckDBCampaignTable, campaign_table
from mmm_pipeline.ingestion.rows.campaigns import load_campaigns
from mmm_pipeline.settings.pipeline import parse_settings
from mmm_pipeline.storage.warehouse.duckdb import DuckDBWarehouse
from mmm_pipeline_tests.ingestion.conftest import rows
from mmm_pipeline_tests.ingestion.landing.landing_cases import HEADER, WEEK_1, WEEK_2, LandingCases, Place, done


@pytest.fixture
def place(tmp_path: Path) -> Place:
    path = tmp_path / "campaigns.duckdb"

    def read(columns: str) -> list[tuple[object, ...]]:
        with duckdb.connect(str(path)) as connection:
            found = connection.execute(f"SELECT {columns} FROM adanalysis.campaigndata").fetchall()
        return sorted(found, key=str)

    return Place(DuckDBCampaignTable(path, "adanalysis.campaigndata"), read, tmp_path)


class TestDuckDB(LandingCases):
    """All that landing promises, in a DuckDB file."""


def test_the_landed_table_is_a_source(place: Place, tmp_path: Path) -> None:
    place.land(*WEEK_1)
    place.land(*WEEK_2)
    source = {"kind": "duckdb", "path": str(tmp_path / "campaigns.duckdb"), "table": "adanalysis.campaigndata"}

    warehouse = DuckDBWarehouse(tmp_path / "home" / "warehouse.duckdb")
    summary = load_campaigns(warehouse, parse_settings({"source": source}))

    assert (summary.accepted, summary.rejected) == (5, 0)
    assert sorted(warehouse.read_table("media_rows")["spend"]) == [1.5, 2.5, 3.5, 4.5, 5.5]


def test_a_key_of_the_users_makes_other_text_a_value(place: Place) -> None:
    key = ["date", "Ad Group Alias"]
    place.land("2025-01-06,Apex,Search,10,1.5,20,1,draft", key=key)

    again = place.land("2025-01-06,Apex,Search,10,1.5,20,1,final", key=key)

    assert done(again) == (0, 1, 0)
    assert place.read("Note") == [("final",)]


@pytest.mark.parametrize(
    ("key", "message"),
    [
        (["Date", "Campain"], "landing.key names 'Campain', which is no column"),
        (["Ad group alias"], r"landing.key must name the date \('Date'\) too"),
        (["Date", "Spend"], "landing.key names 'Spend', which is a measure"),
    ],
)
def test_a_key_that_cannot_work_is_an_error(place: Place, key: list[str], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        place.land(*WEEK_2, key=key)


def test_totals_by_name_land_and_are_left_out_when_the_table_is_read(place: Place, tmp_path: Path) -> None:
    file, rules = tmp_path / "export.csv", {"total_rows": {"Brand": ["All"]}}
    brands = (("Apex", 10), ("Bolt", 20), ("All", 30))
    file.write_text(
        rows(*(f"2025-01-06,{brand},Search,{size},{size},{size},1,a" for brand, size in brands), header=HEADER)
    )

    landed = land(file, place.table, parse_settings({"validation": rules}), scratch=tmp_path)
    source = {"kind": "duckdb", "path": str(tmp_path / "campaigns.duckdb"), "table": "adanalysis.campaigndata"}
    warehouse = DuckDBWarehouse(tmp_path / "home" / "warehouse.duckdb")
    summary = load_campaigns(warehouse, parse_settings({"source": source, "validation": rules}))

    assert (done(landed), landed.warnings) == ((3, 0, 0), ())
    assert summary.warnings == ("1 row(s) are left out as totals of other rows (validation.total_rows: Brand: All)",)
    assert sorted(warehouse.read_table("media_rows")["kpi"]) == [10, 20]


@pytest.mark.parametrize("lacking", ["media", "spend"])
def test_a_table_without_media_or_spend_lands_as_the_settings_say(place: Place, tmp_path: Path, lacking: str) -> None:
    file = tmp_path / "export.csv"
    file.write_text("Date,Ad group alias,Size,Sales\n2025-01-06,Search,1.5,20\n2025-01-07,Search,2.5,21\n")
    columns = {"media": "Size", "spend": "Size", lacking: None}

    landed = land(file, place.table, parse_settings({"columns": columns}), scratch=tmp_path)

    assert (done(landed), landed.key) == ((2, 0, 0), ("Date", "Ad_group_alias"))
    assert place.read("Size, Sales") == [(1.5, 20.0), (2.5, 21.0)]


def test_names_that_look_the_same_are_one_key(place: Place) -> None:
    place.land("2025-01-06,Apex,한글,10,1.5,20,1,a")

    again = place.land("2025-01-06,Apex, \u1112\u1161\u11ab\u1100\u1173\u11af ,10,2.5,20,1,a")

    assert done(again) == (0, 1, 0)


def test_a_file_of_bad_rows_does_not_land(place: Place) -> None:
    with pytest.raises(CampaignDataError, match="2 of 3 rows were refused"):
        place.land(WEEK_2[0], "never,Apex,Search,1,1,1,1,a", "never,Apex,Search,1,1,1,1,b")
    assert place.table.columns() is None


def test_a_table_made_by_others_is_not_merged_into(place: Place, tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "campaigns.duckdb")) as connection:
        connection.execute("CREATE SCHEMA adanalysis; CREATE TABLE adanalysis.campaigndata (Date DATE, Spend DOUBLE)")

    with pytest.raises(CampaignDataError, match="was not made by `mmm load`"):
        place.land(*WEEK_2)


def test_a_merge_that_fails_leaves_the_table_as_it_was(place: Place, tmp_path: Path) -> None:
    place.land(*WEEK_2)
    with duckdb.connect(str(tmp_path / "campaigns.duckdb")) as connection:
        connection.execute("CREATE UNIQUE INDEX one ON adanalysis.campaigndata (Ad_group_alias)")
    before = place.read("*")

    with pytest.raises(StoredResultError, match="nothing was loaded"):
        place.land(*WEEK_1)
    assert place.read("*") == before


def test_a_source_that_is_no_table_cannot_be_landed_in(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"source\.kind is 'demo'"):
        campaign_table(parse_settings({"source": {"kind": "demo"}}), scratch=tmp_path)


def test_a_file_to_land_needs_a_table() -> None:
    with pytest.raises(SettingsError, match=r"landing\.file lands in the table of source"):
        parse_settings({"landing": {"file": "week.csv"}})


@pytest.mark.parametrize(
    ("header", "name"),
    [("ASIN/SKU Alias", "ASIN_SKU_Alias"), ("7 day sales", "_7_day_sales"), ("광고 비용", "광고_비용"), ("a`b", "a_b")],
)
def test_headers_become_column_names(header: str, name: str) -> None:
    assert column_name(header) == name


def test_headers_that_become_the_same_name_are_an_error(place: Place) -> None:
    with pytest.raises(CampaignDataError, match=r"column 9 \('Cost\$'\) cannot be named"):
        place.land(WEEK_2[0] + ",2", header=f"{HEADER.removesuffix(',Note')},Cost#,Cost$")


def test_numbers_with_a_decimal_comma_land_as_numbers(place: Place) -> None:
    header = HEADER.replace(",", ";")

    summary = place.land("2025-01-06;Apex;Search;1.873;43,69;1.250;0,5;a", header=header)

    assert place.read("Impressions, Spend, Sales, Clicks") == [(1873.0, 43.69, 1250.0, 0.5)]
    assert "'Spend', 'Clicks': read with a decimal comma, '43,69' is 43.69" in summary.notes


def test_numbers_of_two_readings_do_not_land_unless_the_settings_say_how(place: Place) -> None:
    line, header = "2025-01-06;Apex;Search;7;43,690;1;1.250;a", HEADER.replace(",", ";")

    with pytest.raises(CampaignDataError, match=r"(?s)'Spend': '43,690' .*'Clicks': '1.250' .*landing.decimal: point"):
        place.land(line, header=header)
    place.land(line, header=header, decimal="comma")

    assert place.read("Spend, Clicks") == [(43.69, 1250.0)]


def test_a_later_file_with_the_other_mark_lands_in_the_same_table(place: Place) -> None:
    place.land(*WEEK_2)

    again = place.land("2025-01-13;Apex;Search;14;6,5;24;5;a", header=HEADER.replace(",", ";"))

    assert done(again) == (0, 1, 0)
    assert place.read("Spend") == [(6.5,)]
