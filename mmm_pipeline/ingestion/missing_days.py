"""Days that rows leave out: a gap, one date far away, or data that is not daily at all."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mmm_pipeline.errors import CampaignDataError

__all__ = ["require_daily", "require_every_day"]

_SHOWN = 5
_FAR_DAYS = 60
_FAR_SHARE = 0.01
_FAR_DATES = 3
_REGULAR_SHARE = 0.8
_LEAST_STEPS = 3
_STEPS = {
    "weekly": (7, 7),
    "fortnightly": (14, 14),
    "monthly": (28, 31),
    "quarterly": (89, 92),
    "yearly": (365, 366),
}


def require_daily(first_lines: pd.Series, market: str | None = None) -> None:
    """Refuse dates that are a week or a month apart, and single dates far from all others.

    Neither is a day without sales, so it is refused whatever `validation.missing_kpi` says.

    Args:
        first_lines: line of the first row of each date, missing where lines are not known; the index are the dates,
            increasing, each once.
        market: whose dates they are, where markets are told apart.

    Raises:
        CampaignDataError: saying the step, or the far dates with their lines.
    """
    dates = pd.DatetimeIndex(first_lines.index)
    if len(dates) <= _LEAST_STEPS:
        return
    whose = f" of market {market!r}" if market else ""
    steps = np.diff(dates.to_numpy().astype("datetime64[D]").astype(int))
    step = _step_of(steps)
    if step:
        on = f", each on a {dates[0]:%A}" if step == "weekly" and len(set(dates.dayofweek)) == 1 else ""
        raise CampaignDataError(
            f"the rows{whose} are {step}, not daily: {len(dates):,} dates from {dates[0].date()} to "
            f"{dates[-1].date()}, first {', '.join(str(day.date()) for day in dates[:3])}{on}. The model reads days: "
            "export the data by day. To fill the days between with 0 (validation.missing_kpi: zero) would make up "
            "days without sales"
        )
    far = _far(dates, steps)
    if len(far):
        rest = dates.difference(far)
        lines = [first_lines.loc[day] for day in far]
        listed = ", ".join(
            str(day.date()) + ("" if pd.isna(line) else f" (line {int(line)})")
            for day, line in zip(far, lines, strict=True)
        )
        raise CampaignDataError(
            f"{len(far):,} date(s){whose} lie(s) far from all others: {listed}; the other {len(rest):,} are from "
            f"{rest[0].date()} to {rest[-1].date()}. Is the year right? Correct the date, or remove its rows"
        )


def require_every_day(dates: pd.DatetimeIndex, days: pd.DatetimeIndex, market: str | None = None) -> None:
    """Refuse dates that do not cover every day.

    Args:
        dates: that have rows.
        days: that need one.
        market: whose dates they are, where markets are told apart.

    Raises:
        CampaignDataError: listing the days that are missing.
    """
    missing = days.difference(dates)
    if not len(missing):
        return
    shown = ", ".join(str(day.date()) for day in missing[:_SHOWN])
    more = f" and {len(missing) - _SHOWN:,} more" if len(missing) > _SHOWN else ""
    whose = f" of market {market!r}" if market else ""
    what = "no row" if market else "no row at all"
    closed = set(missing.dayofweek) - set(dates.dayofweek)
    kind = ""
    if closed and closed == set(missing.dayofweek):
        kind = f" (all of them {' or '.join(_weekdays(closed))})"
    elif market and len(dates) and (missing < dates[0]).all():
        kind = f" (all before its first row, of {dates[0].date()})"
    elif market and len(dates) and (missing > dates[-1]).all():
        kind = f" (all after its last row, of {dates[-1].date()})"
    raise CampaignDataError(
        f"{len(missing):,} day(s){whose} have {what}: {shown}{more}{kind}. Their KPI is unknown: export them again, or "
        "set validation.missing_kpi: zero if nothing was sold then"
        + (", or leave the market's rows out of the source" if market else "")
    )


def _step_of(steps: np.ndarray) -> str | None:
    if np.median(steps) < 2:
        return None
    for name, (least, most) in _STEPS.items():
        if ((steps >= least) & (steps <= most)).mean() >= _REGULAR_SHARE:
            return name
    most_common = int(np.bincount(steps).argmax())
    return f"{most_common} days apart" if (steps == most_common).mean() >= _REGULAR_SHARE else None


def _far(dates: pd.DatetimeIndex, steps: np.ndarray) -> pd.DatetimeIndex:
    """Few dates at either end, beyond a gap."""
    few = max(_FAR_DATES, int(_FAR_SHARE * len(dates)))
    gaps = np.flatnonzero(steps > _FAR_DAYS) + 1
    early = max((gap for gap in gaps if gap <= few), default=0)
    late = min((gap for gap in gaps if len(dates) - gap <= few), default=len(dates))
    # Where nothing but far dates would be left, no part is the main one.
    return pd.DatetimeIndex(dates[:early].append(dates[late:]) if late - early > 2 * few else dates[:0])


def _weekdays(numbers: set[int]) -> list[str]:
    return [f"{pd.Timestamp('2024-01-01') + pd.Timedelta(days=int(number)):%A}s" for number in sorted(numbers)]
