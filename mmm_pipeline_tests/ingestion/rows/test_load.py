"""Rows in: accepted as typed, or refused with line and reason; the source refused as a whole."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pandas as pd
import pytest

from mmm_pipeline.errors import CampaignDataError
from mmm_pipeline.ingestion.rows.campaigns import load_campaigns
from mmm_pipeline.storage.warehouse.duckdb import DuckDBWarehouse
from mmm_pipeline.tables.catalog import violations
from mmm_pipeline_tests.ingestion.conftest import Load, rows, settings_for

GOOD = "2021-10-17,A,10,1.5,20"


def refusals(rejected: pd.DataFrame) -> list[tuple[int, str]]:
    return list(zip(rejected["line_number"], rejected["reason"], strict=True))


def test_good_rows_arrive_typed(load: Load) -> None:
    header = "Date,Brand Alias,Ad group alias,Marketplace,Impressions,Spend,Sales"
    loaded = load(rows('"Nov 08, 2021", Apex ,Search,Ebay,"1,234",$1.50,0', header=header))

    assert loaded.accepted.to_dict("records") == [
        {
            "line_number": 2,
            "date": pd.Timestamp("2021-11-08"),
            "channel": "Search",
            "kind": "paid",
            "media_units": 1234.0,
            "spend": 1.5,
            "kpi": 0.0,
            "brand": "Apex",
            "marketplace": "Ebay",
            "market": None,
        }
    ]
    assert violations("media_rows", loaded.accepted).empty
    assert loaded.rejected.empty


def test_all_date_spellings_mix_in_one_file(load: Load) -> None:
    spelled = ['"Oct 17, 2021"', "10/18/2021", "10/19/2021 0:00:00", "2021-10-20", "2021-10-21 00:00:00"]
    spelled += ["2021-10-22T00:00:00", '"January 1, 2022"']
    loaded = load(rows(*(f"{date},A,1,1,1" for date in spelled)))

    days = [date.date() for date in loaded.accepted["date"]]
    assert days == [dt.date(2021, 10, 17) + dt.timedelta(days) for days in range(6)] + [dt.date(2022, 1, 1)]


@pytest.mark.parametrize(
    ("line", "reason", "column", "value"),
    [
        ("Okt 17 2021,A,1,1,1", "unparseable_date", "Date", "Okt 17 2021"),
        (",A,1,1,1", "missing_date", "Date", None),
        ("0021-10-17,A,1,1,1", "implausible_date", "Date", "0021-10-17"),
        ("2021-10-17,,1,1,1", "missing_channel", "Ad group alias", None),
        ("2021-10-17,\u00a0 ,1,1,1", "missing_channel", "Ad group alias", "\u00a0 "),
        ("2021-10-17,A,,1,1", "missing_media", "Impressions", None),
        ("2021-10-17,A,-1,1,1", "negative_media", "Impressions", "-1"),
        ("2021-10-17,A,1,(3.5),1", "negative_spend", "Spend", "(3.5)"),
        ("2021-10-17,A,1,NaN,1", "missing_spend", "Spend", "NaN"),
        ("2021-10-17,A,1,1e400,1", "non_finite_spend", "Spend", "1e400"),
        ("2021-10-17,A,1,1.2.3,1", "unparseable_number_spend", "Spend", "1.2.3"),
        ("2021-10-17,A,1,1,inf", "non_finite_kpi", "Sales", "inf"),
        ("2021-10-17,A,1,1,=1+1", "unparseable_number_kpi", "Sales", "=1+1"),
        ("2021-10-17,A,1,1,#N/A", "missing_kpi", "Sales", "#N/A"),
        ("2021-10-17,A,1,1,", "missing_kpi", "Sales", None),
    ],
)
def test_a_bad_value_refuses_its_row(load: Load, line: str, reason: str, column: str, value: str | None) -> None:
    loaded = load(rows(GOOD, line))

    [refused] = loaded.rejected.to_dict("records")
    assert (refused["line_number"], refused["reason"], refused["column"], refused["value"]) == (
        3,
        reason,
        column,
        value,
    )
    assert json.loads(refused["row"])["Ad group alias"] == (line.split(",")[1] or None)
    assert loaded.summary.reasons == {reason: 1}
    assert loaded.accepted["line_number"].tolist() == [2]
    assert violations("rejected_rows", loaded.rejected).empty


def test_the_first_bad_column_gives_the_reason(load: Load) -> None:
    loaded = load(rows(GOOD, "never,,-1,-1,nan"))

    assert refusals(loaded.rejected) == [(3, "unparseable_date")]


def test_the_first_of_equal_rows_stays(load: Load) -> None:
    loaded = load(rows(GOOD, "2021-10-18,A,1,1,1", GOOD, GOOD))

    assert loaded.accepted["line_number"].tolist() == [2, 3]
    assert refusals(loaded.rejected) == [(4, "exact_duplicate"), (5, "exact_duplicate")]
    assert loaded.rejected["value"].tolist() == ["equals line 2"] * 2


def test_rows_that_differ_in_any_column_are_no_duplicates(load: Load) -> None:
    header = "Date,Ad group alias,Impressions,Spend,Sales,ASIN/SKU Alias"
    loaded = load(rows(f"{GOOD},one", f"{GOOD},two", f"{GOOD},", header=header))

    assert loaded.summary.accepted == 3


def test_lines_of_another_width_are_refused_and_shown(load: Load) -> None:
    loaded = load(rows(GOOD, "2021-10-18,A,1", "2021-10-19,A,1,1,1,x,y", "2021-10-20,A,1,1,1"))

    assert refusals(loaded.rejected) == [(3, "too_few_fields"), (4, "too_many_fields")]
    assert json.loads(loaded.rejected["row"][1])["field 6"] == "x"
    assert loaded.accepted["line_number"].tolist() == [2, 5]


def test_blank_lines_are_no_rows_but_count_as_lines(load: Load) -> None:
    loaded = load(rows("", GOOD, ",,,,", "   ", "2021-10-18,A,1,1,x", ""))

    assert loaded.accepted["line_number"].tolist() == [3]
    assert refusals(loaded.rejected) == [(6, "unparseable_number_kpi")]
    assert loaded.summary.blank == 4


def test_a_trailing_delimiter_is_tolerated(load: Load) -> None:
    loaded = load(rows(f"{GOOD},", "2021-10-18,A,1,1,1,"))

    assert loaded.summary.accepted == 2


def test_a_trailing_delimiter_in_the_header_too(load: Load) -> None:
    loaded = load(rows(f"{GOOD},", "2021-10-18,A,1,1,1,", header="Date,Ad group alias,Impressions,Spend,Sales,"))

    assert loaded.summary.accepted == 2


def test_a_quote_that_never_closes_costs_one_line(load: Load) -> None:
    loaded = load(rows(GOOD, '2021-10-18,"A,1,1,1', "2021-10-19,A,1,1,1", '2021-10-20,"B",1,1,1'))

    assert refusals(loaded.rejected) == [(3, "malformed_quotes")]
    assert loaded.rejected["value"].tolist() == ['2021-10-18,"A,1,1,1']
    assert loaded.accepted["line_number"].tolist() == [2, 4, 5]


def test_line_numbers_hold_after_a_quoted_line_break(load: Load) -> None:
    loaded = load(rows('2021-10-17,"A\nB",1,1,1', "2021-10-18,A,1,1,x"))

    assert loaded.accepted["channel"].tolist() == ["A B"]
    assert refusals(loaded.rejected) == [(4, "unparseable_number_kpi")]


@pytest.mark.parametrize(
    "channel",
    [
        "🚀 Brånd",
        'say "hi"',
        "a,b;c|d",
        "Robert'); DROP TABLE media_rows;--",
        "=cmd|' /C calc'!A0",
        "$header_0",
        "{x}",
    ],
)
def test_odd_names_pass_unchanged(load: Load, channel: str) -> None:
    quoted = channel.replace('"', '""')
    loaded = load(rows(f'2021-10-17,"{quoted}",1,1,1', f'2021-10-17,"{quoted}",1,1,oops'))

    assert loaded.accepted["channel"].tolist() == [channel]
    assert json.loads(loaded.rejected["row"][0])["Ad group alias"] == channel


def test_hostile_headers_are_only_names(load: Load) -> None:
    header = 'Date,Ad group alias,Impressions,Spend,Sales,"x\'); DROP TABLE source; --","a""b"'
    loaded = load(rows(f"{GOOD},1,2", "never,A,1,1,1,3,4", header=header))

    assert loaded.summary.accepted == 1
    assert json.loads(loaded.rejected["row"][0])["x'); DROP TABLE source; --"] == "3"


def test_names_that_look_the_same_are_one_channel(load: Load) -> None:
    loaded = load(
        rows(
            "2021-10-17,한글,1,1,1",
            "2021-10-18,\u1112\u1161\u11ab\u1100\u1173\u11af,1,1,1",
            "2021-10-19, 한글\u00a0,1,1,1",
            "2021-10-20,Brand Search,1,1,1",
            "2021-10-20,Brand\u00a0 Search,1,1,2",
            "2021-10-20,Ｂrand Search,1,1,3",
        )
    )

    assert loaded.accepted["channel"].unique().tolist() == ["한글", "Brand Search"]
    assert loaded.summary.warnings == ()


def test_names_that_differ_in_case_stay_apart_with_a_warning(load: Load) -> None:
    loaded = load(rows("2021-10-17,Search,1,1,1", "2021-10-18,search,1,1,1", "2021-10-18,Video,1,1,1"))

    assert loaded.accepted["channel"].nunique() == 3
    [warning] = loaded.summary.warnings
    assert "channels 'Search', 'search' differ in case, blanks or punctuation only and are kept apart" in warning


def test_the_roles_are_settings(load: Load) -> None:
    columns = {"date": "day", "channel": "SKU", "media": "clicks", "spend": "cost", "kpi": "Units sold"}
    loaded = load(rows("2021-10-17,A,1,2,3", header="DAY,S-K/U,Clicks,COST,units_sold"), columns=columns)

    assert loaded.accepted[["channel", "media_units", "spend", "kpi"]].to_numpy().tolist() == [["A", 1.0, 2.0, 3.0]]
    assert loaded.summary.columns["kpi"] == "units_sold"


def test_one_column_may_play_two_roles(load: Load) -> None:
    loaded = load(rows(GOOD), columns={"media": "Spend"})

    assert loaded.accepted["media_units"].tolist() == loaded.accepted["spend"].tolist() == [1.5]


def test_the_source_is_refused_when_too_many_rows_are(load: Load, warehouse: DuckDBWarehouse) -> None:
    load(rows(GOOD))
    many = rows(*(f"2021-10-{day},A,1,1,1" for day in range(10, 20)), "17/10/21,A,1,1,1", "18/10/21,A,1,1,1")

    with pytest.raises(CampaignDataError) as failure:
        load(many, share=0.1)

    message = str(failure.value)
    assert "2 of 12 rows were refused (16.7%), more than validation.max_rejected_share = 10.0%" in message
    assert "unparseable_date: 2, first in line 12: Date = '17/10/21'" in message
    assert warehouse.row_count("rejected_rows") == 2
    assert warehouse.row_count("media_rows") == 1


def test_the_source_is_refused_when_no_row_is_left(load: Load) -> None:
    with pytest.raises(CampaignDataError, match="so none is left"):
        load(rows("never,A,1,1,1"))


def test_a_share_at_the_limit_is_accepted(load: Load) -> None:
    loaded = load(rows(GOOD, "2021-10-18,A,1,1,1", "2021-10-19,A,1,1,1", "never,A,1,1,1"), share=0.25)

    assert loaded.summary.rejected == 1


def test_missing_columns_are_one_error_with_the_closest_names(load: Load) -> None:
    with pytest.raises(CampaignDataError) as failure:
        load(rows("1,2,3,4", header="Day,Adgroup,Impression,Spend"))

    message = str(failure.value)
    assert "4 required column(s) missing" in message
    assert "channel: 'Ad group alias' is missing (closest: 'Adgroup')" in message
    assert "media: 'Impressions' is missing (closest: 'Impression')" in message
    assert "found: 'Day', 'Adgroup', 'Impression', 'Spend'" in message
    assert "columns.date, columns.channel, columns.media, columns.kpi" in message


def test_headers_that_are_the_same_but_for_spelling_are_an_error(load: Load) -> None:
    with pytest.raises(CampaignDataError, match=r"columns 4 \('Spend'\) and 6 \('S_PEND'\) have the same name"):
        load(rows(f"{GOOD},2", header="Date,Ad group alias,Impressions,Spend,Sales,S_PEND"))


def test_the_same_rows_have_the_same_fingerprint_however_written(load: Load) -> None:
    first = load(rows(GOOD, '"Nov 08, 2021",B,"1,000",1,1')).summary.fingerprint
    again = load(
        rows(
            "11/08/2021;B;1000;$1;1.0", "10/17/2021;A;10;1.50;20", header="Date;Ad group alias;Impressions;Spend;Sales"
        )
    )
    other = load(rows(GOOD, '"Nov 08, 2021",B,"1,001",1,1')).summary.fingerprint

    assert again.summary.fingerprint == first
    assert other != first


def test_nothing_is_left_beside_the_warehouse(load: Load, warehouse: DuckDBWarehouse) -> None:
    load(rows(GOOD))

    assert [path.name for path in warehouse.path.parent.iterdir()] == ["warehouse.duckdb"]


def test_a_source_that_fails_leaves_the_tables_as_they_were(warehouse: DuckDBWarehouse, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text(rows(GOOD))
    bad.write_text(rows(GOOD, header="a,b,c,d,e"))
    load_campaigns(warehouse, settings_for(good))

    with pytest.raises(CampaignDataError):
        load_campaigns(warehouse, settings_for(bad))

    assert warehouse.row_count("media_rows") == 1


WITH_REGION = "Date,Ad group alias,Impressions,Spend,Sales,Region"


def test_a_market_is_read_where_one_is_asked_for_and_a_blank_one_is_refused(load: Load) -> None:
    lines = ("2021-10-17,A,10,1.5,20, North ", "2021-10-17,A,10,1.5,20,", "2021-10-18,A,10,1.5,20,South")
    loaded = load(rows(*lines, header=WITH_REGION), columns={"market": "region"})

    assert loaded.accepted["market"].tolist() == ["North", "South"]
    assert refusals(loaded.rejected) == [(3, "missing_market")]
    assert loaded.rejected["column"].tolist() == ["Region"]


def test_a_market_column_that_is_not_there_names_the_closest(load: Load) -> None:
    with pytest.raises(CampaignDataError, match=r"market: 'Regions' is missing \(closest: 'Region'"):
        load(rows("2021-10-17,A,10,1.5,20,North", header=WITH_REGION), columns={"market": "Regions"})


def test_without_a_market_column_in_the_settings_none_is_read(load: Load) -> None:
    loaded = load(rows("2021-10-17,A,10,1.5,20,", header=WITH_REGION))
    assert loaded.accepted["market"].isna().all()
    assert loaded.rejected.empty


@pytest.mark.parametrize(
    "line",
    [
        "Total,,100,2,30",
        "Total: Account, --,100,2,30",
        "Grand total,A,100,2,30",
        ",Total,100,2,30",
        "GESAMT,,100,2,30",
        "합계,,100,2,30",
        "총합계,,100,2,30",
    ],
)
def test_a_total_line_is_refused_for_what_it_is(load: Load, line: str) -> None:
    loaded = load(rows("2021-10-17,A,100,2,30", line), share=0.5)

    assert loaded.rejected[["line_number", "reason"]].to_numpy().tolist() == [[3, "total_row"]]
    assert loaded.accepted["kpi"].sum() == 30.0


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("Totally wrong,A,1,1,1", "unparseable_date"),
        (",Totalenergies,1,1,1", "missing_date"),
        (",,1,1,1", "missing_date"),
    ],
)
def test_what_only_begins_like_a_total_is_none(load: Load, line: str, reason: str) -> None:
    assert load(rows("2021-10-17,A,1,1,1", line), share=0.5).rejected["reason"].tolist() == [reason]


def test_a_channel_called_total_with_a_date_is_a_channel(load: Load) -> None:
    assert load(rows("2021-10-17,Total,1,1,1")).accepted["channel"].tolist() == ["Total"]
