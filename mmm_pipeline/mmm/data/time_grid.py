"""The time grid: consecutive days, weeks or months. Only it and the calendar features know how long a period is.

A period is known by the date of its first day. Positions count from 0 at the first period; negative ones lie before it
and those from `length` on lie after it, so that history and forecasts share one count.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import overload

import numpy as np

from mmm_pipeline.errors import ModelInputError

__all__ = ["WEEKDAYS", "Step", "TimeGrid"]

Day = dt.date | np.datetime64

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

_DAYS_OF_WEEK = 7
_DAYS_OF_MONTH = range(28, 32)
_EPOCH_WEEKDAY = 3
"""1970-01-01 was a Thursday."""


class Step(StrEnum):
    """Length of a period; the value is what settings and stored tables say."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"

    @property
    def plural(self) -> str:
        return f"{self.value}s"

    @property
    def on(self) -> str:
        """The preposition of English sentences: on a day, in a week."""
        return "on" if self is Step.DAY else "in"

    @property
    def adverb(self) -> str:
        """How data of this step is called: daily, weekly, monthly."""
        return {"day": "daily", "week": "weekly", "month": "monthly"}[self.value]

    @property
    def per_year(self) -> int:
        """Whole periods of a season of one year: 365, 52, 12."""
        return {"day": 365, "week": 52, "month": 12}[self.value]

    @property
    def mean_days(self) -> float:
        """Days of a period; of a month, those of the mean month of the Gregorian calendar."""
        return {"day": 1.0, "week": 7.0, "month": 365.2425 / 12}[self.value]

    @property
    def season_back(self) -> int:
        """Periods back to the same season a year ago: 52 weeks of days, so that weekdays match; 52 weeks; 12 months."""
        return {"day": 52 * _DAYS_OF_WEEK, "week": 52, "month": 12}[self.value]

    @property
    def least_train(self) -> int:
        """Fewest periods that a model learns from; fewer say more about those periods than about the model."""
        return {"day": 28, "week": 26, "month": 18}[self.value]

    def counted(self, periods: int) -> str:
        """`1 day`, `8 weeks`, `1,200 days`, for messages in English."""
        return f"{periods:,} {self.value if periods == 1 else self.plural}"


