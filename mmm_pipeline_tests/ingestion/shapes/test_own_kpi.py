"""Media and KPI in tables of their own: the same days, sums to the cent, and what can be read in two ways."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from mmm_pipeline.errors import CampaignDataError, SettingsError
from mmm_pipeline.ingestion.matrix import build_market_matrix, build_media_matrix
from mmm_pipeline.ingestion.own_kpi import OwnKpi, kpi_series, read_own_kpi
from mmm_pipeline.ingestion.rows.campaigns import load_campaigns
from mmm_pipeline.settings.pipeline import Settings, parse_settings
from mmm_pipeline.storage.warehouse.duckdb import DuckDBWarehouse

DAYS = pd.date_range("2025-01-01", periods=60)
Read = Callable[..., tuple[pd.DataFrame, pd.DataFrame]]


def ads(**columns: Any) -> pd.DataFrame:
    parts = [
        pd.DataFrame({"day": DAYS, "site": name, "team": "x", "views": 10.0 * at, "cost": 1.25 * at})
        for at, name in enumerate(("A", "B"), 1)
    ]
    return pd.concat(parts, ignore_index=True).assign(**columns)


def orders(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame({"bought": DAYS, "amount": [100.1 + day for day in range(len(DAYS))]}).assign(**columns)


@pytest.fixture
def read(tmp_path: Path, warehouse: DuckDBWarehouse) -> Read:
    """The media matrix and the KPI series of two files."""

    def read_it(media: pd.DataFrame, kpi: pd.DataFrame, **sections: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
        media.to_csv(tmp_path / "ads.csv", index=False)
        kpi.to_csv(tmp_path / "orders.csv", index=False)
        columns = {"date": "day", "channel": "site", "media": "views", "spend": "cost", "kpi": "amount"}
        settings = parse_settings(
            {
                "source": str(tmp_path / "ads.csv"),
                "kpi": {"source": str(tmp_path / "orders.csv"), "date": "bought"},
                **sections,
                "columns": {**columns, **sections.get("columns", {})},
            }
        )
        return matrices(warehouse, settings)

    return read_it


def matrices(warehouse: DuckDBWarehouse, settings: Settings) -> tuple[pd.DataFrame, pd.DataFrame]:
    load_campaigns(warehouse, settings)
    own: OwnKpi | None = read_own_kpi(warehouse, settings)
    matrix = build_media_matrix(warehouse, settings, own_kpi=own)
    by_market = build_market_matrix(warehouse, settings, own_kpi=own)
    return matrix, kpi_series(matrix, by_market, own)


def test_sums_of_both_tables_are_kept_to_the_cent(read: Read) -> None:
    matrix, series = read(ads(), orders())

    assert matrix.groupby("channel")["spend"].sum().to_dict() == {"A": 75.0, "B": 150.0}
    assert series["kpi"].sum() == pytest.approx(orders()["amount"].sum(), abs=0.005)
    assert len(series) == len(DAYS)


def test_orders_of_a_day_add_up_and_refunds_are_taken_off(read: Read) -> None:
    two = pd.concat([orders(), orders(amount=-0.1, bought=DAYS + pd.Timedelta(hours=5))])
    _, series = read(ads(), two)

    assert series["kpi"].sum() == pytest.approx(orders()["amount"].sum() - 6.0)


def test_the_days_are_those_of_both_and_what_lies_outside_is_said(
    read: Read, warehouse: DuckDBWarehouse, tmp_path: Path
) -> None:
    matrix, series = read(ads(), orders(bought=DAYS + pd.Timedelta(days=2)))
    columns = {"date": "day", "channel": "site", "media": "views", "spend": "cost", "kpi": "amount"}
    kpi = {"source": str(tmp_path / "orders.csv"), "date": "bought"}
    settings = parse_settings({"source": str(tmp_path / "ads.csv"), "columns": columns, "kpi": kpi})
    told: list[str] = []
    build_media_matrix(warehouse, settings, own_kpi=read_own_kpi(warehouse, settings), tell=told.append)

    before, after = [note for note in told if "plays no part" in note]
    assert before.startswith("spend of 7.50 from 2025-01-01 to 2025-01-02 plays no part: there is no KPI before")
    assert after.startswith("KPI of 317.20 from 2025-03-02 to 2025-03-03 plays no part: there is no media after")

    assert series["date"].min() == matrix["date"].min() == DAYS[2]
    assert series["date"].max() == matrix["date"].max() == DAYS[-1]


@pytest.mark.parametrize(
    ("kpi", "told"),
    [
        (
            orders(bought=DAYS + pd.Timedelta(days=400)),
            "no day in common: the media from 2025-01-01 to 2025-03-01",
        ),
        (pd.concat([orders(), orders().head(2).assign(amount=7)]), r"2 of 60 dates have more than one KPI row, first"),
        (
            pd.concat([orders(), orders().assign(shop="b")]),
            "several rows of a date have the same KPI on 60 of 60 dates",
        ),
        (orders().drop(index=5), "2025-01-06"),
        (pd.concat([orders(), orders(amount=-200.0)]), "of 2025-01-01 adds up to -99.90: a day may have refunds"),
    ],
    ids=["no overlap", "duplicate keys", "repeated", "a day missing", "a negative day"],
)
def test_a_kpi_that_cannot_be_used_is_one_clear_error(read: Read, kpi: pd.DataFrame, told: str) -> None:
    with pytest.raises(CampaignDataError, match=told):
        read(ads(), kpi)


@pytest.mark.parametrize(("per", "total"), [("row", 2), ("date", 1)])
def test_rows_that_repeat_the_kpi_count_as_the_setting_says(read: Read, per: str, total: int) -> None:
    _, series = read(ads(), pd.concat([orders(), orders().assign(shop="b")]), columns={"kpi_per": per})

    assert series["kpi"].sum() == pytest.approx(total * orders()["amount"].sum())


def test_markets_are_those_of_both_tables(read: Read) -> None:
    media = pd.concat([ads(land="N"), ads(land="S")])
    sold = pd.concat([orders(land="N"), orders(land="S", amount=1.0 + DAYS.dayofweek)])
    _, series = read(media, sold, columns={"market": "land"})

    assert series.groupby("market")["kpi"].sum().to_dict() == pytest.approx(
        {"N": orders()["amount"].sum(), "S": float((1.0 + DAYS.dayofweek.to_numpy()).sum())}
    )
    with pytest.raises(CampaignDataError, match=r"1 market\(s\) have KPI and no media: 'S'"):
        read(ads(land="N"), sold, columns={"market": "land"})


def test_a_channel_can_be_made_of_several_columns_and_channels_be_added_up(read: Read) -> None:
    matrix, _ = read(ads(), orders(), columns={"channel": ["site", "team"]})
    assert sorted(matrix["channel"].unique()) == ["A / x", "B / x"]

    matrix, _ = read(ads(), orders(), channels={"merge": {"All": ["A", "B"]}})
    assert matrix.groupby("channel")["spend"].sum().to_dict() == {"All": 225.0}
    with pytest.raises(SettingsError, match=r"channels.merge.All names 'C', which is no channel of the data"):
        read(ads(), orders(), channels={"merge": {"All": ["A", "C"]}})


def test_without_media_units_spend_stands_for_them(read: Read) -> None:
    matrix, _ = read(ads(), orders(), columns={"media": None})

    assert matrix["kind"].unique().tolist() == ["spend_only"]
    assert (matrix["media_units"] == matrix["spend"]).all()
