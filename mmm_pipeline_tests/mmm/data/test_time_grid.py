"""The time grid: positions and dates are inverse, periods tile the calendar, lengths of time become periods."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmm_pipeline.errors import ModelInputError
from mmm_pipeline.mmm.data.duration import Duration
from mmm_pipeline.mmm.data.time_grid import Step, TimeGrid

few = settings(max_examples=60, deadline=None)
DATES = st.dates(dt.date(1995, 1, 1), dt.date(2040, 12, 31))
POSITIONS = st.integers(-200, 200)


@st.composite
def grids(draw, least=0):
    step = draw(st.sampled_from(Step))
    start = draw(DATES)
    return TimeGrid(start.replace(day=1) if step is Step.MONTH else start, step, draw(st.integers(least, 120)))


@few
@given(grids(), POSITIONS)
def test_the_days_of_a_period_lie_in_it_and_periods_leave_no_day_out(grid, at):
    assert grid.position(grid.date(at)) == grid.position(grid.last_day(at)) == at
    assert grid.last_day(at) + dt.timedelta(days=1) == grid.date(at + 1)


@few
@given(grids(least=1))
def test_a_grid_comes_back_from_its_dates(grid):
    assert TimeGrid.of_dates(grid.dates, grid.step) == grid
    assert len(grid) == 1 or TimeGrid.of_dates(grid.dates) == grid
    assert np.array_equal(grid.positions(grid.dates), np.arange(len(grid)))


@few
@given(grids(), st.integers(0, 120), st.integers(0, 120))
def test_parts_have_the_dates_of_a_slice(grid, first, stop):
    assert np.array_equal(grid[first:stop].dates, grid.dates[first:stop])
    assert np.array_equal(np.concatenate([grid.dates, grid.after(first).dates]), grid.extended(first).dates)
    assert np.array_equal(grid.starting(first)[first:].dates, grid.dates)


@few
@given(grids(least=1), POSITIONS)
def test_elapsed_days_add_up_to_calendar_time(grid, at):
    assert grid.elapsed_days(np.array([at]))[0] == (grid.date(at) - grid.start).days
    assert grid.lengths().sum() == (grid.end - grid.start).days + 1
    assert grid.weekdays(np.array([at]))[0] == grid.date(at).weekday()


@few
@given(st.sampled_from(Step), DATES, st.integers(0, 400), st.integers(0, 6))
def test_a_covering_grid_has_both_days_in_its_first_and_last_period(step, first, days, week_start):
    last = first + dt.timedelta(days=days)
    grid = TimeGrid.covering(first, last, step, week_start)
    assert (grid.position(first), grid.position(last)) == (0, len(grid) - 1)
    assert step is not Step.WEEK or grid.start.weekday() == week_start


@few
@given(grids(least=1), DATES, st.integers(0, 60))
def test_shares_times_lengths_count_the_days_of_a_span_that_the_grid_has(grid, first, days):
    last = first + dt.timedelta(days=days)
    span = pd.date_range(first, last)
    within = ((span >= pd.Timestamp(grid.start)) & (span <= pd.Timestamp(grid.end))).sum()
    assert (grid.shares(first, last) * grid.lengths()).sum() == pytest.approx(within)


def test_days_count_as_before_the_grid():
    grid = TimeGrid(dt.date(2024, 2, 27), Step.DAY, 4)
    assert [str(day) for day in grid.dates] == ["2024-02-27", "2024-02-28", "2024-02-29", "2024-03-01"]
    assert grid.elapsed_days().tolist() == [0, 1, 2, 3]
    assert dt.date(2024, 3, 1) in grid
    assert dt.date(2024, 3, 2) not in grid


def test_months_are_as_long_as_the_calendar_says():
    grid = TimeGrid(dt.date(2024, 1, 1), Step.MONTH, 3)
    assert grid.lengths().tolist() == [31, 29, 31]
    assert grid.elapsed_days().tolist() == [0, 31, 60]
    assert (grid.end, grid.label(1)) == (dt.date(2024, 3, 31), "2024-02")


def test_weeks_start_on_the_weekday_of_the_grid():
    grid = TimeGrid(dt.date(2024, 1, 28), Step.WEEK, 2)
    assert (grid.week_start, grid.position(dt.date(2024, 2, 3)), grid.position(dt.date(2024, 2, 4))) == ("Sunday", 0, 1)


def test_dates_with_a_gap_are_no_grid():
    with pytest.raises(ModelInputError, match="number 2 is 2024-01-15, expected is 2024-01-08"):
        TimeGrid.of_dates(np.array(["2024-01-01", "2024-01-15"], dtype="datetime64[D]"), Step.WEEK)


def test_months_start_on_the_first():
    with pytest.raises(ModelInputError, match="not on 2024-01-02"):
        TimeGrid(dt.date(2024, 1, 2), Step.MONTH, 1)


@pytest.mark.parametrize(
    ("written", "step", "periods"),
    [
        (28, Step.WEEK, 28),
        ("28d", Step.DAY, 28),
        ("28d", Step.WEEK, 4),
        ("8w", Step.DAY, 56),
        ("8w", Step.WEEK, 8),
        ("3m", Step.MONTH, 3),
        ("3m", Step.WEEK, 13),
        ("3m", Step.DAY, 91),
        ("1y", Step.MONTH, 12),
        ("1y", Step.WEEK, 52),
        (" 2 W ", Step.DAY, 14),
    ],
)
def test_lengths_become_periods(written, step, periods):
    assert Duration.parse(written).periods(step) == periods


@pytest.mark.parametrize(("written", "step"), [("10d", Step.WEEK), ("28d", Step.MONTH), ("8w", Step.MONTH)])
def test_a_length_that_is_no_whole_number_of_periods_is_refused(written, step):
    with pytest.raises(ModelInputError, match=rf"split\.holdout = {written} is no whole number of {step}s"):
        Duration.parse(written).periods(step, "split.holdout")


@pytest.mark.parametrize("written", ["", "w", "-3", "1.5w", "8 weeks", True])
def test_what_is_no_length_is_refused(written):
    with pytest.raises(ValueError, match="is not a length of time: accepted are 28d"):
        Duration.parse(written)


@few
@given(st.integers(0, 5000), st.sampled_from(["", "d", "w", "m", "y"]))
def test_a_length_comes_back_as_it_was_written(number, unit):
    duration = Duration(number, unit)
    assert Duration.parse(duration.written) == duration
