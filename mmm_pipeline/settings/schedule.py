"""pipeline.yaml: the section `schedule`."""

from __future__ import annotations

import datetime as dt
import difflib
import re
import zoneinfo
from typing import Annotated

from cronsim import CronSim, CronSimError
from pydantic import Field, field_validator

from mmm_pipeline.settings.section import Section

__all__ = ["ScheduleSettings"]

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
