"""Events: dates with windows, from a file or from the settings, as columns of zeros and ones."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mmm_pipeline.errors import CampaignDataError
from mmm_pipeline.ingestion.events import event_columns, load_events
from mmm_pipeline.mmm.data.time_grid import Step, TimeGrid
from mmm_pipeline.settings.pipeline import EventDates, Settings, parse_settings

Read = Callable[[str], tuple[EventDates, ...]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def read_it(text: str) -> tuple[EventDates, ...]:
        path = tmp_path / "events.csv"
        path.write_text(text, encoding="utf-8")
        return load_events(parse_settings({"events": {"path": str(path)}}))

    return read_it


def test_no_path_and_no_calendar_means_no_events() -> None:
    assert load_events(Settings()) == ()


def test_dates_of_a_file_are_read_in_every_spelling_with_their_windows(read: Read) -> None:
    events = read('Event,Date,Days before,days_after\nSale,10/18/2021,,2\nHoliday,"Nov 25, 2021",1,\n')

    assert events == (
        EventDates(event="Sale", dates=(dt.date(2021, 10, 18),), days_after=2),
        EventDates(event="Holiday", dates=(dt.date(2021, 11, 25),), days_before=1),
    )


def test_windows_may_have_a_decimal_mark(read: Read) -> None:
    assert read("date;event;days_after\n2021-10-18;Sale;2,0\n")[0].days_after == 2


def test_windows_are_optional_columns(read: Read) -> None:
    assert read("date,event\n2021-10-18,Sale\n") == (EventDates(event="Sale", dates=(dt.date(2021, 10, 18),)),)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("date,event\n31/12/21,Sale\n", r"line 2: date = '31/12/21' is not a date"),
        ("date,event\n2021-12-31,\n", r"line 2: event is blank"),
        ("date,event,days_after\n2021-12-31,Sale,two\n", r"line 2: days_after = 'two' is not a whole number"),
        ("date,event,days_after\n2021-12-31,Sale,1.5\n", r"line 2: days_after = '1.5' is not a whole number"),
        ("date,event,days_before\n2021-12-31,Sale,61\n", r"days_before = '61' is not a whole number from 0 to 60"),
        ("date,event\n", r"has a header but no rows"),
        ("date;event;days_after\n2021-12-31;Sale;1,000\n", r"'1,000' \(line 2\) is 1000 .*or 1 (?s:.*)whole numbers"),
        ("date,name\n2021-12-31,Sale\n", r"event: 'event' is missing(.|\n)*Rename the column\(s\)$"),
    ],
)  # fmt: skip
def test_a_bad_cell_names_its_line_column_and_value(read: Read, text: str, message: str) -> None:
    with pytest.raises(CampaignDataError, match=message):
        read(text)


def test_columns_are_one_inside_the_windows_only() -> None:
    days = TimeGrid(dt.date(2025, 1, 1), Step.DAY, 10)
    events = (
        EventDates(event="Sale", dates=(dt.date(2025, 1, 3),), days_before=1, days_after=2),
        EventDates(event="Holiday", dates=(dt.date(2024, 12, 31), dt.date(2025, 1, 9)), days_after=1),
        EventDates(event="Sale", dates=(dt.date(2025, 1, 10),)),
    )

    columns = event_columns(events, days)

    assert list(columns) == ["Sale", "Holiday"]
    np.testing.assert_array_equal(columns["Sale"], [0, 1, 1, 1, 1, 0, 0, 0, 0, 1])
    np.testing.assert_array_equal(columns["Holiday"], [1, 0, 0, 0, 0, 0, 0, 0, 1, 1])


def test_a_week_has_the_share_of_its_days_that_the_event_has() -> None:
    black_friday = EventDates(event="Sale", dates=(dt.date(2024, 11, 29),), days_after=3)
    weeks = event_columns([black_friday], TimeGrid(dt.date(2024, 11, 18), Step.WEEK, 4))
    np.testing.assert_allclose(weeks["Sale"], [0, 3 / 7, 1 / 7, 0])
