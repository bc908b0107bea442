"""The user's table of extra features."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mmm_pipeline.errors import CampaignDataError
from mmm_pipeline.ingestion.features import load_features, of_periods
from mmm_pipeline.mmm.data.time_grid import Step, TimeGrid
from mmm_pipeline.settings.pipeline import Settings, parse_settings

Read = Callable[..., pd.DataFrame | None]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def read_it(text: str, source: dict[str, Any] | None = None, **options: Any) -> pd.DataFrame | None:
        path = tmp_path / "features.csv"
        path.write_text(text, encoding="utf-8")
        where = {"kind": "file", "path": str(path), **(source or {})}
        return load_features(parse_settings({"controls": {"source": where, **options}}))

    return read_it


def test_no_path_means_no_features() -> None:
    assert load_features(Settings()) is None


def test_dates_and_numbers_are_read_like_those_of_a_campaign_file(read: Read) -> None:
    table = read('Date,Price,Temperature\n10/18/2021,"$1,000.5",-3\n"Oct 17, 2021",2,(4)\n')

    assert table is not None
    assert table.to_dict("list") == {
        "date": [pd.Timestamp("2021-10-17"), pd.Timestamp("2021-10-18")],
        "Price": [2.0, 1000.5],
        "Temperature": [-4.0, -3.0],
    }


def test_numbers_with_a_decimal_comma_are_read_and_told(tmp_path: Path) -> None:
    path, told = tmp_path / "features.csv", []
    path.write_text("Date;Price;Stock\n2021-10-17;1,5;1.250\n2021-10-18;-2,25;443\n", encoding="utf-8")

    table = load_features(parse_settings({"controls": {"source": str(path)}}), told.append)

    assert table is not None
    assert (table["Price"].tolist(), table["Stock"].tolist()) == ([1.5, -2.25], [1250.0, 443.0])
    assert told == [
        "controls: 'Price': read with a decimal comma, '-2,25' is -2.25",
        "controls: 'Stock': read with a decimal comma like 'Price' ('-2,25'), so that '1.250' is 1250",
    ]


def test_numbers_of_two_readings_are_refused_unless_the_settings_say_how(read: Read) -> None:
    text = "Date;Stock\n2021-10-17;443\n2021-10-18;1.250\n"

    with pytest.raises(
        CampaignDataError, match=r"'Stock': '1.250' \(line 3\) is 1250 .*or 1.25 (?s:.*)controls.source.decimal"
    ):
        read(text)
    table = read(text, {"decimal": "comma"})

    assert table is not None
    assert table["Stock"].tolist() == [443.0, 1250.0]


def test_only_the_columns_asked_for_are_read(read: Read) -> None:
    table = read("Day,Price,Note\n2021-10-17,1,hello\n", date="day", columns=["PRICE"])

    assert table is not None
    assert list(table.columns) == ["date", "Price"]


@pytest.mark.parametrize("suffix", [".xlsx", ".parquet"])
def test_workbooks_and_parquet_files_are_read(tmp_path: Path, suffix: str) -> None:
    frame = pd.DataFrame({"Date": pd.date_range("2021-10-17", periods=3), "Price": [1.5, 2.0, -3.0]})
    path = tmp_path / f"features{suffix}"
    frame.to_excel(path, index=False) if suffix == ".xlsx" else frame.to_parquet(path)

    table = load_features(parse_settings({"controls": {"source": str(path)}}))

    assert table is not None
    assert table["Price"].tolist() == [1.5, 2.0, -3.0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Date,Price\n2021-10-17,\n", "line 2: Price = '' is not a finite number"),
        ("Date,Price\n2021-10-17,1\n2021-10-18,inf\n", "line 3: Price = 'inf' is not a finite number"),
        ("Date,Price\n2021-10-17,nan\n", "line 2: Price = 'nan' is not a finite number"),
        ("Date,Price\n2021-10-17,yes\n", "line 2: Price = 'yes' is not a finite number"),
        ("Date,Price\n17/10/21,1\n", "line 2: Date = '17/10/21' is not a date"),
        ("Date,Price\n2021-10-17,1\n10/17/2021,1\n", r"2021-10-17 appears more than once \(line 2 and line 3\)"),
        ("Date,Price\n2021-10-17,1,2\n", "line 2 is no row of controls: too_many_fields"),
        ("Date\n2021-10-17\n", "has no column beside the date 'Date'"),
        ("Date,Price\n", "has a header but no rows"),
        ("Day,Price\n2021-10-17,1\n", r"date: 'Date' is missing.*set controls\.date"),
        ("", "is empty"),
    ],
)
def test_a_table_that_is_not_complete_is_one_clear_error(read: Read, text: str, message: str) -> None:
    with pytest.raises(CampaignDataError, match=f"(?s){message}"):
        read(text)


def test_a_feature_that_is_not_there_is_an_error_with_the_closest_name(read: Read) -> None:
    with pytest.raises(CampaignDataError, match=r"'Prise' is missing \(closest: 'Price'\)"):
        read("Date,Price\n2021-10-17,1\n", columns=["Prise"])


def test_many_bad_cells_are_counted(read: Read) -> None:
    lines = "\n".join(f"2021-10-{day:02},x" for day in range(1, 21))

    with pytest.raises(CampaignDataError, match="and 15 more"):
        read(f"Date,Price\n{lines}\n")


def test_daily_features_of_weekly_data_are_averaged() -> None:
    days = pd.date_range("2024-01-01", periods=21)
    daily = pd.DataFrame({"date": days, "price": np.arange(21.0)})
    weeks = TimeGrid(dt.date(2024, 1, 1), Step.WEEK, 3)
    assert of_periods(daily, weeks, Settings())["price"].tolist() == [3.0, 10.0, 17.0]
    with pytest.raises(CampaignDataError, match=r"miss 1 day\(s\) of 2024-01-01 to 2024-01-21: 2024-01-05"):
        of_periods(daily.drop(index=4), weeks, Settings())


def test_features_of_other_weeks_or_a_coarser_step_are_refused() -> None:
    weekly = pd.DataFrame({"date": pd.date_range("2024-01-07", periods=6, freq="7D"), "price": 1.0})
    with pytest.raises(CampaignDataError, match=r"2024-01-07 is a Sunday: the weeks of the data start on a Monday"):
        of_periods(weekly, TimeGrid(dt.date(2024, 1, 1), Step.WEEK, 3), Settings())
    with pytest.raises(CampaignDataError, match=r"are weekly, and the model counts days"):
        of_periods(weekly, TimeGrid(dt.date(2024, 1, 1), Step.DAY, 3), Settings())
    ending = parse_settings({"time": {"week_date": "end"}})
    assert len(of_periods(weekly, TimeGrid(dt.date(2024, 1, 1), Step.WEEK, 3), ending)) == 3
