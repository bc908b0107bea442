"""A market written as export rows adds up to the market, and is as dirty as a real export."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmm_pipeline.mmm.simulation.simulate import DEAD_CHANNEL, EXPORT_COLUMNS, Market, market_rows, simulate_market

SPELLINGS = {
    "Nov 08, 2021": r"[A-Z][a-z]{2} \d\d, \d{4}",
    "10/17/2021": r"\d\d/\d\d/\d{4}",
    "10/17/2021 0:00:00": r"\d\d/\d\d/\d{4} 0:00:00",
    "2021-10-17": r"\d{4}-\d\d-\d\d",
}


@pytest.fixture(scope="module")
def market() -> Market:
    return simulate_market(days=70, channels=5, seed=2)


@pytest.fixture(scope="module")
def dirty(market: Market) -> pd.DataFrame:
    return market_rows(market)


def _series(rows: pd.DataFrame, market: Market, column: str) -> np.ndarray:
    table = rows.assign(day=pd.to_datetime(rows["Date"], format="mixed")).pivot_table(
        index="day", columns="Ad group alias", values=column, aggfunc="sum"
    )
    return table.reindex(index=market.dates, columns=list(market.channel_names)).fillna(0.0).to_numpy()


def _good(rows: pd.DataFrame) -> pd.DataFrame:
    """What is left after the refusals that the loader documents."""
    kept = rows[pd.to_datetime(rows["Date"], format="mixed", errors="coerce").notna()]
    kept = kept[(kept["Spend"] >= 0) & kept["Ad group alias"].notna()]
    return kept.drop_duplicates()


def _assert_sums_are_the_market(rows: pd.DataFrame, market: Market) -> None:
    np.testing.assert_array_equal(_series(rows, market, "Impressions"), market.media)
    np.testing.assert_allclose(_series(rows, market, "Spend"), market.spend, atol=1e-6)
    daily = rows.assign(day=pd.to_datetime(rows["Date"], format="mixed")).groupby("day")["Sales"].sum()
    np.testing.assert_allclose(daily.reindex(market.dates).to_numpy(), market.kpi, atol=1e-6)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), channels=st.integers(1, 12), days=st.integers(28, 60))
def test_sums_of_clean_rows_are_the_market(seed: int, channels: int, days: int) -> None:
    market = simulate_market(seed=seed, channels=channels, days=days)
    _assert_sums_are_the_market(market_rows(market, dirty=False), market)


def test_sums_of_dirty_rows_without_the_refused_ones_are_the_market(market: Market, dirty: pd.DataFrame) -> None:
    _assert_sums_are_the_market(_good(dirty), market)


def test_exactly_four_rows_are_bad_and_they_are_far_below_the_limit(dirty: pd.DataFrame) -> None:
    assert len(dirty) - len(_good(dirty)) == 4
    assert 4 / len(dirty) < 0.01


def test_columns_are_those_of_the_export(dirty: pd.DataFrame) -> None:
    assert tuple(dirty.columns) == EXPORT_COLUMNS


@pytest.mark.parametrize("pattern", SPELLINGS.values(), ids=SPELLINGS.keys())
def test_every_date_spelling_occurs(pattern: str, dirty: pd.DataFrame) -> None:
    assert dirty["Date"].str.fullmatch(pattern).sum() > len(dirty) / 10


def test_dead_channel_has_rows_but_nothing_in_them(dirty: pd.DataFrame) -> None:
    rows = dirty[dirty["Ad group alias"] == DEAD_CHANNEL]
    assert len(rows) > 0
    assert rows[["Impressions", "Clicks", "Spend", "Sales", "Orders", "Units"]].to_numpy().sum() == 0


def test_splits_of_a_row_add_up(dirty: pd.DataFrame) -> None:
    sales = dirty["Advertised SKU Sales"] + dirty["Other SKU sales"]
    units = dirty["Advertised Units sold"] + dirty["Other SKU units sold"]
    np.testing.assert_allclose(sales, dirty["Sales"], atol=1e-6)
    np.testing.assert_array_equal(units, dirty["Units"])
    assert (dirty["Clicks"] <= dirty["Impressions"]).all()
    assert ((dirty["Orders"] > 0) == (dirty["Sales"] > 0)).all()


def test_days_and_channels_have_several_rows(market: Market, dirty: pd.DataFrame) -> None:
    per_day_and_channel = len(dirty) / (market.media > 0).sum()
    assert per_day_and_channel > 1.8
    assert dirty["Marketplace"].nunique() == 3
    assert dirty["ASIN/SKU Alias"].nunique() > len(market.channels)


def test_rows_are_the_same_for_the_same_market(market: Market, dirty: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(market_rows(market), dirty)
