"""Which dates are rerun: what a user may ask for, and what the data allows."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from mmm_pipeline.errors import SettingsError
from mmm_pipeline.mmm.data.duration import Duration
from mmm_pipeline.mmm.data.time_grid import Step, TimeGrid
from mmm_pipeline.settings.decisions import BudgetSettings
from mmm_pipeline.settings.time import length_of, periods_of

__all__ = ["MOST_DATES", "BacktestOptions", "backtest_dates"]

MOST_DATES = 60
"""Dates of one series; each is a whole grid of fits."""
_DEFAULT_STEPS = 4
_EVERY = {Step.DAY: 7, Step.WEEK: 1, Step.MONTH: 1}
"""Periods from date to date where nobody says."""
_LONGEST = 60


@dataclass(frozen=True)
class BacktestOptions:
    """What a user asks for.

    Attributes:
        first, last: YYYY-MM-DD; empty: by `backtest_dates`.
        every: from date to date: `7d`, `4w`, `1m`, or a number of periods; empty: a week, or a month of monthly data.
        horizon: what is scored after each date, likewise; None: `budget.horizon`.

    Raises:
        SettingsError: a value cannot be read, or the first date is after the last.
    """

    first: str = ""
    last: str = ""
    every: str = ""
    horizon: str | int | None = None

    def __post_init__(self) -> None:
        first, last = _day("first date", self.first), _day("last date", self.last)
        if first and last and first > last:
            raise SettingsError(f"the first date {first} is after the last one {last}: exchange them")
        if self.horizon is not None:
            length_of(self.horizon, "the horizon")
        every = self._every
        if first and last and every is not None and every.unit:
            _require_few(first, last, (last - first).days // every.days(Step.DAY) + 1, str(every))

    @property
    def _every(self) -> Duration | None:
        return length_of(self.every, "the step from date to date") if self.every.strip() else None

    def every_periods(self, step: Step) -> int:
        """Periods from date to date.

        Raises:
            SettingsError: it is no whole number of periods.
        """
        return periods_of(self._every, step, _EVERY, "the step from date to date")

    def horizon_periods(self, step: Step, budget: BudgetSettings) -> int:
        """Periods that are scored after each date.

        Raises:
            SettingsError: it is no whole number of periods.
        """
        if self.horizon is None:
            return budget.horizon_periods(step)
        return periods_of(length_of(self.horizon, "the horizon"), step, {}, "the horizon")


def backtest_dates(options: BacktestOptions, grid: TimeGrid, *, needed: int, horizon: int) -> tuple[dt.date, ...]:
    """The dates of a series, earliest first, each the last day of a period; the last one asked for is among them.

    Args:
        options: what is asked for. Without a last date, it is the last one with a whole horizon after it; without a
            first date, four steps before the last, or as many as the data allows.
        grid: of the data.
        needed: fewest periods that a model can be made of.
        horizon: periods after each date that are scored, where there are as many.

    Raises:
        SettingsError: the data has too few periods before the first date, or none after the last, or a date is amid a
            period.
    """
    step = grid.step
    earliest, latest = needed - 1, len(grid) - 2
    if earliest > latest:
        raise SettingsError(
            f"the data is too short to backtest any date: it covers {grid.start} to {grid.end}, and "
            f"{step.counted(needed)} to make a model of and one to be scored are needed"
        )
    possible = (
        f"the data covers {grid.start} to {grid.end}; with {step.counted(needed)} to make a model of (split.holdout "
        f"and those to learn from) and one to be scored, accepted are dates from {grid.last_day(earliest)} to "
        f"{grid.last_day(latest)}"
    )
    every = options.every_periods(step)
    asked = {name: _day(f"{name} date", text) for name, text in (("first", options.first), ("last", options.last))}
    at = {name: _period_ending(grid, name, date) for name, date in asked.items() if date is not None}
    last = at.get("last", max(earliest, len(grid) - 1 - horizon))
    first = at.get("first", last - every * min(_DEFAULT_STEPS, max(0, (last - earliest) // every)))
    for name, position in (("first", first), ("last", last)):
        if not earliest <= position <= latest:
            raise SettingsError(f"the {name} date {grid.last_day(position)} cannot be backtested: {possible}")
    count = (last - first) // every + 1
    _require_few(grid.last_day(first), grid.last_day(last), count, step.counted(every))
    return tuple(grid.last_day(last - back * every) for back in range(count - 1, -1, -1))


def _period_ending(grid: TimeGrid, name: str, date: dt.date) -> int:
    at = grid.position(date)
    if grid.last_day(at) != date:
        raise SettingsError(
            f"the {name} date {date} is amid a {grid.step}: give the last day of one, {grid.last_day(at - 1)} or "
            f"{grid.last_day(at)}"
        )
    return at


def _require_few(first: dt.date, last: dt.date, dates: int, every: str) -> None:
    if not 1 <= dates <= MOST_DATES:
        raise SettingsError(
            f"from {first} to {last} every {every} are {max(dates, 0)} dates: accepted are 1 to {MOST_DATES} at once"
        )


def _day(what: str, text: str) -> dt.date | None:
    if not text.strip():
        return None
    try:
        return dt.datetime.strptime(text.strip(), "%Y-%m-%d").date()
    except ValueError as error:
        raise SettingsError(f"the {what} {_shown(text)} cannot be read: give YYYY-MM-DD") from error


def _shown(text: str) -> str:
    return repr(text if len(text) <= _LONGEST else text[:_LONGEST] + "…")
