"""pipeline.yaml: the section `refreshes`, and the periods of time that it makes of the calendar."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from mmm_pipeline.errors import SettingsError
from mmm_pipeline.settings.schedule import ScheduleSettings
from mmm_pipeline.settings.section import Section

__all__ = ["Period", "RefreshCalendar", "RefreshSettings"]

_DAY = dt.timedelta(days=1)
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_EARLIER_DATES = dt.timedelta(days=366)
"""What is offered for backfills before anything is known of the data."""


class RefreshSettings(Section):
    """A refresh fills one partition: everything known, fitted and advised by the end of a week or month."""

    every: Literal["week", "month"] = Field(
        "week",
        description="length of a partition; a week begins on the weekday of schedule.cron (Monday where it names none "
        "or several); month: for monthly data",
    )
    first: dt.date | None = Field(
        None,
        description="first day that can be backfilled; empty: the first with enough days of data before it",
    )
    keep: int = Field(160, ge=1, le=10_000, description="partitions whose results stay stored; older ones are removed")


@dataclass(frozen=True, order=True)
class Period:
    """A week or a month: one partition of everything.

    Attributes:
        first: its first day, which names it.
        last: its last day; what is dated later is not known in it.
    """

    first: dt.date
    last: dt.date

    @property
    def key(self) -> str:
        """Dagster's partition key: `2025-03-24`."""
        return self.first.isoformat()

    def __str__(self) -> str:
        return f"{self.first} to {self.last}"


@dataclass(frozen=True)
class RefreshCalendar:
    """Divides time into periods.

    Attributes:
        every: week or month.
        weekday: first day of a week, 0 for Monday.
        timezone: IANA name; decides what day it is.
    """

    every: Literal["week", "month"] = "week"
    weekday: int = 0
    timezone: str = "UTC"

    @classmethod
    def of(cls, refreshes: RefreshSettings, schedule: ScheduleSettings) -> RefreshCalendar:
        """That of the settings; a week begins on the weekday of the schedule."""
        return cls(refreshes.every, _weekday(schedule.cron), schedule.timezone)

    @property
    def cron(self) -> str:
        """When a period begins, for Dagster's partitions."""
        return "0 0 1 * *" if self.every == "month" else f"0 0 * * {(self.weekday + 1) % 7}"

    def holding(self, day: dt.date) -> Period:
        """The period that a day belongs to."""
        if self.every == "month":
            first = day.replace(day=1)
            return Period(first, (first + 32 * _DAY).replace(day=1) - _DAY)
        first = day - dt.timedelta(days=(day.weekday() - self.weekday) % 7)
        return Period(first, first + 6 * _DAY)

    def today(self) -> dt.date:
        return dt.datetime.now(zoneinfo.ZoneInfo(self.timezone)).date()

    def present(self, today: dt.date | None = None) -> Period:
        """The period that a refresh fills: that of yesterday, whose rows are complete.

        On the first day of a week it is the week that ended the evening before.
        """
        return self.holding((today or self.today()) - _DAY)

    def is_past(self, period: Period, today: dt.date | None = None) -> bool:
        """Whether rows that are there by now were not known in the period."""
        return period.last < (today or self.today()) - _DAY

    def named(self, key: str) -> Period:
        """The period of a partition key.

        Raises:
            SettingsError: no period of this calendar has that name.
        """
        try:
            day = dt.date.fromisoformat(key)
        except ValueError as error:
            raise SettingsError(f"the partition {key[:40]!r} is not named by a day, YYYY-MM-DD") from error
        period = self.holding(day)
        if period.first != day:
            raise SettingsError(
                f"there is no partition {key}: a {self.every} begins on {period.first} and {period.last + _DAY} "
                "(refreshes.every, schedule.cron)"
            )
        return period

    def ending(self, day: dt.date, named: str) -> Period:
        """The period whose last day it is.

        Args:
            day: the last day that is seen.
            named: what to call it in a message.

        Raises:
            SettingsError: the day is in the middle of a period; the message names the nearest ones.
        """
        period = self.holding(day)
        if period.last != day:
            raise SettingsError(
                f"{named} {day} is in the middle of the {self.every} {period}: partitions end on "
                f"{period.first - _DAY} and {period.last}: name one of these days (refreshes.every and the weekday of "
                "schedule.cron decide)"
            )
        return period

    def ended_by(self, day: dt.date) -> Period:
        """The last period that was over on the evening of a day."""
        period = self.holding(day)
        return period if period.last == day else self.holding(period.first - _DAY)

    def before(self, period: Period) -> Period:
        return self.holding(period.first - _DAY)

    def first_offered(self, first: dt.date | None, known: dt.date | None) -> dt.date:
        """First day of the first period that can be chosen.

        Args:
            first: what the settings say (`refreshes.first`).
            known: first day that is worth filling, by the data; None: not known yet.
        """
        day = first or known or self.today() - _EARLIER_DATES
        return min(self.holding(day), self.present()).first


def _weekday(cron: str) -> int:
    """Of a cron line, 0 for Monday; Monday where it names none, several, or is a nickname."""
    fields = cron.split()
    text = fields[4].lower() if len(fields) == 5 else ""
    if text in _WEEKDAYS:
        return (_WEEKDAYS.index(text) - 1) % 7
    return (int(text) - 1) % 7 if text.isdigit() else 0
