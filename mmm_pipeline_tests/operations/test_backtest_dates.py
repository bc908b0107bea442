"""Which dates can be rerun."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from mmm_pipeline.errors import SettingsError
from mmm_pipeline.operations.backtest_dates import MOST_DATES, BacktestOptions, backtest_dates

_START, _END = dt.date(2025, 1, 1), dt.date(2025, 6, 30)


def _dates(start: dt.date = _START, end: dt.date = _END, **options: Any) -> list[str]:
    found = backtest_dates(BacktestOptions(**options), start=start, end=end, needed_days=56, horizon_days=28)
    return [date.isoformat() for date in found]


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
        ({"every": "weekly"}, "'weekly' cannot be read: give days"),
        ({"every": "0d"}, "cannot be read"),
        ({"every": "1; DROP TABLE x"}, "cannot be read"),
        ({"horizon_days": 0}, "1 to 366"),
        ({"first": "2024-01-01", "last": "2025-06-01", "every": "1d"}, f"at most {MOST_DATES}"),
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
        ({"first": "2025-06-10"}, "0 dates from 2025-06-10 to 2025-06-02"),
        ({"first": "2025-02-25", "every": "1d"}, f"1 to {MOST_DATES}"),
    ],
)
def test_dates_that_the_data_does_not_reach_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        _dates(**options)


def test_data_too_short_for_any_date_is_said_to_be() -> None:
    with pytest.raises(SettingsError, match="too short to backtest any date"):
        _dates(end=dt.date(2025, 2, 25))
