"""Public files in the shapes that people have: a few lines of settings, and every sum is that of the file."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from mmm_pipeline.ingestion.check import check_source
from mmm_pipeline.ingestion.matrix import build_market_matrix, build_media_matrix
from mmm_pipeline.ingestion.own_kpi import kpi_series, read_own_kpi
from mmm_pipeline.ingestion.rows.campaigns import load_campaigns
from mmm_pipeline.settings.pipeline import Settings, load_settings, parse_settings
from mmm_pipeline.storage.warehouse.duckdb import DuckDBWarehouse

FOLDER = Path(os.environ.get("MMM_PUBLIC_DATA", Path(__file__).parents[3].parent / "shared" / "data" / "public"))
MOST_LINES = 10


@dataclass(frozen=True)
class Public:
    """A file, its settings, and where its figures stand.

    Attributes:
        file: its name.
        settings: as people write them.
        spend: channel -> column.
        media: channel -> column.
        kpi: its column.
    """

    file: str
    settings: str
    spend: dict[str, str]
    media: dict[str, str]
    kpi: str


MERIDIAN = {f"Channel{number}": f"Channel{number}_spend" for number in range(5)}
IMPRESSIONS = {name: name + "_impression" for name in (*MERIDIAN, "Organic_channel0")}
FILES = (
    Public(
        "robyn_dt_simulated_weekly.csv",
        """
source: robyn_dt_simulated_weekly.csv
columns:
  date: DATE
  kpi: revenue
  wide: {search: {spend: search_S, media: search_clicks_P}, newsletter: {media: newsletter}}
  patterns: {spend: "*_S", media: "*_I"}
controls: {columns: [competitor_sales_B], independent: [competitor_sales_B]}
""",
        {name: f"{name}_S" for name in ("tv", "ooh", "print", "facebook", "search")},
        {"facebook": "facebook_I", "search": "search_clicks_P", "newsletter": "newsletter"},
        "revenue",
    ),
    Public(
        "meridian_national_all_channels.csv",
        """
source: meridian_national_all_channels.csv
columns: {date: time, kpi: conversions, patterns: {spend: "*_spend", media: "*_impression"}}
kpi: {kind: count}
controls: {columns: [competitor_sales_control, sentiment_score_control, Promo]}
""",
        MERIDIAN,
        IMPRESSIONS,
        "conversions",
    ),
    Public(
        "meridian_geo_all_channels.csv",
        """
source: meridian_geo_all_channels.csv
columns: {date: time, kpi: conversions, market: geo, patterns: {spend: "*_spend", media: "*_impression"}}
kpi: {kind: count}
""",
        MERIDIAN,
        IMPRESSIONS,
        "conversions",
    ),
    Public(
        "meridian_geo_media_rf.csv",
        """
source: meridian_geo_media_rf.csv
columns: {date: time, kpi: conversions, market: geo, patterns: {spend: "*_spend", media: "*_impression"}}
kpi: {kind: count}
""",
        {name: header for name, header in MERIDIAN.items() if name != "Channel4"},
        {name: header for name, header in IMPRESSIONS.items() if name not in ("Channel4", "Organic_channel0")},
        "conversions",
    ),
    Public(
        "pymc_mmm_example.csv",
        """
source: pymc_mmm_example.csv
columns: {date: date_week, kpi: y, wide: {x1: {spend: x1}, x2: {spend: x2}}}
controls: {columns: [event_1, event_2]}
""",
        {"x1": "x1", "x2": "x2"},
        {},
        "y",
    ),
    Public(
        "param_recovery_small_business.csv",
        """
source: param_recovery_small_business.csv
columns: {date: date, kpi: y, patterns: {spend: "x*"}}
kpi: {kind: money}
controls: {columns: [c1, c2]}
""",
        {name.removeprefix("x"): name for name in ("x1_Search-Ads", "x2_Social-Media", "x3_Local-Ads", "x4_Email")},
        {},
        "y",
    ),
)


@pytest.fixture(params=FILES, ids=lambda public: public.file.removesuffix(".csv"))
def public(request: pytest.FixtureRequest) -> Public:
    if not (FOLDER / request.param.file).is_file():
        pytest.skip(f"{FOLDER / request.param.file} is not there: set MMM_PUBLIC_DATA")
    found: Public = request.param
    return found


def settings_of(public: Public, folder: Path) -> Settings:
    content = yaml.safe_load(public.settings)
    content["source"] = str(FOLDER / content["source"])
    path = folder / "pipeline.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return load_settings(path)


def test_sums_per_channel_are_those_of_the_file_to_the_cent(public: Public, tmp_path: Path) -> None:
    assert len(public.settings.strip().splitlines()) <= MOST_LINES
    file, settings = pd.read_csv(FOLDER / public.file), settings_of(public, tmp_path)
    warehouse = DuckDBWarehouse(tmp_path / "warehouse.duckdb")
    summary = load_campaigns(warehouse, settings)
    own = read_own_kpi(warehouse, settings)
    matrix = build_media_matrix(warehouse, settings, own_kpi=own)
    by_market = build_market_matrix(warehouse, settings, own_kpi=own)

    assert (summary.rejected, summary.kpi.rejected if summary.kpi else None) == (0, 0)
    sums: dict[str, dict[str, Any]] = matrix.groupby("channel")[["spend", "media_units"]].sum().to_dict("index")
    assert set(sums) == {*public.spend, *public.media}
    for channel, found in sums.items():
        spend = file[public.spend[channel]].sum() if channel in public.spend else 0.0
        media = file[public.media[channel]].sum() if channel in public.media else spend
        assert found["spend"] == pytest.approx(spend, abs=0.005)
        assert found["media_units"] == pytest.approx(media, abs=0.005)
    series = kpi_series(matrix, by_market, own)
    assert series["kpi"].sum() == pytest.approx(file[public.kpi].sum(), abs=0.005)


def test_each_can_be_fitted_as_far_as_can_be_said_before(public: Public, tmp_path: Path) -> None:
    report = check_source(settings_of(public, tmp_path))

    assert set(report.channels) == {*public.spend, *public.media}
    assert report.excluded_channels == ()


def test_ads_and_orders_in_two_files_add_up_by_platform_and_day(tmp_path: Path) -> None:
    """Two weeks are too short for a model, not for their sums."""
    ads, orders = (FOLDER / name for name in ("fivetran_ad_report.csv", "fivetran_shopify_orders.csv"))
    if not (ads.is_file() and orders.is_file()):
        pytest.skip(f"{ads} or {orders} is not there: set MMM_PUBLIC_DATA")
    columns = {"date": "date_day", "channel": "platform", "media": "impressions", "spend": "spend"}
    kpi = {"source": str(orders), "date": "created_timestamp"}
    settings = parse_settings({"source": str(ads), "columns": {**columns, "kpi": "total_price"}, "kpi": kpi})
    warehouse = DuckDBWarehouse(tmp_path / "warehouse.duckdb")
    load_campaigns(warehouse, settings)

    media, sold = warehouse.read_table("media_rows"), warehouse.read_table("kpi_rows")
    given, bought = pd.read_csv(ads), pd.read_csv(orders)
    spend = given.groupby("platform")["spend"].sum().to_dict()
    assert media.groupby("channel")["spend"].sum().to_dict() == pytest.approx(spend, abs=0.005)
    days = pd.to_datetime(bought["created_timestamp"]).dt.normalize()
    by_day = bought.groupby(days)["total_price"].sum().to_dict()
    assert sold.groupby("date")["kpi"].sum().to_dict() == pytest.approx(by_day, abs=0.005)
