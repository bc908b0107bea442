"""pipeline.yaml: the section `schedule`."""

from __future__ import annotations

import difflib
import zoneinfo
from typing import Annotated

from pydantic import Field, field_validator

from mmm_pipeline.settings.section import Section

__all__ = ["ScheduleSettings"]

Owner = Annotated[str, Field(pattern=r"^(team:[A-Za-z0-9_]+|[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,})$")]

_MONDAYS_AT_SIX = "0 6 * * 1"


class ScheduleSettings(Section):
    """The weekly refresh; off until switched on in the UI."""

    cron: str = Field(
        _MONDAYS_AT_SIX,
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
        if value != _MONDAYS_AT_SIX:  # Dagster takes half a second to import, and the default is known to be right
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
    """As Dagster's schedules take it.

    Raises:
        ValueError: it cannot be read, or no day of any year is meant.
    """
    import dagster as dg

    try:
        ticks = dg.TimeWindowPartitionsDefinition(start="2000-01-01", fmt="%Y-%m-%d", cron_schedule=cron)
        ticks.get_first_partition_key()
    except (dg.DagsterError, ValueError) as error:
        raise ValueError(
            "is no schedule that Dagster accepts, or never comes (31 February): accepted are five fields, minute, "
            "hour, day of the month, month and weekday, e.g. '0 6 * * 1' for Mondays at six"
        ) from error
