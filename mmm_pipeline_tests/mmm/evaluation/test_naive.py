"""Forecasts without a model."""

from __future__ import annotations

import numpy as np
import pytest

from mmm_pipeline.errors import ModelInputError
from mmm_pipeline.mmm.data.time_grid import Step
from mmm_pipeline.mmm.evaluation.naive import naive_forecasts, score_naive_forecasts
from mmm_pipeline.tables.catalog import violations


def test_naive_forecasts_follow_their_names() -> None:
    train = np.array([10.0, 20, 30, 40, 50, 60, 70, 17, 27, 37])

    forecasts = naive_forecasts(train, 9)

    assert forecasts["mean"].tolist() == [36.1] * 9
    assert forecasts["median"].tolist() == [33.5] * 9
    assert forecasts["last_period"].tolist() == [37.0] * 9
    assert forecasts["last_week"].tolist() == [40, 50, 60, 70, 17, 27, 37, 40, 50]
    # Day 10 is the fourth day of its week, whose only train value is 40; the first day's mean is (10 + 17) / 2.
    assert forecasts["weekday_mean"].tolist() == [40, 50, 60, 70, 13.5, 23.5, 33.5, 40, 50]


def test_a_train_window_shorter_than_a_week_still_has_every_forecast() -> None:
    forecasts = naive_forecasts(np.array([4.0, 8.0]), 7)

    assert forecasts["last_week"].tolist() == [4, 8, 4, 8, 4, 8, 4]
    assert forecasts["weekday_mean"].tolist() == [6, 6, 6, 6, 6, 4, 8]


def test_the_best_naive_forecast_is_marked_once_and_the_table_keeps_its_contract() -> None:
    rng = np.random.default_rng(0)

    table = score_naive_forecasts([(rng.uniform(50, 150, 60), rng.uniform(50, 150, 28))])

    assert violations("naive_forecasts", table).empty
    assert table.loc[table["is_best"], "mape"].tolist() == [table["mape"].min()]


def test_a_holdout_without_any_kpi_is_refused_with_what_to_change() -> None:
    with pytest.raises(ModelInputError, match=r"zero on all 5 holdout days.*split\.holdout"):
        score_naive_forecasts([(np.ones(30), np.zeros(5))])


def test_a_year_of_train_days_gives_a_forecast_of_the_same_season() -> None:
    train = np.arange(400.0)

    assert naive_forecasts(train, 3)["seasonal_naive"].tolist() == [400 - 364, 401 - 364, 402 - 364]
    assert "seasonal_naive" not in naive_forecasts(train[:363], 3)


def test_the_chosen_error_marks_the_best() -> None:
    # The median forgives the outlier that the mean follows.
    windows = [(np.array([10.0] * 9 + [110.0]), np.array([10.0, 10.0, 10.0, 70.0]))]

    by_mape, by_rmse = (score_naive_forecasts(windows, error=error).set_index("forecast") for error in ("mape", "rmse"))

    assert by_mape["mape"].idxmin() == by_mape.index[by_mape["is_best"]][0] == "median"
    assert by_rmse["rmse"].idxmin() == by_rmse.index[by_rmse["is_best"]][0] != "median"


def test_windows_are_scored_over_all_their_days() -> None:
    windows = [(np.full(14, 10.0), np.full(3, 20.0)), (np.full(14, 10.0), np.full(1, 10.0))]

    table = score_naive_forecasts(windows).set_index("forecast")

    assert table.loc["mean", "mape"] == pytest.approx(0.5 * 3 / 4)
    assert table.loc["mean", "crps"] == pytest.approx(10 * 3 / 4)


def test_a_forecast_that_one_window_is_too_short_for_is_left_out() -> None:
    long, short = np.arange(1.0, 400.0), np.arange(1.0, 100.0)

    assert "seasonal_naive" in set(score_naive_forecasts([(long, np.ones(5))])["forecast"])
    assert "seasonal_naive" not in set(score_naive_forecasts([(short, np.ones(5)), (long, np.ones(5))])["forecast"])


def test_weeks_and_months_have_the_season_of_a_year_ago_and_no_weekday() -> None:
    kpi = np.arange(60.0)
    weekly, monthly = (naive_forecasts(kpi, 3, step) for step in (Step.WEEK, Step.MONTH))
    assert list(weekly) == list(monthly) == ["mean", "median", "last_period", "seasonal_naive"]
    assert weekly["seasonal_naive"].tolist() == [8.0, 9.0, 10.0]
    assert monthly["seasonal_naive"].tolist() == [48.0, 49.0, 50.0]
    assert "seasonal_naive" not in naive_forecasts(kpi[:51], 3, Step.WEEK)
