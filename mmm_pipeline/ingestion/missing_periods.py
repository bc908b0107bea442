"""Periods that rows leave out, and single dates far away from all others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from mmm_pipeline.errors import CampaignDataError
from mmm_pipeline.mmm.data.time_grid import WEEKDAYS, Step, TimeGrid

__all__ = ["require_every_period", "require_near"]

_SHOWN = 5
_FAR_DAYS = {Step.DAY: 60, Step.WEEK: 60, Step.MONTH: 400}
_FAR_SHARE = 0.01
_FAR_DATES = 3


def require_near(first_lines: pd.Series, step: Step, market: str | None = None) -> None:
    """Refuse single dates far from all others, which are mistakes whatever `validation.missing_kpi` says.

    Args:
        first_lines: line of the first row of each date, missing where lines are not known; the index are the dates,
            increasing, each once.
        step: of the dates.
        market: whose dates they are, where markets are told apart.

    Raises:
        CampaignDataError: naming the far dates with their lines.
    """
    dates = pd.DatetimeIndex(first_lines.index)
    far = _far(dates, step)
    if not len(far):
        return
    rest = dates.difference(far)
    raise CampaignDataError(
        f"{len(far):,} date(s){whose(market)} lie(s) far from all others: {dated_lines(first_lines, far)}; the other "
        f"{len(rest):,} are from {rest[0].date()} to {rest[-1].date()}. Is the year right? Correct the date, or remove "
        "its rows"
    )


def require_every_period(positions: Iterable[int], grid: TimeGrid, market: str | None = None) -> None:
    """Refuse rows that leave a period out.

    Args:
        positions: periods of the grid that have rows.
        grid: whose periods all need one.
        market: whose rows they are, where markets are told apart.

    Raises:
        CampaignDataError: listing the periods that are missing.
    """
    found = set(positions)
    missing = [at for at in range(len(grid)) if at not in found]
    if not missing:
        return
    shown = ", ".join(_named(grid, at) for at in missing[:_SHOWN])
    more = f" and {len(missing) - _SHOWN:,} more" if len(missing) > _SHOWN else ""
    raise CampaignDataError(
        f"{len(missing):,} {grid.step}(s){whose(market)} have {'no row' if market else 'no row at all'}: {shown}{more}"
        f"{_kind(grid, missing, sorted(found), market)}. Their KPI is unknown: export them again, or set "
        "validation.missing_kpi: zero if nothing was sold then"
        + (", or leave the market's rows out of the source" if market else "")
    )


def whose(market: str | None) -> str:
    """` of market 'North'`; nothing where markets are not told apart."""
    return f" of market {market!r}" if market else ""


def dated_lines(first_lines: pd.Series, dates: Sequence[pd.Timestamp] | pd.DatetimeIndex) -> str:
    """Some of the dates with the line of their first row, for a message."""
    told = []
    for date in dates[:_SHOWN]:
        line = first_lines.loc[date]
        told.append(str(date.date()) + ("" if pd.isna(line) else f" (line {int(line)})"))
    return ", ".join(told) + (f" and {len(dates) - _SHOWN:,} more" if len(dates) > _SHOWN else "")


def _named(grid: TimeGrid, at: int) -> str:
    return f"{grid.date(at)} to {grid.last_day(at)}" if grid.step is Step.WEEK else grid.label(at)


def _kind(grid: TimeGrid, missing: list[int], found: list[int], market: str | None) -> str:
    """What the missing periods have in common."""
    weekdays = grid.weekdays()
    closed = set(weekdays[missing].tolist()) - set(weekdays[found].tolist())
    if grid.step is Step.DAY and closed and closed == set(weekdays[missing].tolist()):
        return f" (all of them {' or '.join(f'{WEEKDAYS[number]}s' for number in sorted(closed))})"
    if market and found and missing[-1] < found[0]:
        return f" (all before its first row, of {grid.date(found[0])})"
    if market and found and missing[0] > found[-1]:
        return f" (all after its last row, of {grid.date(found[-1])})"
    return ""


def _far(dates: pd.DatetimeIndex, step: Step) -> pd.DatetimeIndex:
    """Few dates at either end, beyond a gap."""
    few = max(_FAR_DATES, int(_FAR_SHARE * len(dates)))
    apart = np.diff(dates.to_numpy().astype("datetime64[D]").astype(int))
    gaps = np.flatnonzero(apart > _FAR_DAYS[step]) + 1
    early = max((gap for gap in gaps if gap <= few), default=0)
    late = min((gap for gap in gaps if len(dates) - gap <= few), default=len(dates))
    # Where nothing but far dates would be left, no part is the main one.
    return pd.DatetimeIndex(dates[:early].append(dates[late:]) if late - early > 2 * few else dates[:0])
