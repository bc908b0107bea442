"""pipeline.yaml: the sections `schedule` and `refreshes`, and the periods of time that they make of the calendar."""

from __future__ import annotations

import datetime as dt
import difflib
import re
import zoneinfo
from dataclasses import dataclass
from typing import Annotated, Literal

from cronsim import CronSim, CronSimError
from pydantic import Field, field_validator

from mmm_pipeline.errors import SettingsError
from mmm_pipeline.settings.section import Section

__all__ = ["Period", "RefreshCalendar", "RefreshSettings", "ScheduleSettings"]

Owner = Annotated[str, Field(pattern=r"^(team:[A-Za-z0-9_]+|[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,})$")]

_FIELDS = 5
_NICKNAMES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
# The last working day, and the last Friday as 5L.
_NOT_FOR_DAGSTER = re.compile(r"W|[0-9A-Z]L", re.IGNORECASE)


class ScheduleSettings(Section):
    """The weekly refresh; off until switched on in the UI."""

    cron: str = Field(
        "0 6 * * 1",
        description="when the schedule runs, once it is switched on: minute, hour, day of the month, month, weekday",
    )
    timezone: str = Field("UTC", description="time zone of cron, by its IANA name, e.g. Europe/Berlin or Asia/Seoul")
    freshness_days: int = Field(
        8, ge=1, le=3660, description="days after which a champion that was not refreshed shows as overdue in the UI"
    )
    owners: tuple[Owner, ...] = Field((), description="shown on every asset in the UI: email addresses, or team:name")

    @field_validator("cron")
    @classmethod
    def _fires(cls, value: str) -> str:
        _require_cron(value)
        return value

    @field_validator("timezone")
    @classmethod
    def _exists(cls, value: str) -> str:
        try:
            zoneinfo.ZoneInfo(value)
        except (LookupError, ValueError, OSError) as error:
            near = difflib.get_close_matches(value, zoneinfo.available_timezones(), n=1, cutoff=0.8)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise ValueError(
                "there is no such time zone: accepted are IANA names such as UTC, Europe/Berlin, America/New_York or "
                f"Asia/Seoul{hint}"
            ) from error
        return value


def _require_cron(cron: str) -> None:
    """Five fields in the spellings that Dagster's schedules take, too.

    Raises:
        ValueError: it cannot be read, or no day of any year is meant.
    """
    plain = _NICKNAMES.get(cron, cron)
    try:
        if len(plain.split()) != _FIELDS or _NOT_FOR_DAGSTER.search(plain):
            raise CronSimError(plain)
        next(CronSim(plain, dt.datetime(2000, 1, 1)))
    except (CronSimError, StopIteration) as error:
        raise ValueError(
            "cannot be read as a schedule, or never comes (31 February): accepted are five fields, minute, hour, day "
            "of the month, month and weekday, e.g. '0 6 * * 1' for Mondays at six"
        ) from error


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
