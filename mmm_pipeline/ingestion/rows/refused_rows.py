"""What refused rows take away: the day whose KPI they leave incomplete, and rows that may not be the same row twice."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from mmm_pipeline.errors import CampaignDataError
from mmm_pipeline.ingestion.rows.verdicts import DUPLICATE, EQUAL_KPI, REASONS, TOTAL_ROW
from mmm_pipeline.settings.pipeline import ValidationSettings

__all__ = [
    "FirstRefusal",
    "missing_amounts",
    "require_complete_days",
    "require_events_or_duplicates",
    "require_one_kpi_a_day",
]

FirstRefusal = Callable[[str], tuple[str | None, str | None, str | None]]
"""reason -> (where, column, value) of the first row refused for it; where: its line, or its row and sheet."""

_DAYS_SHOWN = 5


def require_events_or_duplicates(reasons: dict[str, int], where: str, first: FirstRefusal) -> None:
    """Refuse equal rows of KPI only, which can be read two ways, until `validation.equal_rows` says which.

    Raises:
        CampaignDataError: there are some.
    """
    count = reasons.get(EQUAL_KPI, 0)
    if not count:
        return
    place, _, value = first(EQUAL_KPI)
    example = f" (first: {place} {value})" if place is not None else ""
    raise CampaignDataError(
        f"{where}: {count:,} row(s) equal another row in every column and have a KPI but no media and no spend, as "
        f"orders have{example}. They can be read two ways. Separate events, each of which counts: set "
        "validation.equal_rows: each, or add a column that tells them apart, such as an order number. The same row "
        "sent twice, which counts once: set validation.equal_rows: once"
    )


def require_one_kpi_a_day(days: pd.DataFrame, where: str) -> None:
    """With `columns.kpi_per: date`, refuse a day whose rows do not all have the same KPI.

    Args:
        days: of `CampaignQueries.by_day`.
        where: the source.

    Raises:
        CampaignDataError: there is such a day.
    """
    accepted = days.loc[days["reason"].isna()]
    torn = accepted.loc[accepted["least_kpi"] < accepted["most_kpi"]].sort_values("date")
    if torn.empty:
        return
    row = torn.iloc[0]
    raise CampaignDataError(
        f"{where}: columns.kpi_per is date, so that all rows of a date{_in_market(row)} must have the same KPI, and on "
        f"{_day(row)}{_in_market(row)} they have from {row['least_kpi']:g} to {row['most_kpi']:g} ({len(torn):,} such "
        "day(s)). Are the rows to be added up? Then set columns.kpi_per: row. Does the KPI differ by market? Then name "
        "its column in columns.market"
    )


def require_complete_days(
    days: pd.DataFrame, where: str, settings: ValidationSettings, first: FirstRefusal
) -> tuple[str, ...]:
    """Refuse days whose KPI is incomplete because rows of theirs were refused.

    That is a day with a refused row whose KPI is not known, or with refused rows that have more of the day's KPI than
    `validation.max_rejected_share`. Each market is judged by itself.

    Args:
        days: of `CampaignQueries.by_day`.
        where: the source.
        settings: `incomplete_kpi: accept` turns the error into a warning.
        first: an example of each reason.

    Returns:
        The warning, if there is one.

    Raises:
        CampaignDataError: there is such a day.
    """
    refused = days.loc[days["reason"].notna() & ~days["reason"].isin([DUPLICATE, EQUAL_KPI])]
    if refused.empty:
        return ()
    by = [days["date"], days["market"].fillna("")]
    accepted = days["kpi"].where(days["reason"].isna(), 0.0).groupby(by).sum()
    keys = pd.MultiIndex.from_arrays([refused["date"], refused["market"].fillna("")])
    lost = refused["kpi"].groupby([refused["date"], refused["market"].fillna("")]).sum().reindex(keys).to_numpy()
    kept = accepted.reindex(keys).to_numpy()
    share = settings.max_rejected_share
    matters = (refused["unknown_kpi"] > 0) | (np.abs(lost) > share * np.abs(kept + lost))
    incomplete = refused.loc[matters].sort_values(["date", "reason"])
    if incomplete.empty:
        return ()
    count = len(incomplete[["date", "market"]].drop_duplicates())
    shown = ", ".join(_shown(row) for _, row in incomplete.head(_DAYS_SHOWN).iterrows())
    more = f" and {len(incomplete) - _DAYS_SHOWN:,} more" if len(incomplete) > _DAYS_SHOWN else ""
    told = f"{where}: the KPI of {count:,} day(s) is incomplete, because rows of theirs were refused: {shown}{more}"
    if settings.incomplete_kpi == "accept":
        return (f"{told}; what is left of these days counts, as validation.incomplete_kpi says",)
    reason = str(incomplete.iloc[0]["reason"])
    _, column, value = first(reason)
    example = f"{column} = {value!r}: " if column is not None else ""
    raise CampaignDataError(
        f"{told}. {example}{REASONS[reason]}. Correct the rows (a day that is not known "
        "yet is left out), or set validation.incomplete_kpi: accept to go on with what is left of these days"
    )


def missing_amounts(days: pd.DataFrame, reasons: dict[str, int]) -> tuple[str, ...]:
    """Warnings about what refused rows would have added: equal rows, and all others.

    Args:
        days: of `CampaignQueries.by_day`.
        reasons: reason -> refused rows.
    """
    warnings = []
    equal = days.loc[days["reason"].eq(DUPLICATE)]
    if len(equal):
        warnings.append(
            f"{equal['row_count'].sum():,} row(s) on {equal['date'].nunique():,} day(s) equal another row in every "
            f"column and count once: their spend of {equal['spend'].sum():,.2f} and KPI of {equal['kpi'].sum():,.2f} "
            "are not added. If they are separate events, set validation.equal_rows: each"
        )
    others = days.loc[days["reason"].notna() & ~days["reason"].isin([DUPLICATE, EQUAL_KPI])]
    if len(others) and (others["kpi"].sum() > 0 or others["spend"].sum() > 0):
        largest = others.sort_values("kpi").iloc[-1]
        most = f", most of the KPI on {_day(largest)} ({largest['kpi']:,.2f})" if largest["kpi"] > 0 else ""
        warnings.append(
            f"{others['row_count'].sum():,} refused row(s) on {others['date'].nunique():,} day(s) would have added a "
            f"KPI of {others['kpi'].sum():,.2f} and spend of {others['spend'].sum():,.2f}{most}: see rejected_rows"
        )
    dated = set(days["reason"].dropna())
    undated = {reason: count for reason, count in reasons.items() if reason not in dated and reason != TOTAL_ROW}
    if undated:
        listed = ", ".join(f"{reason}: {count:,}" for reason, count in undated.items())
        warnings.append(
            f"{sum(undated.values()):,} refused row(s) belong to days that cannot be told ({listed}): what they have "
            "is missing from some day"
        )
    return tuple(warnings)


def _shown(row: pd.Series) -> str:
    line = f"{row['first_row']}, " if "first_row" in row else ""
    rows = f", {int(row['row_count'])} rows" if row["row_count"] > 1 else ""
    return f"{_day(row)}{_in_market(row)} ({line}{row['reason']}{rows})"


def _day(row: pd.Series) -> str:
    return f"{pd.Timestamp(row['date']):%Y-%m-%d}"


def _in_market(row: pd.Series) -> str:
    return f" in {row['market']!r}" if pd.notna(row["market"]) else ""
