"""Weeks and months as partitions of time."""

from __future__ import annotations

import datetime as dt

import pytest

from mmm_pipeline.errors import SettingsError
from mmm_pipeline.settings.pipeline import parse_settings
from mmm_pipeline.settings.schedule import RefreshCalendar

_MONDAYS = RefreshCalendar()
_MONTHS = RefreshCalendar(every="month")


def _day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


@pytest.mark.parametrize(
    ("cron", "weekday"),
    [("0 6 * * 1", 0), ("0 6 * * 0", 6), ("0 6 * * 7", 6), ("30 5 * * FRI", 4), ("0 6 1 * *", 0), ("@weekly", 0),
     ("0 6 * * 1,3", 0)],
)  # fmt: skip
def test_a_week_begins_on_the_weekday_of_the_schedule(cron: str, weekday: int) -> None:
    calendar = parse_settings({"schedule": {"cron": cron}}).calendar
    assert calendar.weekday == weekday
    assert calendar.holding(_day("2025-03-27")).first.weekday() == weekday


def test_a_monday_s_refresh_fills_the_week_that_ended_the_evening_before() -> None:
    assert _MONDAYS.present(_day("2025-03-31")).key == "2025-03-24"
    assert _MONDAYS.present(_day("2025-04-01")).key == "2025-03-31"


def test_a_week_is_past_when_days_after_it_are_complete() -> None:
    week = _MONDAYS.named("2025-03-24")
    assert not _MONDAYS.is_past(week, _day("2025-03-31"))
    assert _MONDAYS.is_past(week, _day("2025-04-01"))


def test_months_begin_on_the_first() -> None:
    february = _MONTHS.holding(_day("2024-02-10"))
    assert (february.first, february.last) == (_day("2024-02-01"), _day("2024-02-29"))
    assert _MONTHS.before(february).key == "2024-01-01"
    assert _MONTHS.present(_day("2024-03-01")) == february


def test_a_day_in_the_middle_is_refused_with_the_nearest_ones() -> None:
    assert _MONDAYS.ending(_day("2025-03-30"), "--as-of").key == "2025-03-24"
    with pytest.raises(SettingsError, match="partitions end on 2025-03-30 and 2025-04-06"):
        _MONDAYS.ending(_day("2025-04-02"), "--as-of")


@pytest.mark.parametrize("key", ["2025-03-25", "../outside", "week 13", ""])
def test_a_name_that_is_no_partition_is_refused(key: str) -> None:
    with pytest.raises(SettingsError):
        _MONDAYS.named(key)


def test_three_years_of_weeks_can_be_chosen_where_the_data_goes_back_as_far() -> None:
    first = _MONDAYS.first_offered(None, _MONDAYS.today() - dt.timedelta(days=3 * 365))
    assert (_MONDAYS.today() - first).days in range(3 * 365, 3 * 365 + 7)
    assert _MONDAYS.first_offered(_day("2020-01-01"), None) == _day("2019-12-30")
