"""Which partitions are backtested: what a user may ask for, and what the data allows."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

from mmm_pipeline.errors import SettingsError
from mmm_pipeline.settings.refreshes import Period, RefreshCalendar

__all__ = ["MOST_DATES", "BacktestOptions", "backtest_periods"]

MOST_DATES = 60
"""Partitions of one series; each is a whole grid of fits."""
_DEFAULT_STEPS = 4
_STEP = re.compile(r"(?P<count>[1-9]\d{0,2}) ?(?P<unit>[dwm]?)\Z")
_LONGEST = 60


@dataclass(frozen=True)
class BacktestOptions:
    """What a user asks for.

    Attributes:
        first, last: YYYY-MM-DD, last days of partitions; empty: by `backtest_periods`.
        every: step from one to the next: partitions, `2`, or the same in days, `14d`, weeks, `2w`, or months, `2m`.
        horizon_days: days after each date that are scored, 1 to 366; None: `budget.horizon_days`.
        anew: fill partitions that are filled already, too.

    Raises:
        SettingsError: a value cannot be read, or the first date is after the last.
    """

    first: str = ""
    last: str = ""
    every: str = "1"
    horizon_days: int | None = None
    anew: bool = False

    def __post_init__(self) -> None:
        first, last = _day("first date", self.first), _day("last date", self.last)
        if first and last and first > last:
            raise SettingsError(f"the first date {first} is after the last one {last}: exchange them")
        if self.horizon_days is not None and not 1 <= self.horizon_days <= 366:
            raise SettingsError(f"a horizon of {self.horizon_days} days is not acceptable: 1 to 366")
        self._parsed_step()

    def step(self, calendar: RefreshCalendar) -> int:
        """From one to the next, in partitions.

        Raises:
            SettingsError: it is no whole number of them.
        """
        count, unit = self._parsed_step()
        units = {"": 1, "m": 1} if calendar.every == "month" else {"": 1, "w": 1, "d": 7}
        if unit not in units or count % units[unit]:
            accepted = "1, 2 or 3m" if calendar.every == "month" else "1, 2, 14d or 4w"
            raise SettingsError(
                f"a step of {_shown(self.every)} is no whole number of partitions, each a {calendar.every}: give e.g. "
                f"{accepted}"
            )
        return count // units[unit]

    def _parsed_step(self) -> tuple[int, str]:
        found = _STEP.match(self.every.strip().lower())
        if found is None:
            raise SettingsError(
                f"a step of {_shown(self.every)} cannot be read: give partitions, e.g. 2, or 14d, 2w, 3m, up to 999"
            )
        return int(found["count"]), found["unit"]


def backtest_periods(
    options: BacktestOptions,
    calendar: RefreshCalendar,
    *,
    start: dt.date,
    end: dt.date,
    needed_days: int,
    horizon_days: int,
) -> tuple[Period, ...]:
    """The partitions of a series, earliest first; the last one asked for is always among them.

    Args:
        options: what is asked for. Without a last date, it is the last partition with a whole horizon after it; without
            a first date, four steps before the last, or as many as the data allows.
        calendar: divides time into partitions.
        start: first day of the data.
        end: last day of the data.
        needed_days: fewest days that a model can be made of.
        horizon_days: days after each date that are scored, where there are as many.

    Raises:
        SettingsError: the data has too few days before the first date, or none after the last, or a date is not the
            last day of a partition.
    """
    step = options.step(calendar)
    latest = calendar.ended_by(end - dt.timedelta(days=1))
    earliest = calendar.holding(start + dt.timedelta(days=needed_days - 1))
    possible = (
        f"the data covers {start} to {end}; with {needed_days} days to make a model of (split.holdout_days and those "
        f"to learn from) and one to be scored, accepted are partitions that end from {earliest.last} to {latest.last}"
    )
    if earliest > latest:
        raise SettingsError(
            f"the data is too short to backtest any {calendar.every}: it covers {start} to {end}, and {needed_days} "
            "days to make a model of and one to be scored are needed"
        )
    first, last = _day("first date", options.first), _day("last date", options.last)
    newest = (
        calendar.ending(last, "the last date")
        if last
        else max(earliest, calendar.ended_by(end - dt.timedelta(days=horizon_days)))
    )
    oldest = calendar.ending(first, "the first date") if first else None
    for name, period in (("first", oldest), ("last", newest)):
        if period is not None and not earliest <= period <= latest:
            raise SettingsError(f"the {name} date {period.last} cannot be backtested: {possible}")
    if oldest is not None and oldest > newest:
        raise SettingsError(f"the first date {oldest.last} is after the last one {newest.last}: name an earlier one")
    steps = _DEFAULT_STEPS if oldest is None else MOST_DATES
    found, period = [newest], newest
    while len(found) <= steps:
        for _ in range(step):
            period = calendar.before(period)
        if period < (oldest or earliest):
            return tuple(reversed(found))
        found.append(period)
    if oldest is not None:
        raise SettingsError(
            f"from {oldest.last} to {newest.last} are more than {MOST_DATES} dates, and no more are backtested at "
            "once: take larger steps (--every)"
        )
    return tuple(reversed(found))


def _day(what: str, text: str) -> dt.date | None:
    if not text.strip():
        return None
    try:
        return dt.datetime.strptime(text.strip(), "%Y-%m-%d").date()
    except ValueError as error:
        raise SettingsError(f"the {what} {_shown(text)} cannot be read: give YYYY-MM-DD") from error


def _shown(text: str) -> str:
    return repr(text if len(text) <= _LONGEST else text[:_LONGEST] + "…")
