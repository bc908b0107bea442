"""Which dates can be rerun."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from mmm_pipeline.errors import SettingsError
from mmm_pipeline.mmm.data.time_grid import Step, TimeGrid
from mmm_pipeline.operations.backtest_dates import MOST_DATES, BacktestOptions, backtest_dates

_START, _END = dt.date(2025, 1, 1), dt.date(2025, 6, 30)


def _dates(end: dt.date = _END, **options: Any) -> list[str]:
    grid = TimeGrid.covering(_START, end, Step.DAY)
    return [date.isoformat() for date in backtest_dates(BacktestOptions(**options), grid, needed=56, horizon=28)]


def test_dates_are_stepped_back_from_the_last_one() -> None:
    assert _dates(first="2025-04-01", last="2025-04-30", every="2w") == ["2025-04-02", "2025-04-16", "2025-04-30"]


def test_the_default_is_five_dates_up_to_the_last_with_a_whole_horizon_after_it() -> None:
    assert _dates(every="14d") == ["2025-04-07", "2025-04-21", "2025-05-05", "2025-05-19", "2025-06-02"]


def test_short_data_gives_fewer_dates() -> None:
    assert _dates(end=dt.date(2025, 4, 3)) == ["2025-02-27", "2025-03-06"]


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
        ({"first": "2024-01-01", "last": "2025-06-01", "every": "1d"}, f"1 to {MOST_DATES} at once"),
    ],
)
def test_what_cannot_be_read_is_refused_before_any_data_is(options: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        BacktestOptions(**options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"first": "2025-02-24"}, "first date 2025-02-24 cannot be backtested: .* accepted are dates from 2025-02-25"),
        ({"last": "2025-06-30"}, "last date 2025-06-30 cannot be backtested: .* to 2025-06-29"),
        ({"first": "2025-06-10"}, "from 2025-06-10 to 2025-06-02 every 7 days are 0 dates"),
        ({"first": "2025-02-25", "every": "1d"}, f"1 to {MOST_DATES}"),
    ],
)
def test_dates_that_the_data_does_not_reach_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        _dates(**options)


def test_data_too_short_for_any_date_is_said_to_be() -> None:
    with pytest.raises(SettingsError, match="too short to backtest any date"):
        _dates(end=dt.date(2025, 2, 25))


def test_weeks_are_stepped_back_by_weeks_to_their_last_days() -> None:
    weeks = TimeGrid(dt.date(2024, 1, 1), Step.WEEK, 60)
    found = backtest_dates(BacktestOptions(every="2w", horizon="8w"), weeks, needed=34, horizon=8)
    assert [weeks.position(date) for date in found] == [43, 45, 47, 49, 51]
    assert all(date.strftime("%A") == "Sunday" for date in found)


def test_a_date_amid_a_week_is_refused_with_the_days_that_end_one() -> None:
    weeks = TimeGrid(dt.date(2024, 1, 1), Step.WEEK, 60)
    with pytest.raises(SettingsError, match=r"2024-10-09 is amid a week: .* 2024-10-06 or 2024-10-13"):
        backtest_dates(BacktestOptions(last="2024-10-09"), weeks, needed=34, horizon=8)
