"""Forecasts without a model."""

from __future__ import annotations

import numpy as np
import pytest

from mmm_pipeline.contracts import violations
from mmm_pipeline.errors import ModelInputError
from mmm_pipeline.mmm.naive import naive_forecasts, score_naive_forecasts


def test_naive_forecasts_follow_their_names() -> None:
    train = np.array([10.0, 20, 30, 40, 50, 60, 70, 17, 27, 37])

    forecasts = naive_forecasts(train, 9)

    assert forecasts["mean"].tolist() == [36.1] * 9
    assert forecasts["median"].tolist() == [33.5] * 9
    assert forecasts["last_day"].tolist() == [37.0] * 9
    assert forecasts["last_week"].tolist() == [40, 50, 60, 70, 17, 27, 37, 40, 50]
    # Day 10 is the fourth day of its week, whose only train value is 40; the first day's mean is (10 + 17) / 2.
    assert forecasts["weekday_mean"].tolist() == [40, 50, 60, 70, 13.5, 23.5, 33.5, 40, 50]


def test_a_train_window_shorter_than_a_week_still_has_every_forecast() -> None:
    forecasts = naive_forecasts(np.array([4.0, 8.0]), 7)

    assert forecasts["last_week"].tolist() == [4, 8, 4, 8, 4, 8, 4]
    assert forecasts["weekday_mean"].tolist() == [6, 6, 6, 6, 6, 4, 8]


def test_the_best_naive_forecast_is_marked_once_and_the_table_keeps_its_contract() -> None:
    rng = np.random.default_rng(0)

    table = score_naive_forecasts(rng.uniform(50, 150, 60), rng.uniform(50, 150, 28))

    assert violations("naive_forecasts", table).empty
    assert table.loc[table["is_best"], "mape"].tolist() == [table["mape"].min()]


def test_a_holdout_without_any_kpi_is_refused_with_what_to_change() -> None:
    with pytest.raises(ModelInputError, match=r"zero on all 5 holdout days.*split\.holdout"):
        score_naive_forecasts(np.ones(30), np.zeros(5))
