"""Which partitions are backtested: what a user may ask for, and what the data allows."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from mmm_pipeline.errors import SettingsError
from mmm_pipeline.mmm.data.duration import Duration
from mmm_pipeline.mmm.data.time_grid import Step, TimeGrid
from mmm_pipeline.settings.decisions import BudgetSettings
from mmm_pipeline.settings.schedule import Period, RefreshCalendar
from mmm_pipeline.settings.time import length_of, periods_of

__all__ = ["MOST_DATES", "BacktestOptions", "backtest_periods"]

MOST_DATES = 60
"""Partitions of one series; each is a whole grid of fits."""
_DEFAULT_STEPS = 4
_LONGEST = 60


@dataclass(frozen=True)
class BacktestOptions:
    """What a user asks for.

    Attributes:
        first, last: YYYY-MM-DD, last days of partitions; empty: by `backtest_periods`.
        every: step from one to the next: partitions, `2`, or the same in days, `14d`, weeks, `2w`, or months, `2m`.
        horizon: what is scored after each date: `28d`, `4w` or a number of periods; None: `budget.horizon`.
        anew: fill partitions that are filled already, too.

    Raises:
        SettingsError: a value cannot be read, or the first date is after the last.
    """

    first: str = ""
    last: str = ""
    every: str = "1"
    horizon: str | int | None = None
    anew: bool = False

    def __post_init__(self) -> None:
        first, last = _day("first date", self.first), _day("last date", self.last)
        if first and last and first > last:
            raise SettingsError(f"the first date {first} is after the last one {last}: exchange them")
        if self.horizon is not None:
            length_of(self.horizon, "the horizon")
        _ = self._every

    def step(self, calendar: RefreshCalendar) -> int:
        """From one to the next, in partitions.

        Raises:
            SettingsError: it is no whole number of them.
        """
        count, unit = self._every.number, self._every.unit
        units = {"": 1, "m": 1, "y": 1 / 12} if calendar.every == "month" else {"": 1, "w": 1, "d": 7}
        if unit not in units or count % units[unit]:
            accepted = "1, 2 or 3m" if calendar.every == "month" else "1, 2, 14d or 4w"
            raise SettingsError(
                f"a step of {self._every} is no whole number of partitions, each a {calendar.every}: give e.g. "
                f"{accepted}"
            )
        return round(count / units[unit])

    @property
    def _every(self) -> Duration:
        return length_of(self.every, "the step from date to date")

    def horizon_periods(self, step: Step, budget: BudgetSettings) -> int:
        """Periods of the data that are scored after each date.

        Raises:
            SettingsError: it is no whole number of periods.
        """
        if self.horizon is None:
            return budget.horizon_periods(step)
        return periods_of(length_of(self.horizon, "the horizon"), step, {}, "the horizon")


def backtest_periods(
    options: BacktestOptions, calendar: RefreshCalendar, grid: TimeGrid, *, needed: int, horizon: int
) -> tuple[Period, ...]:
    """The partitions of a series, earliest first; the last one asked for is always among them.

    Args:
        options: what is asked for. Without a last date, it is the last partition with a whole horizon after it; without
            a first date, four steps before the last, or as many as the data allows.
        calendar: divides time into partitions.
        grid: the periods of the data.
        needed: fewest of them that a model can be made of.
        horizon: periods after each date that are scored, where there are as many.

    Raises:
        SettingsError: the data has too few periods before the first date, or none after the last, or a date is not the
            last day of a partition.
    """
    step, counted = options.step(calendar), grid.step.counted(needed)
    latest = calendar.ended_by(grid.last_day(len(grid) - 2))
    earliest = calendar.holding(grid.last_day(needed - 1))
    if earliest > latest:
        raise SettingsError(
            f"the data is too short to backtest any {calendar.every}: it covers {grid.start} to {grid.end}, and "
            f"{counted} to make a model of and one to be scored are needed"
        )
    possible = (
        f"the data covers {grid.start} to {grid.end}; with {counted} to make a model of (split.holdout and those to "
        f"learn from) and one to be scored, accepted are partitions that end from {earliest.last} to {latest.last}"
    )
    first, last = _day("first date", options.first), _day("last date", options.last)
    newest = (
        calendar.ending(last, "the last date")
        if last
        else max(earliest, calendar.ended_by(grid.last_day(len(grid) - 1 - horizon)))
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