@dataclass(frozen=True)
class TimeGrid:
    """Consecutive periods of one step.

    Attributes:
        start: first day of the first period. Any weekday may start the weeks; a month starts on its first day.
        step: length of a period.
        length: number of periods, at least 0.

    Raises:
        ModelInputError: months that do not start on the first, or a negative length.
    """

    start: dt.date
    step: Step
    length: int

    def __post_init__(self) -> None:
        if self.step is Step.MONTH and self.start.day != 1:
            raise ModelInputError(f"a grid of months starts on the first of a month, not on {self.start}")
        if self.length < 0:
            raise ModelInputError(f"a time grid has at least 0 periods, got {self.length}")

    @classmethod
    def of_dates(cls, dates: np.ndarray, step: Step | None = None) -> TimeGrid:
        """The grid whose periods start on these dates.

        Args:
            dates: (T,) datetime64, increasing, T >= 1.
            step: of the periods; None: as the first two dates are apart, days where there is one date only.

        Raises:
            ModelInputError: there are none, or they are not consecutive periods.
        """
        days = np.asarray(dates).astype("datetime64[D]")
        if not len(days):
            raise ModelInputError("a time grid needs at least one date")
        step = step or _step_between(days)
        grid = cls(days[0].item(), step, len(days))
        wrong = np.flatnonzero(grid.dates != days)
        if len(wrong):
            at = int(wrong[0])
            raise ModelInputError(
                f"the dates are not consecutive {step.plural} from {days[0]}: number {at + 1} is {days[at]}, expected "
                f"is {grid.dates[at]}"
            )
        return grid

    @classmethod
    def covering(cls, first: Day, last: Day, step: Step, week_start: int = 0) -> TimeGrid:
        """The shortest grid that has both days in its periods.

        Args:
            first: a day of the first period.
            last: a day of the last one, not before `first`.
            step: of the periods.
            week_start: weekday that starts the weeks, Monday is 0.
        """
        day = _date(first)
        if step is Step.WEEK:
            day -= dt.timedelta(days=(day.weekday() - week_start) % _DAYS_OF_WEEK)
        elif step is Step.MONTH:
            day = day.replace(day=1)
        grid = cls(day, step, 0)
        return replace(grid, length=grid.position(last) + 1)

    def __len__(self) -> int:
        return self.length

    @property
    def dates(self) -> np.ndarray:
        """(T,) datetime64[D], first day of each period."""
        return self.dates_at(np.arange(self.length))

    @property
    def end(self) -> dt.date:
        """Last day of the last period."""
        return self.date(self.length) - dt.timedelta(days=1)

    @property
    def week_start(self) -> str | None:
        """Name of the weekday that starts the weeks; None where periods are not weeks."""
        return WEEKDAYS[self.start.weekday()] if self.step is Step.WEEK else None

    def date(self, position: int) -> dt.date:
        """First day of a period, which may lie outside the grid."""
        day: dt.date = self.dates_at(np.array([position]))[0].item()
        return day

    def last_day(self, position: int) -> dt.date:
        """Last day of a period, which may lie outside the grid."""
        return self.date(position + 1) - dt.timedelta(days=1)

    def dates_at(self, positions: np.ndarray) -> np.ndarray:
        """datetime64[D] of positions, which may lie outside the grid: first day of each period."""
        positions = np.asarray(positions, dtype=int)
        if self.step is Step.MONTH:
            months: np.ndarray = np.datetime64(self.start, "M") + positions
            return months.astype("datetime64[D]")
        days: np.ndarray = np.datetime64(self.start, "D") + positions * int(self.step.mean_days)
        return days

    def position(self, day: Day) -> int:
        """Position of the period that has this day; outside the grid, too."""
        return int(self.positions(np.array([_day(day)]))[0])

    def positions(self, days: np.ndarray) -> np.ndarray:
        """Positions of the periods that have these days (datetime64); outside the grid, too."""
        days = np.asarray(days).astype("datetime64[D]")
        if self.step is Step.MONTH:
            months: np.ndarray = (days.astype("datetime64[M]") - np.datetime64(self.start, "M")).astype(int)
            return months
        elapsed = (days - np.datetime64(self.start, "D")).astype(int)
        counted: np.ndarray = elapsed // int(self.step.mean_days)
        return counted

    def __contains__(self, day: Day) -> bool:
        return 0 <= self.position(day) < self.length

    def lengths(self, positions: np.ndarray | None = None) -> np.ndarray:
        """Days of each period of the grid, or of these positions."""
        at = np.arange(self.length) if positions is None else np.asarray(positions, dtype=int)
        days: np.ndarray = (self.dates_at(at + 1) - self.dates_at(at)).astype(int)
        return days

    def elapsed_days(self, positions: np.ndarray | None = None) -> np.ndarray:
        """Calendar time: days from the grid's start to the first day of each period, of the grid or of positions."""
        at = np.arange(self.length) if positions is None else np.asarray(positions, dtype=int)
        days: np.ndarray = (self.dates_at(at) - np.datetime64(self.start, "D")).astype(int)
        return days

    def weekdays(self, positions: np.ndarray | None = None) -> np.ndarray:
        """Weekday of the first day of each period, of the grid or of positions; Monday is 0."""
        at = np.arange(self.length) if positions is None else np.asarray(positions, dtype=int)
        days: np.ndarray = (self.dates_at(at).astype(int) + _EPOCH_WEEKDAY) % _DAYS_OF_WEEK
        return days

    def shares(self, first: Day, last: Day) -> np.ndarray:
        """(T,) share of each period's days that lie within two days, both included; 0 or 1 for days."""
        begin, end = _day(first), _day(last) + 1
        after = self.dates_at(np.arange(self.length) + 1)
        covered = (np.minimum(after, end) - np.maximum(self.dates, begin)).astype(int)
        shares: np.ndarray = np.clip(covered, 0, None) / self.lengths()
        return shares

    @overload
    def __getitem__(self, part: int) -> dt.date: ...

    @overload
    def __getitem__(self, part: slice) -> TimeGrid: ...

    def __getitem__(self, part: int | slice) -> dt.date | TimeGrid:
        """The date of a position as in a sequence, or the grid of a slice of step 1."""
        if isinstance(part, int):
            if not -self.length <= part < self.length:
                raise IndexError(f"position {part} of {self.step.counted(self.length)}")
            return self.date(part % self.length)
        first, stop, stride = part.indices(self.length)
        if stride != 1:
            raise ModelInputError(f"a part of a time grid is consecutive, got a stride of {stride}")
        return TimeGrid(self.date(first), self.step, max(0, stop - first))

    def after(self, length: int) -> TimeGrid:
        """The `length` periods that follow."""
        return TimeGrid(self.date(self.length), self.step, length)

    def extended(self, length: int) -> TimeGrid:
        """This grid with `length` more periods at its end."""
        return replace(self, length=self.length + length)

    def starting(self, length: int) -> TimeGrid:
        """This grid with `length` more periods before its start."""
        return TimeGrid(self.date(-length), self.step, self.length + length)

    def label(self, position: int) -> str:
        """Name of a period in every language: `2024-01-29` for a day and for the week from that day, `2024-01`."""
        day = self.date(position)
        return f"{day:%Y-%m}" if self.step is Step.MONTH else day.isoformat()


def _step_between(days: np.ndarray) -> Step:
    apart = int((days[1] - days[0]).astype(int)) if len(days) > 1 else 1
    if apart == 1:
        return Step.DAY
    if apart == _DAYS_OF_WEEK:
        return Step.WEEK
    if apart in _DAYS_OF_MONTH:
        return Step.MONTH
    raise ModelInputError(f"{days[0]} and {days[1]} are no consecutive days, weeks or months")


def _date(day: Day) -> dt.date:
    if isinstance(day, dt.datetime):
        return day.date()
    if isinstance(day, dt.date):
        return day
    read: dt.date = day.astype("datetime64[D]").item()
    return read


def _day(day: Day) -> np.datetime64:
    return np.datetime64(_date(day), "D")
