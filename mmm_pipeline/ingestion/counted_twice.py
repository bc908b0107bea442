"""Rows that count the same thing twice: totals beside what they add up, and a day's KPI on every row of the day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from mmm_pipeline.errors import CampaignDataError
from mmm_pipeline.ingestion.rows.campaign_sql import CampaignQueries
from mmm_pipeline.ingestion.sources.staging import Staging
from mmm_pipeline.ingestion.spellings.parsing import name as name_in
from mmm_pipeline.settings.pipeline import Settings
from mmm_pipeline.storage.warehouse.dialect import DUCKDB

__all__ = ["require_kpi_counts_once", "require_no_overall_total", "require_no_total", "require_no_total_value"]

MEASURES: Mapping[str, str] = {"media_units": "media", "spend": "spend", "kpi": "KPI"}
_LEAST_DAYS = 14
_LEAST_VALUES = 5
_NEARLY_ALL = 0.95
_SAME = 1e-4
_SAME_TOTAL = 1e-9
_MOST_VALUES = 10_000


def require_no_total(daily: pd.DataFrame, by: str, header: str) -> None:
    """Refuse a channel or market that is, day by day, the sum of all others: everything would count twice.

    A measure agrees when the sum is met on 95 % of at least 14 days and takes at least five values, which is no chance.
    Spend or KPI must agree; where there is only one other, everything must, and there must be KPI.

    Args:
        daily: sums of media, spend and KPI per date and `by`.
        by: `channel` or `market`.
        header: of its column, as the settings name it.

    Raises:
        CampaignDataError: with the days, the sums and how to leave the rows out.
    """
    sums = daily.groupby(["date", by])[list(MEASURES)].sum()
    wide = {measure: sums[measure].unstack(by).fillna(0.0) for measure in MEASURES}
    names = wide["kpi"].columns
    if len(names) < 2:
        return
    for name in names:
        agreeing = {}
        present = 0
        for measure, table in wide.items():
            own = table[name].to_numpy()
            others = table.drop(columns=name).sum(axis=1).to_numpy()
            present += bool(own.any())
            days = (own > 0) | (others > 0)
            same = np.abs(own - others)[days] <= _SAME * np.maximum(own, others)[days]
            enough = days.sum() >= _LEAST_DAYS and len(np.unique(own[days])) >= _LEAST_VALUES
            if own.any() and enough and same.mean() >= _NEARLY_ALL:
                agreeing[measure] = (int(same.sum()), int(days.sum()), own.sum(), others.sum())
        proven = "kpi" in agreeing or "spend" in agreeing
        if len(names) == 2:
            proven = "kpi" in agreeing and len(agreeing) == present > 1
        if proven:
            raise CampaignDataError(_is_total(by, str(name), [str(it) for it in names if it != name], header, agreeing))


def _is_total(
    by: str, name: str, others: Sequence[str], header: str, agreeing: Mapping[str, tuple[int, int, float, float]]
) -> str:
    whole = f"the sum of the other {len(others)} {by}s" if len(others) > 1 else f"the same as {by} {others[0]!r}"
    evidence = "; ".join(
        f"{MEASURES[measure]} on {same:,} of {days:,} days ({own:,.2f} in all, {rest:,.2f} without it)"
        for measure, (same, days, own, rest) in agreeing.items()
    )
    return (
        f"{by} {name!r} is {whole}: {evidence}. Everything would count twice. Remove its rows from the source, or "
        f"leave them out: validation.total_rows: {{{header}: [{name}]}}"
        + (". channels.exclude would not do: it keeps the KPI of the rows" if by == "channel" else "")
    )


def require_no_overall_total(totals: pd.DataFrame, headers: Mapping[str, str], where: str) -> None:
    """Refuse a brand or marketplace that has exactly half of everything, as a total of all others has.

    Args:
        totals: result of `CampaignQueries.totals`.
        headers: header of `brand` and of `marketplace`, where the source has them.
        where: the source.

    Raises:
        CampaignDataError: there is one.
    """
    accepted = totals.loc[totals["reason"].isna()]
    for dimension, header in headers.items():
        sums = accepted.groupby(dimension)[list(MEASURES)].sum()
        whole = accepted[list(MEASURES)].sum()
        # Halves of one measure, and of two values, may be chance.
        counted = [measure for measure in MEASURES if whole[measure] > 0]
        if len(sums) < 3 or len(counted) < 2:
            continue
        halves = ((2 * sums[counted] - whole[counted]).abs() <= _SAME_TOTAL * whole[counted]).all(axis=1)
        for name in sums.index[halves]:
            listed = ", ".join(f"{MEASURES[it]} {sums.loc[name, it]:,.2f}" for it in counted)
            raise CampaignDataError(
                f"{where}: {dimension} {name!r} has as much as all other {len(sums) - 1} {dimension}s together "
                f"({listed}), as a total of them has. Everything would count twice. Remove its rows from the source, "
                f"or leave them out: validation.total_rows: {{{header}: [{name}]}}"
            )


def require_no_total_value(staging: Staging, queries: CampaignQueries, where: str) -> None:
    """Refuse a value of a column without a role whose rows have exactly half of everything, as a total has.

    Channel, market, brand and marketplace are looked at elsewhere; columns of more than 10,000 values are left alone.

    Args:
        staging: a judged staging area.
        queries: those that judged it.
        where: the source.

    Raises:
        CampaignDataError: there is one, beside at least two other values.
    """
    taken = set(queries.roles.positions.values())
    columns = [column for position, column in enumerate(staging.columns) if position not in taken]
    if not columns:
        return
    run = staging.connection.execute
    counts = run(f"SELECT {', '.join(f'approx_count_distinct({it})' for it in columns)} FROM source").fetchone() or ()
    few = [column for column, count in zip(columns, counts, strict=True) if 2 < count <= _MOST_VALUES]
    if not few:
        return
    names = ", ".join(f"{name_in(DUCKDB, f'source.{column}')} AS {column}" for column in few)
    sums = ", ".join(f"SUM({it}) AS {it}" for it in MEASURES)
    # A sum is exact enough that halves agree to nine digits; of two measures at least, that is no chance.
    halves = " AND ".join(f"ABS(2 * s.{it} - a.{it}) <= {_SAME_TOTAL} * a.{it}" for it in MEASURES)
    counted = " + ".join(f"CAST(a.{it} > 0 AS INTEGER)" for it in MEASURES)
    found = run(f"""
        WITH accepted AS (
            SELECT {names}, media_units, spend, kpi FROM judged JOIN source ON source.line_number = judged.line_number
            WHERE judged.reason IS NULL AND judged.line_number NOT IN (SELECT line_number FROM duplicates)
        ), sums AS (
            SELECT {", ".join(few)}, {sums}, COUNT(*) AS row_count
            FROM accepted GROUP BY GROUPING SETS ({", ".join(f"({column})" for column in few)})
        ), whole AS (SELECT {sums} FROM accepted)
        SELECT {", ".join(f"s.{column}" for column in few)}, {", ".join(f"s.{it}" for it in MEASURES)}, s.row_count
        FROM sums AS s CROSS JOIN whole AS a
        WHERE {halves} AND {counted} >= 2 AND COALESCE({", ".join(f"s.{column}" for column in few)}, NULL) IS NOT NULL
        ORDER BY ALL LIMIT 1""").fetchone()
    if found is None:
        return
    *values, media, spend, kpi, rows = found
    column, value = next((it, value) for it, value in zip(few, values, strict=True) if value is not None)
    header = queries.roles.names[int(column.removeprefix("c"))]
    raise CampaignDataError(
        f"{where}: the {rows:,} row(s) with {header} = {value!r} have as much as all others together (media "
        f"{media:,.2f}, spend {spend:,.2f}, KPI {kpi:,.2f}), as a total of them has. Everything would count twice. "
        f"Remove them from the source, or leave them out: validation.total_rows: {{{header}: [{value}]}}"
    )


def require_kpi_counts_once(sums: pd.DataFrame, settings: Settings) -> None:
    """Refuse a KPI that is the same for all channels of a day, until `columns.kpi_per` says how it counts.

    That is what a table looks like whose KPI of the day was written beside every channel.

    Args:
        sums: KPI and `row_count` per date and channel (and market) that have rows.
        settings: the section `columns` counts.

    Raises:
        CampaignDataError: with both readings, when the KPI is equal on 95 % of at least 14 days.
    """
    if settings.columns.kpi_per is not None:
        return
    rows = sums.assign(each=sums["kpi"] / sums["row_count"])
    keys = ["date", "market"] if "market" in rows else ["date"]
    days = rows.groupby(keys)["kpi"].agg(["min", "max", "count"])
    days["each"] = rows.groupby(keys)["each"].max()
    shared = days.loc[(days["count"] > 1) & (days["max"] > 0)]
    equal = shared.loc[shared["max"] - shared["min"] <= _SAME_TOTAL * shared["max"]]
    if len(shared) < _LEAST_DAYS or len(equal) < _NEARLY_ALL * len(shared) or equal["max"].nunique() < _LEAST_VALUES:
        return
    example = equal.index[0]
    date, *market = example if isinstance(example, tuple) else (example,)
    of_day = rows.loc[rows["date"].eq(date) & (rows["market"].eq(market[0]) if market else True)]
    named = ", ".join(map(str, of_day["channel"].head(3))) + (" and others" if len(of_day) > 3 else "")
    where = f" and market {market[0]!r}" if market else ""
    raise CampaignDataError(
        f"the KPI (columns.kpi = {settings.columns.kpi!r}) is the same for all channels on {len(equal):,} of "
        f"{len(shared):,} days{' and markets' if market else ''}, e.g. {equal['max'].iloc[0]:,.2f} on "
        f"{pd.Timestamp(date):%Y-%m-%d}{where} for {named}. It can be read two ways. Every row repeats the KPI of its "
        f"day, which counts once ({days['each'].sum():,.2f} over all days): set columns.kpi_per: date. Every row has a "
        f"KPI of its own, and they add up ({sums['kpi'].sum():,.2f}): set columns.kpi_per: row"
    )
