"""Days, weeks and months: recognised from the dates, complete, and summed up where that is asked for."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mmm_pipeline.errors import CampaignDataError, SettingsError
from mmm_pipeline.ingestion.matrix import MEASURES
from mmm_pipeline.ingestion.periods import Periods, periods_of_rows, require_periods_of_market, step_of_dates
from mmm_pipeline.mmm.data.time_grid import Step, TimeGrid
from mmm_pipeline.settings.pipeline import parse_settings

TODAY = dt.date(2030, 1, 1)


def lines(dates: pd.DatetimeIndex) -> pd.Series:
    """First line of every date."""
    return pd.Series(np.arange(2, len(dates) + 2), index=dates)


def periods(dates: pd.DatetimeIndex, *, today: dt.date = TODAY, **sections: Any) -> Periods:
    return periods_of_rows(lines(dates), parse_settings(sections), today=today)


def dates(start: str, count: int, freq: str) -> pd.DatetimeIndex:
    return pd.date_range(start, periods=count, freq=freq)


@pytest.mark.parametrize(
    ("found", "step", "start"),
    [
        (dates("2024-03-05", 40, "D"), Step.DAY, "2024-03-05"),
        (dates("2024-03-05", 40, "7D"), Step.WEEK, "2024-03-05"),
        (dates("2024-01-01", 40, "MS"), Step.MONTH, "2024-01-01"),
        (dates("2024-01-01", 40, "ME"), Step.MONTH, "2024-01-01"),
        (dates("2024-01-01", 40, "BMS"), Step.MONTH, "2024-01-01"),
        (dates("2024-01-01", 40, "BME"), Step.MONTH, "2024-01-01"),
        (dates("2024-01-01", 40, "MS") + pd.Timedelta(days=14), Step.MONTH, "2024-01-01"),
    ],
)
def test_the_step_is_that_of_the_dates(found: pd.DatetimeIndex, step: Step, start: str) -> None:
    assert periods(found).grid == TimeGrid(dt.date.fromisoformat(start), step, 40)


def test_weeks_dated_by_their_last_day_begin_six_days_before() -> None:
    made = periods(dates("2024-01-07", 30, "7D"), time={"week_date": "end"})
    assert (made.grid.start, made.grid.week_start) == (dt.date(2024, 1, 1), "Monday")
    assert made.positions(dates("2024-01-07", 2, "7D"), Step.WEEK).tolist() == [0, 1]
    assert made.notes == ("the rows are weekly: the model counts weeks, each from a Monday on (time.step)",)


@pytest.mark.parametrize(("freq", "told"), [("14D", "fortnightly"), ("28D", "28 days apart"), ("QS", "quarterly")])
def test_another_step_is_refused_by_name(freq: str, told: str) -> None:
    with pytest.raises(CampaignDataError, match=rf"the rows are {told}: 40 dates .* daily, weekly and monthly"):
        periods(dates("2024-01-01", 40, freq))


def test_days_with_closed_weekdays_stay_days() -> None:
    assert step_of_dates(pd.bdate_range("2024-01-01", periods=60)) is Step.DAY


def test_a_missing_week_is_named_by_its_days() -> None:
    weeks = dates("2024-01-01", 40, "7D")
    with pytest.raises(CampaignDataError, match=r"1 week\(s\) have no row at all: 2024-01-22 to 2024-01-28\."):
        periods(weeks.delete(3))
    assert len(periods(weeks.delete(3), validation={"missing_kpi": "zero"}).grid) == 40


def test_a_missing_month_is_named() -> None:
    with pytest.raises(CampaignDataError, match=r"1 month\(s\) have no row at all: 2024-04"):
        periods(dates("2024-01-01", 40, "MS").delete(3))


def test_a_weekly_date_on_another_weekday_is_named_with_its_line() -> None:
    odd = pd.DatetimeIndex(sorted([*dates("2024-01-01", 40, "7D"), pd.Timestamp("2024-02-07")]))
    with pytest.raises(CampaignDataError, match=r"each on a Monday, but 1 date.* weekday: 2024-02-07 \(line 8\)"):
        periods(odd)


def test_the_running_week_is_left_out_and_said() -> None:
    weeks, wednesday = dates("2024-01-01", 40, "7D"), dt.date(2024, 10, 2)
    made = periods(weeks, today=wednesday)
    assert made.grid.end == dt.date(2024, 9, 29)
    assert made.notes[-1] == "the last week, 2024-09-30 to 2024-10-06, is left out: it is not over on 2024-10-02"
    assert len(periods(weeks, today=dt.date(2024, 10, 6)).grid) == 40


def test_as_of_a_day_its_week_is_not_over() -> None:
    made = periods_of_rows(lines(dates("2024-01-01", 40, "7D")), parse_settings({"split": {"as_of": "2024-10-02"}}))
    assert made.grid.end == dt.date(2024, 9, 29)


def daily(days: int = 60) -> pd.DataFrame:
    """Two channels from Wednesday 2024-01-03 on: day number t is worth t."""
    each = np.repeat(dates("2024-01-03", days, "D"), 2)
    value = np.repeat(np.arange(days, dtype=float), 2)
    table = pd.DataFrame({"date": each, "channel": ["A", "B"] * days, **dict.fromkeys(MEASURES, value)})
    return table.assign(row_count=1, first_line=np.arange(2, 2 + len(table)))


def test_days_are_summed_up_to_whole_weeks_and_parts_of_weeks_left_out() -> None:
    table = daily()
    made = periods(pd.DatetimeIndex(table["date"].unique()), time={"step": "week"})
    sums = made.sums(table, MEASURES)
    assert made.grid == TimeGrid(dt.date(2024, 1, 8), Step.WEEK, 7)
    # Monday 8 January is day 5; the first whole week is days 5 to 11.
    assert sums.loc[sums["channel"] == "A", "kpi"].tolist() == [sum(range(5 + 7 * w, 12 + 7 * w)) for w in range(7)]
    assert sums["row_count"].tolist() == [7] * 14
    assert sums["first_line"].tolist()[:2] == [12, 13]
    assert [note.split(" is left out")[0] for note in made.notes[1:]] == [
        "the first week, 2024-01-01 to 2024-01-07,",
        "the last week, 2024-02-26 to 2024-03-03,",
    ]


def test_a_missing_day_is_missing_from_a_week_too() -> None:
    days = dates("2024-01-01", 70, "D").delete(10)
    with pytest.raises(CampaignDataError, match=r"1 day\(s\) have no row at all: 2024-01-11"):
        periods(days, time={"step": "week"})


def test_days_of_a_part_of_a_week_that_is_left_out_need_no_row() -> None:
    days = dates("2024-01-03", 70, "D").delete(2)
    assert periods(days, time={"step": "week"}).grid.start == dt.date(2024, 1, 8)


def test_weeks_may_start_on_another_day_where_days_are_summed_up() -> None:
    made = periods(dates("2024-01-03", 60, "D"), time={"step": "week", "week_start": "sunday"})
    assert made.grid.week_start == "Sunday"


@pytest.mark.parametrize(
    ("freq", "time", "error", "message"),
    [
        ("7D", {"step": "day"}, CampaignDataError, "time.step is day, and the rows are weekly: 40 dates"),
        ("7D", {"step": "month"}, CampaignDataError, "weeks belong to two of them"),
        ("7D", {"week_start": "sunday"}, SettingsError, "of weeks from a Monday on"),
    ],
)
def test_settings_that_contradict_the_dates_are_refused(
    freq: str, time: dict[str, str], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        periods(dates("2024-01-01", 40, freq), time=time)


def test_a_weekly_market_beside_a_daily_one_counts_where_both_are_summed_up_to_weeks() -> None:
    days, weeks = dates("2024-01-01", 70, "D"), dates("2024-01-01", 10, "7D")
    chosen = parse_settings({"time": {"step": "week"}})
    together = periods_of_rows(lines(days), chosen, today=TODAY)
    require_periods_of_market(lines(weeks), together, chosen, "South")
    with pytest.raises(CampaignDataError, match=r"1 week\(s\) of market 'South' have no row: 2024-01-15 to 2024-01-21"):
        require_periods_of_market(lines(weeks.delete(2)), together, chosen, "South")


def of_two(media: pd.DatetimeIndex, kpi: pd.DatetimeIndex, **sections: Any) -> Periods:
    return periods_of_rows(lines(media), parse_settings(sections), kpi_lines=lines(kpi), today=TODAY)


def test_daily_media_are_summed_up_to_the_weeks_of_the_kpi() -> None:
    made = of_two(dates("2024-01-03", 100, "D"), dates("2024-01-07", 12, "7D"))
    assert made.grid == TimeGrid(dt.date(2024, 1, 7), Step.WEEK, 12)
    assert made.steps == (Step.DAY, Step.WEEK)
    assert made.notes == (
        "daily media are summed up to weeks (time.step)",
        "the KPI are weekly: the model counts weeks, each from a Sunday on (time.step)",
    )


def test_a_week_of_the_kpi_that_the_media_cover_in_part_is_left_out() -> None:
    made = of_two(dates("2024-01-10", 100, "D"), dates("2024-01-01", 12, "7D"))
    assert made.grid == TimeGrid(dt.date(2024, 1, 15), Step.WEEK, 10)
    assert "the first week, 2024-01-08 to 2024-01-14, is left out: its rows begin on 2024-01-10 only" in made.notes


def test_media_may_leave_days_out_and_the_kpi_may_not() -> None:
    days = dates("2024-01-01", 60, "D")
    assert len(of_two(days.delete([3, 4]), days).grid) == 60
    with pytest.raises(CampaignDataError, match=r"1 day\(s\) have no row at all: 2024-01-04"):
        of_two(days, days.delete(3))


def test_two_tables_of_different_weeks_are_refused() -> None:
    with pytest.raises(CampaignDataError, match="those of the media on a Monday and those of the KPI on a Sunday"):
        of_two(dates("2024-01-01", 40, "7D"), dates("2024-01-07", 40, "7D"))
