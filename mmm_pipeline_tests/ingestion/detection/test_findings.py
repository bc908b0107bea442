"""What is recognised in files: public ones where they are to be had, and small ones of every shape."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path
from typing import Any

import pytest

from mmm_pipeline.errors import CampaignDataError
from mmm_pipeline.ingestion.detection.findings import Detection, detect, with_answer
from mmm_pipeline.ingestion.detection.settings import found_settings

PUBLIC = Path(os.environ.get("MMM_PUBLIC_DATA", "../shared/data/public"))
KINDS = {f"Channel{number}": "paid" for number in range(5)}

# Files -> step, market, KPI, kinds of channels (names of a long table), what is not sure.
PUBLIC_FILES: dict[str, tuple[str, str | None, str, Any, set[str]]] = {
    "robyn_dt_simulated_weekly.csv": (
        "week",
        None,
        "revenue",
        {
            **dict.fromkeys(("tv", "ooh", "print"), "spend_only"),
            **dict.fromkeys(("facebook", "search"), "paid"),
            "newsletter": "organic",
        },
        set(),
    ),
    "meridian_national_all_channels.csv": (
        "week",
        None,
        "conversions",
        {**KINDS, "Organic_channel0": "organic"},
        {"Promo"},
    ),
    "meridian_geo_all_channels.csv": (
        "week",
        "geo",
        "conversions",
        {**KINDS, "Organic_channel0": "organic"},
        {"Promo"},
    ),
    "meridian_geo_media_rf.csv": (
        "week",
        "geo",
        "conversions",
        {**dict.fromkeys(("Channel0", "Channel1", "Channel2"), "paid"), "Channel3": "reach_frequency"},
        set(),
    ),
    "pymc_mmm_example.csv": ("week", None, "y", dict.fromkeys(("x1", "x2"), "spend_only"), {"x1", "x2"}),
    "param_recovery_small_business.csv": (
        "week",
        None,
        "y",
        dict.fromkeys(("Search-Ads", "Social-Media", "Local-Ads", "Email"), "spend_only"),
        {"x1_Search-Ads", "x2_Social-Media", "x3_Local-Ads", "x4_Email"},
    ),
    "fivetran_ad_report.csv fivetran_shopify_orders.csv": (
        "day",
        None,
        "total_price",
        {"Facebook Ads", "Google Ads", "TikTok Ads"},
        {"platform", "created_timestamp"},
    ),
}


@pytest.mark.parametrize("names", PUBLIC_FILES)
def test_public_files_are_recognised(names: str) -> None:
    paths = [PUBLIC / name for name in names.split()]
    if not all(path.exists() for path in paths):
        pytest.skip(f"{PUBLIC} (MMM_PUBLIC_DATA) does not have {names}")
    step, market, kpi, channels, doubts = PUBLIC_FILES[names]

    found = detect(paths)

    assert found.media.step is not None
    assert found.media.step.step == step
    assert found.media.header("market") == market
    assert found.kpi.header("kpi") == kpi
    named = {channel.name: channel.kind for channel in found.media.channels} or set(found.media.channel_names)
    assert named == channels
    assert {role.header for _, role in found.doubts} == doubts


def look(tmp_path: Path, *texts: str) -> Detection:
    paths = []
    for number, text in enumerate(texts):
        paths.append(tmp_path / f"{number}.csv")
        paths[-1].write_text(text, encoding="utf-8")
    return detect(paths)


def settings_in(tmp_path: Path, *texts: str) -> dict[str, Any]:
    return found_settings(look(tmp_path, *texts), tmp_path)


DAYS = ("2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04")


def table(header: str, *rows: str, dates: tuple[str, ...] = DAYS) -> str:
    return "\n".join([header, *(f"{date},{row}" for date in dates for row in rows)]) + "\n"


LONG = table("date,channel,impressions,spend,revenue", "tv,10,1.5,7", "search,20,2.5,0")


def test_a_long_table_has_media_and_kpi(tmp_path: Path) -> None:
    found = look(tmp_path, LONG)

    assert found.is_sure
    assert found_settings(found, tmp_path) == {
        "source": "0.csv",
        "columns": {
            "date": "date",
            "channel": "channel",
            "media": "impressions",
            "spend": "spend",
            "kpi": "revenue",
        },
    }


def test_without_media_units_spend_stands_for_them(tmp_path: Path) -> None:
    columns = settings_in(tmp_path, table("date,channel,spend,revenue", "tv,1.5,7", "search,2.5,0"))["columns"]

    assert columns["media"] is None


def test_a_wide_table_is_told_by_patterns_where_these_find_its_channels(tmp_path: Path) -> None:
    text = table("week,tv_spend,search_spend,search_clicks,orders", "1.5,2,30,4")

    assert settings_in(tmp_path, text)["columns"] == {
        "date": "week",
        "patterns": {"media": "*_clicks", "spend": "*_spend"},
        "kpi": "orders",
    }


def test_media_and_kpi_may_be_two_tables(tmp_path: Path) -> None:
    media = table("day,platform,impressions,spend,conversions_value", "Meta,10,1.5,3", "Google,20,2.5,4")
    orders = table("created_at,order_id,total_price", "7,20.5", "8,30.5")

    assert settings_in(tmp_path, media, orders) == {
        "source": "0.csv",
        "columns": {
            "date": "day",
            "channel": "platform",
            "media": "impressions",
            "spend": "spend",
            "kpi": "total_price",
        },
        "kpi": {"source": "1.csv", "date": "created_at"},
    }


@pytest.mark.parametrize(
    ("header", "row", "expected"),
    [
        (
            "Day,Campaign,Currency code,Impr.,Cost",
            "Brand,EUR,10,1.5",
            {"date": "Day", "channel": "Campaign", "media": "Impr.", "spend": "Cost"},
        ),
        (
            "Day,Campaign name,Reach,Impressions,Amount spent (USD)",
            "Brand,5,10,1.5",
            {"date": "Day", "channel": "Campaign name", "media": "Impressions", "spend": "Amount spent (USD)"},
        ),
        (
            "By Day,Campaign name,Cost,Impressions",
            "Brand,1.5,10",
            {"date": "By Day", "channel": "Campaign name", "media": "Impressions", "spend": "Cost"},
        ),
        (
            "Date,Campaign Name,Impressions,Clicks,Spend",
            "Brand,10,2,1.5",
            {"date": "Date", "channel": "Campaign Name", "media": "Impressions", "spend": "Spend"},
        ),
        (
            "TimePeriod,CampaignName,Impressions,Clicks,Spend",
            "Brand,10,2,1.5",
            {"date": "TimePeriod", "channel": "CampaignName", "media": "Impressions", "spend": "Spend"},
        ),
    ],
    ids=["Google", "Meta", "TikTok", "Amazon", "Microsoft"],
)
def test_exports_of_platforms_are_known_by_their_headers(
    tmp_path: Path, header: str, row: str, expected: dict[str, str]
) -> None:
    sales = table("date,sales", "20")

    columns = settings_in(tmp_path, f"Some report\n{table(header, row)}", sales)["columns"]

    assert columns == {**expected, "kpi": "sales"}


def test_an_export_of_a_platform_alone_has_no_kpi(tmp_path: Path) -> None:
    with pytest.raises(CampaignDataError, match="add the file of your sales"):
        look(tmp_path, table("Day,Campaign,Impr.,Cost", "Brand,10,1.5"))


def test_dates_that_can_be_read_in_two_ways_are_refused_until_somebody_says(tmp_path: Path) -> None:
    text = table("date,channel,spend,revenue", "tv,1.5,7", dates=("01/02/2024", "02/02/2024", "03/02/2024"))

    with pytest.raises(CampaignDataError, match="can be read in two ways"):
        look(tmp_path, text)

    found = detect([tmp_path / "0.csv"], "day_first")
    assert found_settings(found, tmp_path, "day_first")["source"]["date_order"] == "day_first"


def test_an_answer_settles_a_doubt(tmp_path: Path) -> None:
    found = look(tmp_path, table("date,x1,x2,y", "1.5,3,7"))
    assert [role.header for _, role in found.doubts] == ["x1", "x2"]

    for answer in ("spend", "control"):
        found = with_answer(found, *found.doubts[0], answer)

    assert found.is_sure
    settings = found_settings(found, tmp_path)
    assert settings["columns"]["wide"] == {"x1": {"spend": "x1"}}
    assert settings["controls"]["columns"] == ["x2"]


def test_another_column_can_be_the_kpi(tmp_path: Path) -> None:
    found = look(tmp_path, table("date,channel,spend,revenue,orders", "tv,1.5,7,3", "web,1,0,2"))
    [(where, role)] = found.doubts

    assert found_settings(with_answer(found, where, role, "orders"), tmp_path)["columns"]["kpi"] == "orders"


def days(first: str, count: int, apart: int = 1) -> tuple[str, ...]:
    return tuple(str(dt.date.fromisoformat(first) + dt.timedelta(days=apart * number)) for number in range(count))


@pytest.mark.parametrize(
    ("weeks", "orders", "date", "is_sure"),
    [
        (days("2023-01-08", 10, 7), days("2023-01-02", 70), "end", True),
        (days("2023-01-08", 10, 7), days("2022-11-03", 130), "end", True),
        (days("2023-01-04", 10, 7), days("2022-12-29", 100), "end", True),
        (days("2023-01-08", 10, 7), days("2023-01-08", 70), "start", True),
        (days("2023-01-08", 10, 7), days("2022-11-03", 150), "start", False),
        (days("2023-01-08", 10, 7), days("2023-01-08", 10, 7), "start", False),
        (days("2023-01-07", 10, 7), days("2023-01-07", 64), "start", False),
    ],
    ids=["begin together", "end together", "Wednesdays", "start together", "no hint", "no days", "both fit"],
)
def test_days_beside_weeks_tell_which_day_dates_a_week(
    tmp_path: Path, weeks: tuple[str, ...], orders: tuple[str, ...], date: str, is_sure: bool
) -> None:
    media = table("week,platform,impressions,spend", "tv,10,1.5", dates=weeks)

    found = look(tmp_path, media, table("day,order_value,revenue", "7,20.5", dates=orders))

    assert found.weeks is not None
    assert (found.weeks.date, found.weeks.is_sure) == (date, is_sure)
    assert found_settings(found, tmp_path).get("time") == ({"week_date": "end"} if date == "end" else None)


def test_weeks_dated_by_mondays_raise_no_question(tmp_path: Path) -> None:
    weeks = table("week,platform,impressions,spend,revenue", "tv,10,1.5,9", dates=days("2023-01-02", 10, 7))

    assert look(tmp_path, weeks).weeks is None


def test_a_column_called_media_has_the_media(tmp_path: Path) -> None:
    found = look(tmp_path, table("date,channel,media,spend,kpi", "tv,10,1.5,7", "search,20,2.5,0"))

    assert found.is_sure
    assert found_settings(found, tmp_path)["columns"]["media"] == "media"


def test_a_column_called_media_without_channels_beside_it_is_asked_about(tmp_path: Path) -> None:
    found = look(tmp_path, table("date,tv_spend,media,revenue", "1.5,10,7"))

    assert [role.header for _, role in found.doubts] == ["media"]
