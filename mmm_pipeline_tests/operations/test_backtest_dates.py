"""Which dates can be rerun."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from mmm_pipeline.errors import SettingsError
from mmm_pipeline.mmm.data.time_grid import Step, TimeGrid
from mmm_pipeline.operations.backtest_dates import MOST_DATES, BacktestOptions, backtest_periods
from mmm_pipeline.settings.schedule import RefreshCalendar

_START, _END = dt.date(2025, 1, 1), dt.date(2025, 6, 29)
_WEEKS = RefreshCalendar()


def _dates(
    start: dt.date = _START, end: dt.date = _END, calendar: RefreshCalendar = _WEEKS, **options: Any
) -> list[str]:
    """Last days of the partitions."""
    grid = TimeGrid.covering(start, end, Step.DAY)
    found = backtest_periods(BacktestOptions(**options), calendar, grid, needed=56, horizon=28)
    return [period.last.isoformat() for period in found]


@pytest.mark.parametrize("every", ["2", "2w", "14d"])
def test_dates_are_stepped_back_from_the_last_one(every: str) -> None:
    assert _dates(first="2025-04-06", last="2025-05-04", every=every) == ["2025-04-06", "2025-04-20", "2025-05-04"]


def test_the_default_is_five_dates_up_to_the_last_with_a_whole_horizon_after_it() -> None:
    assert _dates(every="2") == ["2025-04-06", "2025-04-20", "2025-05-04", "2025-05-18", "2025-06-01"]


def test_short_data_gives_fewer_dates() -> None:
    assert _dates(end=dt.date(2025, 4, 10)) == ["2025-03-02", "2025-03-09"]


def test_months_are_stepped_by_months() -> None:
    months = RefreshCalendar(every="month")
    assert _dates(calendar=months, first="2025-03-31", last="2025-05-31") == ["2025-03-31", "2025-04-30", "2025-05-31"]
    with pytest.raises(SettingsError, match="no whole number of partitions, each a month"):
        _dates(calendar=months, every="14d")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"first": "1.4.2025"}, "first date '1.4.2025' cannot be read: give YYYY-MM-DD"),
        ({"last": "2025-02-30"}, "last date '2025-02-30' cannot be read"),
        ({"first": "2025-05-01", "last": "2025-04-01"}, "after the last one"),
        ({"every": "weekly"}, "'weekly' is not a length of time: accepted are 28d"),
        ({"every": "0d"}, "is at least 1"),
        ({"every": "1; DROP TABLE x"}, "is not a length of time"),
        ({"horizon": 0}, "is at least 1"),
    ],
)
def test_what_cannot_be_read_is_refused_before_any_data_is(options: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        BacktestOptions(**options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"first": "2025-02-23"}, "first date 2025-02-23 cannot be backtested: .* that end from 2025-03-02"),
        ({"last": "2025-06-29"}, "last date 2025-06-29 cannot be backtested: .* to 2025-06-22"),
        ({"first": "2025-06-08"}, "the first date 2025-06-08 is after the last one 2025-06-01"),
        ({"last": "2025-05-07"}, "in the middle of the week .* partitions end on 2025-05-04 and 2025-05-11"),
        ({"every": "10d"}, "10d is no whole number of partitions, each a week: give e.g. 1, 2, 14d or 4w"),
    ],
)
def test_dates_that_the_data_does_not_reach_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        _dates(**options)


def test_a_series_has_an_upper_length() -> None:
    with pytest.raises(SettingsError, match=f"are more than {MOST_DATES} dates"):
        _dates(start=dt.date(2023, 1, 1), first="2023-03-05", last="2025-05-04")


def test_data_too_short_for_any_date_is_said_to_be() -> None:
    with pytest.raises(SettingsError, match="too short to backtest any week"):
        _dates(end=dt.date(2025, 2, 25))


def test_weekly_data_is_stepped_by_its_weeks() -> None:
    weeks = TimeGrid(dt.date(2024, 1, 1), Step.WEEK, 60)
    found = backtest_periods(BacktestOptions(every="2w", horizon="8w"), _WEEKS, weeks, needed=34, horizon=8)
    assert [weeks.position(period.last) for period in found] == [43, 45, 47, 49, 51]
