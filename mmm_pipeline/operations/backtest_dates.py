"""Which dates are rerun: what a user may ask for, and what the data allows."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

from mmm_pipeline.errors import SettingsError

__all__ = ["MOST_DATES", "BacktestOptions", "backtest_dates"]

MOST_DATES = 60
"""Dates of one series; each is a whole grid of fits."""
_DEFAULT_STEPS = 4
_STEP = re.compile(r"(?P<count>[1-9]\d{0,2}) ?(?P<unit>[dw]?)\Z")
_LONGEST = 60


@dataclass(frozen=True)
class BacktestOptions:
    """What a user asks for.

    Attributes:
        first, last: YYYY-MM-DD; empty: by `backtest_dates`.
        every: step from date to date: days, `7d`, or weeks, `4w`.
        horizon_days: days after each date that are scored, 1 to 366; None: `budget.horizon_days`.

    Raises:
        SettingsError: a value cannot be read, or the first date is after the last.
    """

    first: str = ""
    last: str = ""
    every: str = "7d"
    horizon_days: int | None = None

    def __post_init__(self) -> None:
        first, last = _day("first date", self.first), _day("last date", self.last)
        if first and last and first > last:
            raise SettingsError(f"the first date {first} is after the last one {last}: exchange them")
        if self.horizon_days is not None and not 1 <= self.horizon_days <= 366:
            raise SettingsError(f"a horizon of {self.horizon_days} days is not acceptable: 1 to 366")
        step = self.step
        dates = (last - first) // step + 1 if first and last else 1
        if dates > MOST_DATES:
            raise SettingsError(
                f"from {first} to {last} every {step.days} day(s) are {dates} dates, and at most {MOST_DATES} are "
                "backtested at once: take larger steps"
            )

    @property
    def step(self) -> dt.timedelta:
        """From date to date."""
        found = _STEP.match(self.every.strip().lower())
        if found is None:
            raise SettingsError(
                f"a step of {_shown(self.every)} cannot be read: give days, e.g. 7d, or weeks, e.g. 4w, up to 999"
            )
        return dt.timedelta(days=int(found["count"]) * (7 if found["unit"] == "w" else 1))


def backtest_dates(
    options: BacktestOptions, *, start: dt.date, end: dt.date, needed_days: int, horizon_days: int
) -> tuple[dt.date, ...]:
    """The dates of a series, earliest first; the last one asked for is always among them.

    Args:
        options: what is asked for. Without a last date, it is the last one with a whole horizon after it; without a
            first date, four steps before the last, or as many as the data allows.
        start: first day of the data.
        end: last day of the data.
        needed_days: fewest days that a model can be made of.
        horizon_days: days after each date that are scored, where there are as many.

    Raises:
        SettingsError: the data has too few days before the first date, or none after the last.
    """
    earliest, latest = start + dt.timedelta(days=needed_days - 1), end - dt.timedelta(days=1)
    possible = (
        f"the data covers {start} to {end}; with {needed_days} days to make a model of (split.holdout_days and those "
        f"to learn from) and one to be scored, accepted are dates from {earliest} to {latest}"
    )
    if earliest > latest:
        raise SettingsError(
            f"the data is too short to backtest any date: it covers {start} to {end}, and {needed_days} days to make a "
            "model of and one to be scored are needed"
        )
    last = _day("last date", options.last) or max(earliest, end - dt.timedelta(days=horizon_days))
    steps = min(_DEFAULT_STEPS, max(0, (last - earliest) // options.step))
    first = _day("first date", options.first) or last - steps * options.step
    for name, date in (("first", first), ("last", last)):
        if not earliest <= date <= latest:
            raise SettingsError(f"the {name} date {date} cannot be backtested: {possible}")
    count = (last - first) // options.step + 1
    if first > last or count > MOST_DATES:
        raise SettingsError(f"{max(count, 0)} dates from {first} to {last}: accepted are 1 to {MOST_DATES}")
    return tuple(last - back * options.step for back in range(count - 1, -1, -1))


def _day(what: str, text: str) -> dt.date | None:
    if not text.strip():
        return None
    try:
        return dt.datetime.strptime(text.strip(), "%Y-%m-%d").date()
    except ValueError as error:
        raise SettingsError(f"the {what} {_shown(text)} cannot be read: give YYYY-MM-DD") from error


def _shown(text: str) -> str:
    return repr(text if len(text) <= _LONGEST else text[:_LONGEST] + "…")
