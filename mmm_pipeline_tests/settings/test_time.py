"""Lengths of time in the settings, and names of an earlier version."""

from __future__ import annotations

from pathlib import Path

import pytest

from mmm_pipeline.errors import SettingsError
from mmm_pipeline.mmm.data.time_grid import Step
from mmm_pipeline.settings.pipeline import Settings, load_settings, parse_settings
from mmm_pipeline.storage.home import Home


@pytest.mark.parametrize(
    ("written", "step", "periods"),
    [
        (None, Step.DAY, 28),
        (None, Step.WEEK, 8),
        (None, Step.MONTH, 3),
        ("8w", Step.DAY, 56),
        ("8w", Step.WEEK, 8),
        (6, Step.WEEK, 6),
    ],
)
def test_a_holdout_is_so_many_periods_of_the_data(written: str | int | None, step: Step, periods: int) -> None:
    assert parse_settings({"split": {"holdout": written}}).split.holdout_periods(step) == periods


def test_a_horizon_that_is_no_whole_number_of_weeks_names_the_setting() -> None:
    with pytest.raises(SettingsError, match=r"budget\.horizon = 10d is no whole number of weeks"):
        parse_settings({"budget": {"horizon": "10d"}}).budget.horizon_periods(Step.WEEK)


def test_what_is_no_length_is_refused_with_what_is_accepted() -> None:
    with pytest.raises(SettingsError, match=r"split\.holdout = '8 weeks': .* accepted are 28d \(days\), 8w \(weeks\)"):
        parse_settings({"split": {"holdout": "8 weeks"}})


def test_lengths_are_remembered_as_they_were_written(tmp_path: Path) -> None:
    home = Home(tmp_path)
    settings = parse_settings({"split": {"holdout": "8w"}, "budget": {"horizon": 14}})
    assert load_settings(home.remember_settings(settings)) == settings
    assert "holdout: 8w" in home.settings_file.read_text(encoding="utf-8")


def test_an_earlier_name_is_refused_with_the_one_of_today_and_read_where_a_home_remembers_it(tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text("split: {holdout_days: 14}\ncolumns: {kpi_per: day}\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"'split\.holdout_days' has another name: write split\.holdout"):
        load_settings(file)
    remembered = load_settings(file, earlier_names=True)
    assert remembered == parse_settings({"split": {"holdout": 14}, "columns": {"kpi_per": "date"}})
    assert remembered != Settings()
