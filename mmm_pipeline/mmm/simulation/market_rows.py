"""A market as the rows of a marketplace export: several products per channel and day, with the usual dirt."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mmm_pipeline.mmm.simulation.market import Market

__all__ = ["DEAD_CHANNEL", "EXPORT_COLUMNS", "market_rows"]

EXPORT_COLUMNS: tuple[str, ...] = (
    "Date",
    "Brand Alias",
    "Ad group alias",
    "ASIN/SKU Alias",
    "Marketplace",
    "Impressions",
    "Clicks",
    "Spend",
    "Sales",
    "Orders",
    "Units",
    "Advertised Units sold",
    "Other SKU units sold",
    "Advertised SKU Sales",
    "Other SKU sales",
)
DEAD_CHANNEL = "Brand 1 Legacy Banner"

_MARKETPLACES = ("Amazon", "Ebay", "Walmart")
_SPELLINGS = ("%b %d, %Y", "%m/%d/%Y", "%m/%d/%Y 0:00:00", "%Y-%m-%d")


def market_rows(market: Market, *, dirty: bool = True) -> pd.DataFrame:
    """Rows with the export's columns whose daily sums are the market's series, to the unit and to the cent.

    Sales are credited to the rows by their clicks, as a platform would: the sum of a day is the market's KPI of that
    day, the split over channels says nothing about cause.

    Args:
        market: what to write down.
        dirty: add what real exports have: four date spellings, a channel without spend or media (`DEAD_CHANNEL`), and
            four bad rows (an impossible date, negative spend, no channel, an exact duplicate) on top of the good ones.

    Returns:
        Columns `EXPORT_COLUMNS`; `Date` is text.
    """
    rng = np.random.default_rng(np.random.SeedSequence([market.seed, 1]))
    lines = _lines(market, rng)
    days, count = len(market.dates), len(lines)
    impressions = np.zeros((days, count), dtype=np.int64)
    cents = np.zeros((days, count), dtype=np.int64)
    for position in range(len(market.channels)):
        columns = np.flatnonzero(lines["position"].to_numpy() == position)
        shares = rng.dirichlet(np.full(len(columns), 4.0), size=days)
        media = market.media[:, position].astype(np.int64)
        impressions[:, columns] = rng.multinomial(media, shares)
        worth = impressions[:, columns] * np.exp(rng.normal(0.0, 0.1, shares.shape))
        cents[:, columns] = _apportioned(np.rint(market.spend[:, position] * 100).astype(np.int64), worth)
    clicks = rng.binomial(impressions, lines["click_rate"].to_numpy())
    live = np.where(lines["position"].to_numpy() >= 0, 1e-6, 0.0)
    sales = _apportioned(np.rint(market.kpi * 100).astype(np.int64), clicks * rng.gamma(3.0, size=clicks.shape) + live)

    shown = (impressions > 0) | (cents > 0) | (sales > 0) | (rng.random((days, count)) < 0.15)
    if not dirty:
        shown &= live > 0
    day, line = np.nonzero(shown)
    rows = lines.drop(columns=["position", "click_rate"]).iloc[line].reset_index(drop=True)
    rows["Date"] = _spelled(market.dates[day], rng) if dirty else [str(date) for date in market.dates[day]]
    rows["Impressions"], rows["Clicks"] = impressions[shown], clicks[shown]
    rows["Spend"] = cents[shown] / 100
    _add_orders(rows, sales[shown], rng)
    rows = rows[list(EXPORT_COLUMNS)]
    return _with_bad_rows(rows) if dirty else rows


def _lines(market: Market, rng: np.random.Generator) -> pd.DataFrame:
    """One row per channel, product and marketplace that advertises; the dead channel has position -1."""
    rows: list[dict[str, object]] = []
    for position, channel in enumerate(market.channels):
        click_rate = float(np.exp(rng.normal(np.log(0.004), 0.5)))
        for _ in range(int(rng.integers(2, 5))):
            rows.append(_line(channel.brand, channel.name, len(rows), position, click_rate))
    rows.append(_line("Brand 1", DEAD_CHANNEL, len(rows), -1, 0.0))
    return pd.DataFrame(rows)


def _line(brand: str, channel: str, number: int, position: int, click_rate: float) -> dict[str, object]:
    return {
        "Brand Alias": brand,
        "Ad group alias": channel,
        "ASIN/SKU Alias": f"ASIN{301 + number}",
        "Marketplace": _MARKETPLACES[number % len(_MARKETPLACES)],
        "position": position,
        "click_rate": click_rate,
    }


def _apportioned(totals: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(T, R) whole numbers in proportion to `weights` (T, R) whose rows add up to `totals` (T,): largest remainders."""
    weight_sums = weights.sum(axis=1, keepdims=True)
    exact = totals[:, None] * np.divide(weights, weight_sums, out=np.zeros_like(weights), where=weight_sums > 0)
    whole = np.floor(exact).astype(np.int64)
    missing = totals - whole.sum(axis=1)
    place = np.argsort(np.argsort(-(exact - whole), axis=1, kind="stable"), axis=1, kind="stable")
    return whole + (place < missing[:, None])


def _spelled(dates: np.ndarray, rng: np.random.Generator) -> list[str]:
    """Dates as text, in the four spellings that one real export mixes."""
    spelling = rng.integers(0, len(_SPELLINGS), len(dates))
    return [date.strftime(_SPELLINGS[choice]) for date, choice in zip(dates.astype(object), spelling, strict=True)]


def _add_orders(rows: pd.DataFrame, cents: np.ndarray, rng: np.random.Generator) -> None:
    """Sales with orders and units, and both split into the advertised product and others."""
    sold = cents > 0
    orders = np.where(sold, 1 + rng.poisson(cents / 100 / 45), 0)
    units = orders + rng.binomial(orders, 0.06)
    advertised_units = rng.binomial(units, 0.65)
    share = np.divide(advertised_units, units, out=np.zeros(len(units)), where=units > 0)
    advertised = np.rint(cents * share).astype(np.int64)
    rows["Sales"], rows["Orders"], rows["Units"] = cents / 100, orders, units
    rows["Advertised Units sold"], rows["Other SKU units sold"] = advertised_units, units - advertised_units
    rows["Advertised SKU Sales"], rows["Other SKU sales"] = advertised / 100, (cents - advertised) / 100


def _with_bad_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """`rows` with four rows added that a loader must refuse; none of them changes an accepted sum."""
    places = [int(len(rows) * share) for share in (0.2, 0.4, 0.6, 0.8)]
    bad = rows.iloc[places].copy()
    bad.loc[places[0], "Date"] = "Feb 30, 2025"
    bad.loc[places[1], "Spend"] = -12.5
    bad.loc[places[2], "Ad group alias"] = None
    # Each follows the good row it was made from, so that the fourth is the later of two equal rows.
    bad.index = bad.index + 0.5
    return pd.concat([rows, bad]).sort_index().reset_index(drop=True)
