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
from mmm_pipeline.mmm.data.time_grid import Step, TimeGrid
from mmm_pipeline.settings.pipeline import Settings, parse_settings
from mmm_pipeline.storage.warehouse.duckdb import DuckDBWarehouse
from mmm_pipeline.tables.catalog import violations

FIRST = dt.date(2025, 1, 1)
QUARTER = TimeGrid.covering(FIRST, dt.date(2025, 3, 31), Step.DAY)


def campaigns(*, days: int = 60, channels: tuple[str, ...] = ("A", "B"), **columns: Any) -> pd.DataFrame:
    """One row per day and channel."""
    dates = np.repeat(pd.date_range(FIRST, periods=days), len(channels))
    count = len(dates)
    table = pd.DataFrame(
        {
            "line_number": np.arange(2, count + 2),
            "date": dates,
            "channel": list(channels) * days,
            "kind": "paid",
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
    warehouse.write_table("media_rows", table)
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
    matrix = matrix_of(warehouse, table[table["date"] != "2025-01-10"], validation={"missing_kpi": "zero"})

    assert (
        matrix.loc[matrix["date"] == "2025-01-10", ["media_units", "spend", "kpi"]].to_numpy().tolist()
        == [[0.0] * 3] * 2
    )


def test_a_matrix_without_campaign_rows_says_what_to_run(warehouse: DuckDBWarehouse) -> None:
    with pytest.raises(StoredResultError, match="no table 'media_rows' yet"):
        build_media_matrix(warehouse, settings())


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (campaigns(days=1), r"covers 1 day, 2025-01-01 to 2025-01-01; needed are at least 56"),
        (campaigns(days=55), r"covers 55 days.*needed are at least 56: the holdout of 28 days"),
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
    assert holdout_start(QUARTER, settings(split={"holdout": 14})) == dt.date(2025, 3, 18)


def test_the_holdout_may_begin_on_a_date() -> None:
    chosen = settings(split={"holdout_start": "2025-03-01"})

    assert holdout_start(QUARTER, chosen) == dt.date(2025, 3, 1)


@pytest.mark.parametrize(
    ("start", "message"),
    [
        ("2024-12-31", "outside the data"),
        ("2025-01-01", "outside the data"),
        ("2025-04-01", "outside the data"),
        ("2025-01-20", r"leaves 19 days to learn from, needed are at least 28"),
    ],
)
def test_a_holdout_date_that_leaves_too_little_is_an_error(start: str, message: str) -> None:
    with pytest.raises(CampaignDataError, match=message):
        holdout_start(QUARTER, settings(split={"holdout_start": start}))


def test_an_empty_matrix_is_an_error() -> None:
    with pytest.raises(CampaignDataError, match="no accepted campaign rows"):
        check_window(pd.DataFrame(columns=["date", "channel", "kind", "media_units", "spend", "kpi"]), settings())


def test_markets_are_kept_apart_where_asked_and_add_up_to_the_media_matrix(warehouse: DuckDBWarehouse) -> None:
    table = campaigns().assign(market="North")
    only_south = table["channel"].eq("B") & table["date"].gt("2025-01-10")
    both = pd.concat([table, table.loc[only_south].assign(market="South", kpi=1.0)])
    total = matrix_of(warehouse, both)
    zero = {"missing_kpi": "zero"}
    apart = build_market_matrix(warehouse, settings(columns={"market": "Region"}, validation=zero))

    assert violations("market_matrix", apart).empty
    assert len(apart) == 60 * 3  # A and B in North, B in South, every day
    sums = apart.groupby(["date", "channel"])[["media_units", "spend", "kpi"]].sum()
    pd.testing.assert_frame_equal(sums, total.set_index(["date", "channel"])[list(sums)])


def two_markets(**south: Any) -> pd.DataFrame:
    """The campaigns in two markets."""
    table = campaigns()
    return pd.concat([table.assign(market="North"), table.assign(market="South", **south)])


def test_days_that_markets_lack_are_an_error_as_those_of_all_rows_are(warehouse: DuckDBWarehouse) -> None:
    both = two_markets()
    late = both["market"].eq("South") & both["date"].lt("2025-01-11")
    gap = both["market"].eq("North") & both["date"].between("2025-02-01", "2025-02-02")
    matrix_of(warehouse, both[~late & ~gap])

    with pytest.raises(CampaignDataError) as failure:
        build_market_matrix(warehouse, settings(columns={"market": "Region"}))

    north, south = str(failure.value).splitlines()
    assert north.startswith("2 day(s) of market 'North' have no row: 2025-02-01, 2025-02-02. Their KPI is unknown")
    assert "10 day(s) of market 'South' have no row: 2025-01-01" in south
    assert "(all before its first row, of 2025-01-11)" in south
    assert "validation.missing_kpi: zero" in south


def test_a_weekly_market_beside_a_daily_one_is_refused_whatever_the_setting(warehouse: DuckDBWarehouse) -> None:
    both = two_markets()
    weekly = both["market"].eq("South") & both["date"].dt.dayofweek.ne(0)
    matrix_of(warehouse, both[~weekly])
    chosen = settings(columns={"market": "Region"}, validation={"missing_kpi": "zero"})

    with pytest.raises(CampaignDataError, match="the rows of market 'South' are weekly, not daily"):
        build_market_matrix(warehouse, chosen)


def test_a_market_that_is_the_sum_of_the_others_is_refused(warehouse: DuckDBWarehouse) -> None:
    table = campaigns()
    parts = [table.assign(market=name, kpi=table["kpi"] * times) for name, times in (("N", 1.0), ("S", 3.0))]
    matrix_of(warehouse, pd.concat([*parts, table.assign(market="All", kpi=4 * table["kpi"], spend=4.0)]))

    with pytest.raises(CampaignDataError) as failure:
        build_market_matrix(warehouse, settings(columns={"market": "Region"}))

    message = str(failure.value)
    assert "market 'All' is the sum of the other 2 markets: KPI on 60 of 60 days (28,560.00 in all" in message
    assert "validation.total_rows: {Region: [All]}" in message


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ("14D", "fortnightly: 70 dates from 2024-01-01 to 2026-08-24, first 2024-01-01, 2024-01-15, 2024-01-29."),
        ("QS", "quarterly"),
        ("3D", "3 days apart"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("missing", ["error", "zero"])
def test_data_of_another_step_is_named_and_never_filled(
    warehouse: DuckDBWarehouse, step: str, said: str, missing: str
) -> None:
    dates = pd.date_range("2024-01-01", periods=70, freq=step)
    table = campaigns(days=70).assign(date=np.repeat(dates, 2))

    with pytest.raises(CampaignDataError) as failure:
        matrix_of(warehouse, table, validation={"missing_kpi": missing})

    assert f"the rows are {said}" in str(failure.value)
    assert "would make up days without sales" in str(failure.value)


@pytest.mark.parametrize("missing", ["error", "zero"])
@pytest.mark.parametrize(("wrong", "line"), [("2027-01-05", 120), ("2015-01-05", 120)])
def test_a_date_in_another_year_is_named_with_its_line(
    warehouse: DuckDBWarehouse, wrong: str, line: int, missing: str
) -> None:
    table = campaigns()
    table.loc[table["line_number"] == line, "date"] = pd.Timestamp(wrong)

    with pytest.raises(CampaignDataError) as failure:
        matrix_of(warehouse, table, validation={"missing_kpi": missing})

    message = str(failure.value)
    assert f"1 date(s) lie(s) far from all others: {wrong} (line 120)" in message
    assert "the other 60 are from 2025-01-01 to 2025-03-01" in message


def test_closed_weekdays_are_named(warehouse: DuckDBWarehouse) -> None:
    table = campaigns(days=90)
    open_days = table[table["date"].dt.dayofweek < 5]

    with pytest.raises(CampaignDataError, match=r"\(all of them Saturdays or Sundays\)"):
        matrix_of(warehouse, open_days)
    assert len(matrix_of(warehouse, open_days, validation={"missing_kpi": "zero"})) == 2 * 90


def repeated(days: int = 60) -> pd.DataFrame:
    """A KPI of the day, from 100 on, on the rows of both channels."""
    return campaigns(days=days, kpi=np.repeat(100.0 + np.arange(days), 2))


def test_a_kpi_that_every_channel_repeats_is_refused_with_both_readings(warehouse: DuckDBWarehouse) -> None:
    with pytest.raises(CampaignDataError) as failure:
        matrix_of(warehouse, repeated())

    message = str(failure.value)
    assert "is the same for all channels on 60 of 60 days, e.g. 100.00 on 2025-01-01 for A, B" in message
    assert "(7,770.00 over all days): set columns.kpi_per: date" in message
    assert "add up (15,540.00): set columns.kpi_per: row" in message


def test_a_kpi_said_to_be_of_the_row_adds_up(warehouse: DuckDBWarehouse) -> None:
    assert matrix_of(warehouse, repeated(), columns={"kpi_per": "row"})["kpi"].sum() == 15_540


@pytest.mark.parametrize(
    "kpi",
    [np.repeat([0.0, 7.0] * 30, 2), np.arange(120.0), np.tile([5.0, 0.0], 60) + np.repeat(np.arange(60.0), 2)],
    ids=["few values", "different", "one channel more"],
)
def test_a_kpi_of_each_row_is_taken_as_it_is(warehouse: DuckDBWarehouse, kpi: np.ndarray) -> None:
    assert matrix_of(warehouse, campaigns(kpi=kpi))["kpi"].sum() == kpi.sum()


def test_a_channel_that_is_the_sum_of_the_others_is_refused_with_the_evidence(warehouse: DuckDBWarehouse) -> None:
    table = campaigns(channels=("A", "B"), media_units=np.arange(120.0), spend=np.arange(120.0) / 4)
    total = table.groupby("date", as_index=False)[["media_units", "spend", "kpi"]].sum()
    both = pd.concat([table, total.assign(channel="Total", line_number=1)])

    with pytest.raises(CampaignDataError) as failure:
        matrix_of(warehouse, both, channels={"exclude": ["Total"]})

    message = str(failure.value)
    assert "channel 'Total' is the sum of the other 2 channels: media on 60 of 60 days" in message
    assert "spend on 60 of 60 days (1,785.00 in all, 1,785.00 without it)" in message
    assert "validation.total_rows: {Ad group alias: [Total]}" in message


def test_two_equal_channels_are_refused_and_two_of_one_budget_are_not(warehouse: DuckDBWarehouse) -> None:
    spend = np.repeat(np.arange(60.0), 2)
    same = campaigns(media_units=spend, spend=spend, kpi=spend + 1)

    with pytest.raises(CampaignDataError, match=r"channel 'A' is the same as channel 'B': media on 59 of 59 days"):
        matrix_of(warehouse, same, columns={"kpi_per": "row"})
    assert len(matrix_of(warehouse, campaigns(spend=spend))) == 120


def test_constant_budgets_that_happen_to_add_up_are_no_total(warehouse: DuckDBWarehouse) -> None:
    table = campaigns(channels=("A", "B", "C"), spend=[1.0, 2.0, 3.0] * 60)

    assert len(matrix_of(warehouse, table)) == 180


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
