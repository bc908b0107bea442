"""The daily matrix: dense, exact, and refused when it cannot carry a model."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from mmm_pipeline.errors import CampaignDataError, StoredResultError
from mmm_pipeline.ingestion.matrix import build_market_matrix, build_media_matrix, check_window, holdout_start
from mmm_pipeline.settings.pipeline import Settings, parse_settings
from mmm_pipeline.storage.warehouse.duckdb import DuckDBWarehouse
from mmm_pipeline.tables.catalog import violations

FIRST = dt.date(2025, 1, 1)


def campaigns(*, days: int = 60, channels: tuple[str, ...] = ("A", "B"), **columns: Any) -> pd.DataFrame:
    """One row per day and channel."""
    dates = np.repeat(pd.date_range(FIRST, periods=days), len(channels))
    count = len(dates)
    table = pd.DataFrame(
        {
            "line_number": np.arange(2, count + 2),
            "date": dates,
            "channel": list(channels) * days,
            "media_units": 10.0,
            "spend": 2.0,
            "kpi": np.arange(count, dtype=float),
            "brand": None,
            "marketplace": None,
            "market": None,
        }
    )
    return table.assign(**columns)


def settings(**sections: Any) -> Settings:
    return parse_settings(sections)


def matrix_of(warehouse: DuckDBWarehouse, table: pd.DataFrame, **sections: Any) -> pd.DataFrame:
    warehouse.write_table("raw_campaigns", table)
    return build_media_matrix(warehouse, settings(**sections))


def test_rows_of_a_day_and_channel_add_up(warehouse: DuckDBWarehouse) -> None:
    table = campaigns()
    matrix = matrix_of(warehouse, pd.concat([table, table.assign(kpi=1.0)]))

    assert len(matrix) == 120
    assert matrix["media_units"].unique().tolist() == [20.0]
    assert matrix["kpi"].sum() == table["kpi"].sum() + 120
    assert violations("media_matrix", matrix).empty


def test_every_channel_has_every_day(warehouse: DuckDBWarehouse) -> None:
    table = campaigns()
    sparse = table.drop(table.index[(table["channel"] == "B") & (table["date"] != "2025-02-01")])

    matrix = matrix_of(warehouse, sparse)

    of_b = matrix[matrix["channel"] == "B"].set_index("date")["spend"]
    assert len(of_b) == 60
    assert of_b[of_b > 0].index.tolist() == [pd.Timestamp("2025-02-01")]


@given(st.lists(st.tuples(st.integers(0, 59), st.sampled_from("ABC"), st.floats(0, 1e9)), min_size=1, max_size=30))
@hypothesis_settings(max_examples=15, deadline=None)
def test_the_matrix_holds_the_same_totals_as_the_rows(extra: list[tuple[int, str, float]]) -> None:
    import tempfile
    from pathlib import Path

    more = pd.DataFrame(
        {
            "date": [pd.Timestamp(FIRST) + pd.Timedelta(days=day) for day, _, _ in extra],
            "channel": [channel for _, channel, _ in extra],
            "spend": [amount for _, _, amount in extra],
        }
    )
    table = pd.concat([campaigns(), more.assign(line_number=2, media_units=1.0, kpi=0.5, brand=None, marketplace=None)])
    with tempfile.TemporaryDirectory() as folder:
        matrix = matrix_of(DuckDBWarehouse(Path(folder) / "warehouse.duckdb"), table)

    by_hand = table.groupby(["date", "channel"])["spend"].sum()
    in_matrix = matrix.set_index(["date", "channel"])["spend"]
    np.testing.assert_allclose(in_matrix[in_matrix > 0].sort_index(), by_hand[by_hand > 0].sort_index(), rtol=1e-12)


def test_days_without_any_row_are_an_error_that_lists_them(warehouse: DuckDBWarehouse) -> None:
    table = campaigns()
    missing = table["date"].isin(pd.date_range("2025-01-10", periods=7))

    with pytest.raises(CampaignDataError, match=r"7 day\(s\) have no row at all: 2025-01-10, .*2025-01-14 and 2 more"):
        matrix_of(warehouse, table[~missing])
    assert not warehouse.has_table("media_matrix")


def test_days_without_any_row_are_zero_when_the_setting_says_so(warehouse: DuckDBWarehouse) -> None:
    table = campaigns()
    matrix = matrix_of(warehouse, table[table["date"] != "2025-01-10"], validation={"missing_kpi_days": "zero"})

    assert (
        matrix.loc[matrix["date"] == "2025-01-10", ["media_units", "spend", "kpi"]].to_numpy().tolist()
        == [[0.0] * 3] * 2
    )


def test_a_matrix_without_campaign_rows_says_what_to_run(warehouse: DuckDBWarehouse) -> None:
    with pytest.raises(StoredResultError, match="no table 'raw_campaigns' yet"):
        build_media_matrix(warehouse, settings())


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (campaigns(days=1), r"covers 1 day\(s\), 2025-01-01 to 2025-01-01; needed are at least 56"),
        (campaigns(days=55), r"covers 55 day\(s\).*needed are at least 56: the holdout of 28 days"),
        (campaigns(kpi=0.0), "is 0 on all 60 days, 2025-01-01 to 2025-03-01: there is nothing to explain"),
        (campaigns(kpi=7.0), r"is the same on all 60 days.*\(14\)"),
        (campaigns(kpi=[0.1, 0.2] * 60), "is the same on all 60 days"),
        (campaigns(kpi=[0.0] * 70 + [1.0] * 50), "is 0 on every day before the holdout, 2025-01-01 to 2025-02-01"),
        (campaigns(kpi=[1.0] * 70 + [2.0] * 50), "is the same on every day before the holdout"),
        (pd.concat([campaigns(spend=1e308)] * 2), r"the spend of 'A' on 2025-01-01 add up to inf"),
    ],
)
def test_a_window_that_cannot_carry_a_model_is_a_clear_error(
    warehouse: DuckDBWarehouse, table: pd.DataFrame, message: str
) -> None:
    with pytest.raises(CampaignDataError, match=message):
        matrix_of(warehouse, table)
    assert not warehouse.has_table("media_matrix")


def test_the_shortest_window_is_accepted(warehouse: DuckDBWarehouse) -> None:
    assert len(matrix_of(warehouse, campaigns(days=56))) == 112


def test_the_holdout_is_the_last_days() -> None:
    assert holdout_start(FIRST, dt.date(2025, 3, 31), settings(split={"holdout_days": 14})) == dt.date(2025, 3, 18)


def test_the_holdout_may_begin_on_a_date() -> None:
    chosen = settings(split={"holdout_start": "2025-03-01"})

    assert holdout_start(FIRST, dt.date(2025, 3, 31), chosen) == dt.date(2025, 3, 1)


@pytest.mark.parametrize(
    ("start", "message"),
    [
        ("2024-12-31", "outside the data"),
        ("2025-01-01", "outside the data"),
        ("2025-04-01", "outside the data"),
        ("2025-01-20", r"leaves 19 day\(s\) to learn from, needed are at least 28"),
    ],
)
def test_a_holdout_date_that_leaves_too_little_is_an_error(start: str, message: str) -> None:
    with pytest.raises(CampaignDataError, match=message):
        holdout_start(FIRST, dt.date(2025, 3, 31), settings(split={"holdout_start": start}))


def test_an_empty_matrix_is_an_error() -> None:
    with pytest.raises(CampaignDataError, match="no accepted campaign rows"):
        check_window(pd.DataFrame(columns=["date", "channel", "media_units", "spend", "kpi"]), settings())


def test_markets_are_kept_apart_where_asked_and_add_up_to_the_media_matrix(warehouse: DuckDBWarehouse) -> None:
    table = campaigns().assign(market="North")
    only_south = table["channel"].eq("B") & table["date"].gt("2025-01-10")
    both = pd.concat([table, table.loc[only_south].assign(market="South", kpi=1.0)])
    total = matrix_of(warehouse, both)
    apart = build_market_matrix(warehouse, settings(columns={"market": "Region"}))

    assert violations("market_matrix", apart).empty
    assert len(apart) == 60 * 3  # A and B in North, B in South, every day
    sums = apart.groupby(["date", "channel"])[["media_units", "spend", "kpi"]].sum()
    pd.testing.assert_frame_equal(sums, total.set_index(["date", "channel"])[list(sums)])


def test_without_a_market_column_the_market_matrix_is_empty(warehouse: DuckDBWarehouse) -> None:
    matrix_of(warehouse, campaigns())
    assert build_market_matrix(warehouse, settings()).empty


def test_a_kpi_that_is_zero_in_the_whole_holdout_is_refused_with_its_last_day(warehouse: DuckDBWarehouse) -> None:
    table = campaigns(days=90)
    table.loc[table["date"] >= "2025-03-01", "kpi"] = 0.0

    with pytest.raises(
        CampaignDataError, match=r"0 on every day of the holdout, 2025-03-04 to 2025-03-31.* 2025-02-28"
    ):
        matrix_of(warehouse, table)


def test_one_day_with_a_kpi_is_enough_to_score_the_holdout(warehouse: DuckDBWarehouse) -> None:
    table = campaigns(days=90)
    table.loc[table["date"] > "2025-03-04", "kpi"] = 0.0

    assert len(matrix_of(warehouse, table)) == 180
